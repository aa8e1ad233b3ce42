import { FlagError, parseCommand } from "../../bench/flags.js";

const suites = ["unary", "stream", "memory"];

test("without a suite all are measured, in their own order", () => {
  expect(parseCommand([], suites)).toEqual({
    kind: "measure",
    suites,
    seconds: 2,
    json: undefined,
    plot: undefined,
    smoke: false,
    all: false,
    only: undefined,
    cases: undefined,
  });
  expect(parseCommand(["memory", "unary", "--seconds", "0.5", "--json=out.json", "--smoke"], suites)).toMatchObject({
    suites: ["unary", "memory"],
    seconds: 0.5,
    json: "out.json",
    smoke: true,
  });
  expect(parseCommand(["--only", "http2", "--cases=100 in flight"], suites)).toMatchObject({
    suites,
    only: "http2",
    cases: "100 in flight",
  });
  expect(parseCommand(["--docs"], suites)).toEqual({ kind: "docs" });
});

test.each([
  [["nope"], "there is no suite nope"],
  [["--fast"], "there is no flag --fast"],
  [["--toString"], "there is no flag --toString"],
  [["-s"], "there is no flag -s"],
  [["--json"], "--json needs a value"],
  [["--only"], "--only needs a value"],
  [["--smoke=yes"], "--smoke takes no value"],
  [["--seconds", "0"], "--seconds cannot be 0"],
  [["--seconds=-1"], "--seconds cannot be -1"],
  [["--seconds", "soon"], "--seconds cannot be soon"],
  [["--docs", "--smoke"], "--docs goes alone"],
  [["--docs", "unary"], "--docs goes alone"],
])("%j is refused with what there is", (args, problem) => {
  const parse = () => parseCommand(args, suites);
  expect(parse).toThrow(FlagError);
  expect(parse).toThrow(problem);
  expect(parse).toThrow(/Suites: unary, stream, memory\n.*--seconds S.*--docs/s);
});
