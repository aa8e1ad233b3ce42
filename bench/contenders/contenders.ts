import type { TransportName } from "@trunkline/runtime";
import type { Contender } from "./contender.js";

export const rawHttp2: Contender = {
  name: "raw node:http2 echo",
  client: async () => (await import("./raw-http2.js")).rawHttp2,
  server: async () => (await import("./raw-http2.js")).rawHttp2,
};

export const grpcJs: Contender = {
  name: "grpc-js by hand, ts-proto",
  client: async () => (await import("./grpc-js-client.js")).grpcJsClient,
  server: async () => (await import("./grpc-js-server.js")).grpcJsServer,
};

export const niceGrpc: Contender = {
  name: "nice-grpc, ts-proto",
  client: async () => (await import("./nice-grpc.js")).niceGrpc,
  server: async () => (await import("./nice-grpc.js")).niceGrpc,
};

export const connectNode: Contender = {
  name: "connect-node gRPC, protobuf-es",
  client: async () => (await import("./connect-node.js")).connectNode,
  server: async () => (await import("./connect-node.js")).connectNode,
};

/** The transports of trunkline that are measured: one entry here is a row in every table. */
const transports: readonly TransportName[] = ["grpc-js"];

function onTransport(transport: TransportName): { readonly tsProto: Contender; readonly protobufEs: Contender } {
  const tsProto = async () => (await import("./trunkline-ts-proto.js")).stack(transport);
  const protobufEs = async () => (await import("./trunkline-protobuf-es.js")).stack(transport);
  return {
    tsProto: { name: `trunkline ${transport}, ts-proto`, client: tsProto, server: tsProto },
    protobufEs: { name: `trunkline ${transport}, protobuf-es`, client: protobufEs, server: protobufEs },
  };
}

const ours = transports.map(onTransport);

/** Trunkline with the messages of its default, once per transport. */
export const trunkline: readonly Contender[] = ours.map(({ tsProto }) => tsProto);

/** A contender that fails in the way that the environment asks for: how a test sees what a failure does to a run. */
const failure = process.env.TRUNKLINE_BENCH_FAILURE;
const failing: readonly Contender[] =
  failure === undefined
    ? []
    : [
        {
          name: `fails: ${failure}`,
          client: async () => (await import("./failing.js")).failing(failure),
          server: async () => (await import("./grpc-js-server.js")).grpcJsServer,
        },
      ];

/** Those of the suites that compare whole stacks, in the order of the tables. */
export const stacks: readonly Contender[] = [
  rawHttp2,
  grpcJs,
  niceGrpc,
  connectNode,
  ...ours.flatMap(({ tsProto, protobufEs }) => [tsProto, protobufEs]),
  ...failing,
];

/** What ratios are of, unless a suite says otherwise. */
export const baseline = grpcJs.name;

export const contenders: ReadonlyMap<string, Contender> = new Map(
  stacks.map((contender) => [contender.name, contender]),
);
