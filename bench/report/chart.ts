/**
 * Charts as SVG, in panels: bars, each with its value beside it, or lines over a logarithmic axis. Every panel has its
 * own scale, since units differ. Paper and text follow the reader's scheme; the colours of series stand out on both.
 */

export interface Bars {
  readonly kind: "bars";
  readonly title: string;
  readonly rows: readonly { readonly series: string; readonly value: number; readonly label: string }[];
}

export interface Lines {
  readonly kind: "lines";
  readonly title: string;
  readonly xTitle: string;
  readonly series: readonly {
    readonly name: string;
    readonly points: readonly { readonly x: number; readonly y: number }[];
    /** An x at which to put a ring. */
    readonly mark?: number | undefined;
  }[];
}

export type Panel = Bars | Lines;

/** The project's own rows are warm, its peers' cool. */
const palettes = {
  peers: ["#7d8590", "#2f81c7", "#8957d6", "#1f9e89", "#5a8f29"],
  own: ["#e0700c", "#c99700", "#d6409f", "#b35c44", "#e5534b"],
};
const columns = 2;
const panelWidth = 460;
const gap = 28;
const rowHeight = 22;
const plotHeight = 200;
const font = "font-family=\"system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif\"";

const escaped = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
const number = (value: number) => String(Math.round(value * 10) / 10);

export function renderChart(title: string, panels: readonly Panel[]): string {
  const names = [...new Set(panels.flatMap(seriesOf))];
  const isOwn = (name: string) => name.startsWith("trunkline");
  const color = (name: string) => {
    const palette = isOwn(name) ? palettes.own : palettes.peers;
    const alike = names.filter((one) => isOwn(one) === isOwn(name));
    return palette[alike.indexOf(name) % palette.length]!;
  };
  const body: string[] = [];
  const width = columns * panelWidth + (columns + 1) * gap;
  let y = 40;
  names.forEach((name, i) => {
    const x = gap + (i % 3) * ((width - 2 * gap) / 3);
    const top = y + Math.floor(i / 3) * 20;
    body.push(
      `<rect x="${number(x)}" y="${top}" width="12" height="12" rx="2" fill="${color(name)}"/>`,
      text(x + 18, top + 10.5, name),
    );
  });
  y += Math.ceil(names.length / 3) * 20 + 16;
  for (let i = 0; i < panels.length; i += columns) {
    const row = panels.slice(i, i + columns);
    row.forEach((panel, column) => {
      const x = gap + column * (panelWidth + gap);
      const marks = panel.kind === "bars" ? bars(panel, color) : lines(panel, color);
      body.push(`<g transform="translate(${x} ${y})">${text(0, 12, panel.title, "b")}${marks}</g>`);
    });
    y += Math.max(...row.map(heightOf)) + gap;
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${y}" width="${width}" height="${y}" role="img" aria-label="${escaped(title)}" ${font} font-size="12">`,
    "<style>.p{fill:#fff}text{fill:#1f2328}.b{font-weight:600}.s{font-size:11px;fill:#59636e}.g{stroke:#8c959f;stroke-opacity:.35}",
    "@media(prefers-color-scheme:dark){.p{fill:#0d1117}text{fill:#e6edf3}.s{fill:#9198a1}}</style>",
    '<rect class="p" width="100%" height="100%" rx="6"/>',
    `<text class="b" x="${gap}" y="24" font-size="15">${escaped(title)}</text>`,
    ...body,
    "</svg>\n",
  ].join("\n");
}

function seriesOf(panel: Panel): string[] {
  return panel.kind === "bars" ? panel.rows.map(({ series }) => series) : panel.series.map(({ name }) => name);
}

function heightOf(panel: Panel): number {
  return panel.kind === "bars" ? 20 + panel.rows.length * rowHeight : plotHeight + 52;
}

function text(x: number, y: number, content: string, style = "", anchor = "start"): string {
  const attributes = `${style === "" ? "" : ` class="${style}"`}${anchor === "start" ? "" : ` text-anchor="${anchor}"`}`;
  return `<text x="${number(x)}" y="${number(y)}"${attributes}>${escaped(content)}</text>`;
}

function bars({ rows }: Bars, color: (name: string) => string): string {
  const largest = Math.max(...rows.map(({ value }) => value), Number.MIN_VALUE);
  // The rest of the width is for the longest label.
  const full = panelWidth - 150;
  return rows
    .map(({ series, value, label }, i) => {
      const top = 20 + i * rowHeight;
      const length = Math.max(1.5, (Math.max(0, value) / largest) * full);
      const bar = `<rect x="0" y="${top}" width="${number(length)}" height="${rowHeight - 5}" rx="2" fill="${color(series)}"/>`;
      return bar + text(length + 6, top + 13, label, "s");
    })
    .join("");
}

function lines(panel: Lines, color: (name: string) => string): string {
  const points = panel.series.flatMap((one) => one.points);
  const left = 56;
  const top = 24;
  const scale = (values: readonly number[], from: number, to: number) => {
    const [low, high] = [Math.log10(Math.min(...values)), Math.log10(Math.max(...values))];
    return (value: number) => from + ((Math.log10(value) - low) / (high - low || 1)) * (to - from);
  };
  const x = scale(
    points.map((one) => one.x),
    left,
    panelWidth - 10,
  );
  const ticksY = powersOfTen(points.map((one) => one.y));
  const y = scale([...points.map((one) => one.y), ...ticksY], top + plotHeight, top);
  const out = ticksY.map(
    (tick) =>
      `<path class="g" d="M${left} ${number(y(tick))}H${panelWidth}"/>${text(left - 6, y(tick) + 4, tick.toLocaleString("en"), "s", "end")}`,
  );
  const largestX = Math.max(...points.map((one) => one.x));
  for (const tick of powersOfTen(points.map((one) => one.x)).filter((one) => one <= largestX))
    out.push(text(x(tick), top + plotHeight + 16, tick.toLocaleString("en"), "s", "middle"));
  out.push(text(panelWidth / 2 + left / 2, top + plotHeight + 30, panel.xTitle, "s", "middle"));
  for (const { name, points, mark } of panel.series) {
    const path = points.map((point, i) => `${i === 0 ? "M" : "L"}${number(x(point.x))} ${number(y(point.y))}`).join("");
    out.push(`<path d="${path}" fill="none" stroke="${color(name)}" stroke-width="2" stroke-linejoin="round"/>`);
    const marked = points.find((point) => point.x === mark);
    if (marked !== undefined) {
      out.push(
        `<circle cx="${number(x(marked.x))}" cy="${number(y(marked.y))}" r="6" fill="none" stroke="${color(name)}" stroke-width="2"/>`,
      );
    }
  }
  return out.join("");
}

/** Those within the range, and the next beyond it at either end. */
function powersOfTen(values: readonly number[]): number[] {
  const low = Math.floor(Math.log10(Math.min(...values)) + 1e-9);
  const high = Math.ceil(Math.log10(Math.max(...values)) - 1e-9);
  return Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i)).filter((tick) => Number.isFinite(tick));
}
