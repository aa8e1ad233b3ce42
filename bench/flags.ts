/** The command line. */
import { parseArgs } from "node:util";

/** The command line cannot be run as it is; the message says what there is. */
export class FlagError extends Error {}

export type Command =
  | { readonly kind: "docs" }
  | {
      readonly kind: "measure";
      /** In the order in which they run. */
      readonly suites: readonly string[];
      readonly seconds: number;
      readonly json: string | undefined;
      readonly plot: string | undefined;
      readonly smoke: boolean;
      /** What takes most of an hour as well. */
      readonly all: boolean;
      /** A part of the names of the contenders that take part. */
      readonly only: string | undefined;
      /** A part of the names of the cases that are run. */
      readonly cases: string | undefined;
    };

const options = {
  seconds: { type: "string", help: "S      seconds that each contender is measured for in each case (default 2)" },
  json: { type: "string", help: "FILE      writes every sample to a file" },
  plot: { type: "string", help: "FOLDER    writes a chart for each suite" },
  only: { type: "string", help: "TEXT      only contenders with it in their names, and what they are compared with" },
  cases: { type: "string", help: "TEXT     only cases with it in their names" },
  smoke: { type: "boolean", help: "         everything once, tiny: whether it works, not how fast" },
  all: {
    type: "boolean",
    help: "           codegen: every directory of Google's APIs, and tsc over all that comes of them",
  },
  docs: {
    type: "boolean",
    help: "          makes docs/benchmarks.md and docs/bench/ from the reports in bench/results/",
  },
} as const;

export function parseCommand(args: readonly string[], known: readonly string[]): Command {
  // Not strict: its errors do not say what there is.
  const { tokens } = parseArgs({ args: [...args], options, strict: false, tokens: true });
  const asked = new Set<string>();
  const values: { [name: string]: string } = {};
  for (const token of tokens) {
    if (token.kind === "positional") {
      if (!known.includes(token.value)) throw problem(`there is no suite ${token.value}`, known);
      asked.add(token.value);
    } else if (token.kind === "option") {
      const option = Object.hasOwn(options, token.name) ? options[token.name as keyof typeof options] : undefined;
      if (option === undefined) throw problem(`there is no flag ${token.rawName}`, known);
      if ((option.type === "string") !== (token.value !== undefined && token.value !== "")) {
        throw problem(`${token.rawName} ${option.type === "string" ? "needs a value" : "takes no value"}`, known);
      }
      values[token.name] = token.value ?? "";
    }
  }
  if (values.docs !== undefined) {
    if (Object.keys(values).length > 1 || asked.size > 0) throw problem("--docs goes alone", known);
    return { kind: "docs" };
  }
  const seconds = Number(values.seconds ?? 2);
  if (!(seconds > 0 && seconds <= 3600)) throw problem(`--seconds cannot be ${values.seconds}: 0.1 to 3600`, known);
  return {
    kind: "measure",
    suites: known.filter((suite) => asked.size === 0 || asked.has(suite)),
    seconds,
    json: values.json,
    plot: values.plot,
    smoke: values.smoke !== undefined,
    all: values.all !== undefined,
    only: values.only,
    cases: values.cases,
  };
}

function problem(what: string, suites: readonly string[]): FlagError {
  const flags = Object.entries(options).map(([name, { help }]) => `  --${name} ${help}`);
  return new FlagError([`${what}`, "", `Suites: ${suites.join(", ")}`, "Flags:", ...flags].join("\n"));
}
