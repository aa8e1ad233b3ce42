import { renderChart } from "../../bench/report/chart.js";

test("bars are as long as their values, text is escaped, and colours know the dark", () => {
  const rows = [
    { series: "a<b", value: 50, label: "50" },
    { series: "trunkline", value: 100, label: "100" },
    { series: "less than nothing", value: -5, label: "-5" },
  ];
  const svg = renderChart("A & B", [{ kind: "bars", title: "panel", rows }]);
  expect(svg).toContain("A &amp; B");
  expect(svg).toContain("a&lt;b");
  expect(svg).toContain("prefers-color-scheme:dark");
  const lengths = [...svg.matchAll(/<rect x="0" y="\d+" width="([\d.]+)"/g)].map(([, width]) => Number(width));
  expect(lengths[1]! / lengths[0]!).toBeCloseTo(2);
  expect(lengths[2]).toBe(1.5);
});

test("lines lie over a logarithmic axis", () => {
  const points = [
    { x: 1, y: 10 },
    { x: 10, y: 100 },
    { x: 100, y: 1000 },
  ];
  const series = [{ name: "a", points, mark: 10 }];
  const svg = renderChart("lines", [{ kind: "lines", title: "panel", xTitle: "callers", series }]);
  const [, path] = /<path d="([^"]+)" fill="none"/.exec(svg)!;
  const [first, second, third] = path!.match(/[\d.]+ [\d.]+/g)!.map((point) => Number(point.split(" ")[0]));
  expect(second! - first!).toBeCloseTo(third! - second!);
  expect(svg.match(/<circle/g)).toHaveLength(1);
  expect(svg).not.toContain("NaN");
});
