/**
 * What the transport http2 and the plugin are to reach: ratios of two contenders that took turns in the same case of the
 * same run, or, where it is said, the figure itself.
 */
import {
  caseNames,
  libraries,
  protocGenEs,
  trunklinePlugin,
  tsProtoPlugin,
  tsProtoWithImports,
  typeCheckNames,
} from "./codegen/names.js";
import { grpcJsName, grpcJsTlsName, rawHttp2Name, trunklineNames } from "./contenders/names.js";

/** A case of the target's suite, and a metric of it. */
export interface Figure {
  readonly case: string;
  readonly metric: string;
  /** Which it is, where a target has several. */
  readonly label?: string;
}

export interface Target {
  readonly name: string;
  readonly suite: string;
  /** The contender that is judged. */
  readonly contender: string;
  /** The one that it is divided by; none where the metric is what is judged. */
  readonly over: string | undefined;
  /** Of a metric that is judged itself; none where it is a ratio. */
  readonly unit?: string;
  readonly bound: "at least" | "at most";
  readonly value: number;
  /** Each has to be within the bound. */
  readonly figures: readonly Figure[];
}

const http2 = trunklineNames("http2");
const ours = http2.tsProto;

export const targets: readonly Target[] = [
  {
    name: "unary, 100 in flight",
    suite: "unary",
    contender: ours,
    over: grpcJsName,
    bound: "at least",
    value: 15,
    figures: [{ case: "20 B, 100 in flight", metric: "throughput" }],
  },
  {
    name: "unary, 100 in flight, each with deadline, signal and metadata",
    suite: "unary",
    contender: ours,
    over: grpcJsName,
    bound: "at least",
    value: 10,
    figures: [{ case: "20 B, deadline + signal + metadata, 100 in flight", metric: "throughput" }],
  },
  {
    name: "unary, 1 in flight",
    suite: "unary",
    contender: ours,
    over: grpcJsName,
    bound: "at least",
    value: 7,
    figures: [{ case: "20 B, 1 in flight", metric: "throughput" }],
  },
  {
    name: "unary, 100 in flight, beside node:http2 itself",
    suite: "unary",
    contender: ours,
    over: rawHttp2Name,
    bound: "at least",
    value: 5,
    figures: [{ case: "20 B, 100 in flight", metric: "throughput" }],
  },
  {
    name: "unary, 100 in flight, our client alone",
    suite: "unary",
    contender: http2.client,
    over: grpcJsName,
    bound: "at least",
    value: 2.5,
    figures: [{ case: "20 B, 100 in flight, one end trunkline", metric: "throughput" }],
  },
  {
    name: "unary, 100 in flight, our server alone",
    suite: "unary",
    contender: http2.server,
    over: grpcJsName,
    bound: "at least",
    value: 1.5,
    figures: [{ case: "20 B, 100 in flight, one end trunkline", metric: "throughput" }],
  },
  {
    name: "server streaming, messages/s",
    suite: "stream",
    contender: ours,
    over: grpcJsName,
    bound: "at least",
    value: 5,
    figures: [{ case: "server streaming, 20 B", metric: "throughput" }],
  },
  {
    name: "64 KB messages, MB/s",
    suite: "stream",
    contender: ours,
    over: grpcJsName,
    bound: "at least",
    value: 2,
    figures: [
      { label: "to the client", case: "server streaming, 64 KB", metric: "throughput" },
      { label: "to the server", case: "client streaming, 64 KB", metric: "throughput" },
    ],
  },
  {
    name: "memory of an open stream, both ends",
    suite: "memory",
    contender: ours,
    over: grpcJsName,
    bound: "at most",
    value: 0.25,
    figures: [{ case: "an open stream", metric: "memory" }],
  },
  {
    name: "memory of an idle connection, both ends",
    suite: "memory",
    contender: ours,
    over: grpcJsName,
    bound: "at most",
    value: 0.25,
    figures: [{ case: "an idle connection", metric: "memory" }],
  },
  {
    name: "unary, 100 in flight, with TLS",
    suite: "unary",
    contender: http2.tsProtoTls,
    over: grpcJsTlsName,
    bound: "at least",
    value: 6,
    figures: [{ case: "20 B, 100 in flight, TLS", metric: "throughput" }],
  },
  {
    name: "CPU of both ends per call at 1,000 in flight ÷ at 100",
    suite: "unary",
    contender: ours,
    over: undefined,
    bound: "at most",
    value: 1.2,
    figures: [{ case: "20 B, 1,000 in flight beside 100", metric: "growth" }],
  },
  ...libraries.flatMap((library): Target[] => {
    const contender = trunklinePlugin("services", library);
    const own = { suite: "codegen", contender, over: undefined, bound: "at most" } as const;
    return [
      {
        ...own,
        name: `services of all Google APIs in one request, ${library}: time`,
        value: 10,
        unit: "s",
        figures: [{ case: caseNames.everything, metric: "time" }],
      },
      {
        ...own,
        name: `services of all Google APIs in one request, ${library}: peak memory`,
        value: 1074,
        unit: "MB",
        figures: [{ case: caseNames.everything, metric: "peak memory" }],
      },
      {
        ...own,
        name: `2,000 messages and 1,000 rpcs in one file, ${library}: time`,
        value: 1,
        unit: "s",
        figures: [{ case: caseNames.largeFile, metric: "time" }],
      },
      {
        ...own,
        name: `twice the input, ${library}: time`,
        value: 2.2,
        figures: [
          { label: "types in a file", case: caseNames.largeFile, metric: "growth" },
          { label: "files", case: caseNames.manyFiles, metric: "growth" },
        ],
      },
      {
        name: `tsc on four Google APIs, ${library}: services beside messages alone`,
        suite: "codegen",
        contender: typeCheckNames.services,
        over: typeCheckNames.messages,
        bound: "at most",
        value: 1.3,
        figures: [{ case: caseNames.typeCheck(library), metric: "time" }],
      },
    ];
  }),
  {
    name: "all Google APIs by directory, ts-proto as it is run by default, with what is imported",
    suite: "codegen",
    contender: trunklinePlugin("all", "ts-proto"),
    over: tsProtoWithImports,
    bound: "at most",
    value: 0.5,
    figures: [{ case: caseNames.directories, metric: "time" }],
  },
  {
    name: "all Google APIs by directory, ts-proto without what is imported",
    suite: "codegen",
    contender: trunklinePlugin("all", "ts-proto"),
    over: tsProtoPlugin,
    bound: "at most",
    value: 0.5,
    figures: [{ case: caseNames.directories, metric: "time" }],
  },
  {
    name: "all Google APIs by directory, protobuf-es",
    suite: "codegen",
    contender: trunklinePlugin("all", "protobuf-es"),
    over: protocGenEs,
    bound: "at most",
    value: 1,
    figures: [{ case: caseNames.directories, metric: "time" }],
  },
];

/** What is known of a case before it runs. */
interface KnownCase {
  readonly name: string;
  readonly metrics: readonly { readonly name: string }[];
  readonly turns: readonly { readonly contender: string }[];
}

/** @throws Error where a suite does not measure what a target is about: a case, a metric or a contender has another name */
export function requireMeasured(suite: string, cases: readonly KnownCase[]): void {
  for (const { name, contender, over, figures } of targets.filter((target) => target.suite === suite)) {
    for (const figure of figures) {
      const known = cases.find((one) => one.name === figure.case);
      const names = [
        ...(known?.metrics ?? []).map((metric) => metric.name),
        ...(known?.turns ?? []).map((turn) => turn.contender),
      ];
      const missing = [figure.metric, contender, ...(over === undefined ? [] : [over])].filter(
        (one) => !names.includes(one),
      );
      if (missing.length > 0) {
        throw new Error(
          `bench/targets.ts: ${name}: ${suite} has no ${missing.join(", no ")} in the case ${figure.case}`,
        );
      }
    }
  }
}
