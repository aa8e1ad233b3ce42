/** The file that a run leaves. */
import { readFileSync, writeFileSync } from "node:fs";
import { cpus, release, totalmem, type } from "node:os";
import { fileURLToPath } from "node:url";
import type { Failure, Result } from "../suites/suite.js";

export interface Report {
  /** ISO 8601, the day. */
  readonly date: string;
  /** What `--seconds` was. */
  readonly seconds: number;
  readonly machine: {
    readonly cpu: string;
    readonly cores: number;
    readonly memoryGb: number;
    readonly system: string;
  };
  readonly versions: Readonly<Record<string, string>>;
  readonly results: readonly Result[];
  readonly failures: readonly Failure[];
}

/** From dist/report. */
const bench = fileURLToPath(new URL("../../", import.meta.url));

const packages = [
  "@grpc/grpc-js",
  "nice-grpc",
  "@connectrpc/connect-node",
  "@bufbuild/protobuf",
  "@bufbuild/protoc-gen-es",
  "ts-proto",
  "@protobuf-ts/plugin",
  "protobufjs",
];

export function reportOf(seconds: number, results: readonly Result[], failures: readonly Failure[]): Report {
  const trunkline = versionAt(`${bench}../runtime/package.json`);
  return {
    date: new Date().toISOString().slice(0, 10),
    seconds,
    machine: {
      cpu: cpus()[0]?.model.trim() ?? "unknown",
      cores: cpus().length,
      memoryGb: Math.round(totalmem() / 2 ** 30),
      system: `${type()} ${release()}`,
    },
    versions: {
      node: process.version.slice(1),
      trunkline,
      ...Object.fromEntries(packages.map((name) => [name, versionAt(`${bench}node_modules/${name}/package.json`)])),
      "google-proto-files": versionAt(`${bench}../node_modules/google-proto-files/package.json`),
    },
    results,
    failures,
  };
}

function versionAt(file: string): string {
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}

/** Samples to six digits: more is noise, and twice the file. */
export function writeReport(file: string, report: Report): void {
  const round = (_key: string, value: unknown) => (typeof value === "number" ? Number(value.toPrecision(6)) : value);
  const { results, ...rest } = report;
  // A result a line: a diff of two runs can be read.
  const head = JSON.stringify(rest, round, 2).slice(0, -2);
  writeFileSync(
    file,
    `${head},\n  "results": [\n${results.map((one) => `    ${JSON.stringify(one, round)}`).join(",\n")}\n  ]\n}\n`,
  );
}

export function readReport(file: string): Report {
  return JSON.parse(readFileSync(file, "utf8")) as Report;
}
