import type { TransportName } from "@trunkline/runtime";
import type { Contender } from "./contender.js";
import { grpcJsName, grpcJsTlsName, rawHttp2Name, rawNetName, readyMadeName, trunklineNames } from "./names.js";

/** What bounds a call that is alone, on any stack on sockets of Node.js. */
export const rawNet: Contender = {
  name: rawNetName,
  client: async () => (await import("./raw-net.js")).rawNet,
  server: async () => (await import("./raw-net.js")).rawNet,
};

export const rawHttp2: Contender = {
  name: rawHttp2Name,
  client: async () => (await import("./raw-http2.js")).rawHttp2,
  server: async () => (await import("./raw-http2.js")).rawHttp2,
};

export const grpcJs: Contender = {
  name: grpcJsName,
  client: async () => (await import("./grpc-js-client.js")).grpcJsClient("plaintext"),
  server: async () => (await import("./grpc-js-server.js")).grpcJsServer("plaintext"),
};

/** What bounds a server that grpc-js calls. */
const readyMade: Contender = {
  name: readyMadeName,
  client: grpcJs.client,
  server: async () => (await import("./ready-made-answers.js")).readyMadeAnswers,
};

export const grpcJsTls: Contender = {
  name: grpcJsTlsName,
  client: async () => (await import("./grpc-js-client.js")).grpcJsClient("TLS"),
  server: async () => (await import("./grpc-js-server.js")).grpcJsServer("TLS"),
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

/** Trunkline on one of its transports. */
export interface Trunkline {
  readonly tsProto: Contender;
  readonly protobufEs: Contender;
  readonly tsProtoTls: Contender;
  /** Its client against a server on grpc-js by hand. */
  readonly client: Contender;
  /** Its server, called by a client on grpc-js by hand. */
  readonly server: Contender;
}

export function trunklineOn(transport: TransportName): Trunkline {
  const names = trunklineNames(transport);
  const tsProto = async () => (await import("./trunkline-ts-proto.js")).stack(transport, "plaintext");
  const tsProtoTls = async () => (await import("./trunkline-ts-proto.js")).stack(transport, "TLS");
  const protobufEs = async () => (await import("./trunkline-protobuf-es.js")).stack(transport, "plaintext");
  return {
    tsProto: { name: names.tsProto, client: tsProto, server: tsProto },
    protobufEs: { name: names.protobufEs, client: protobufEs, server: protobufEs },
    tsProtoTls: { name: names.tsProtoTls, client: tsProtoTls, server: tsProtoTls },
    client: { name: names.client, client: tsProto, server: grpcJs.server },
    server: { name: names.server, client: grpcJs.client, server: tsProto },
  };
}

/** The transports of trunkline that are measured: one entry here is a row in every table. */
const ours = [trunklineOn("grpc-js"), trunklineOn("http2")];

/** Trunkline with the messages of its default, once per transport. */
export const trunkline: readonly Contender[] = ours.map(({ tsProto }) => tsProto);

/** Grpc-js by hand at both ends, and then at one end with trunkline, or next to nothing, at the other. */
export const mixed: readonly Contender[] = [
  grpcJs,
  ...ours.flatMap(({ client, server }) => [client, server]),
  readyMade,
];

/** Those that are measured with TLS. */
export const encrypted: readonly Contender[] = [grpcJsTls, ...ours.map(({ tsProtoTls }) => tsProtoTls)];

/** A contender that fails in the way that the environment asks for: how a test sees what a failure does to a run. */
const failure = process.env.TRUNKLINE_BENCH_FAILURE;
const failing: readonly Contender[] =
  failure === undefined
    ? []
    : [
        {
          name: `fails: ${failure}`,
          client: async () => (await import("./failing.js")).failing(failure),
          server: grpcJs.server,
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
export const baseline = grpcJsName;

export const contenders: ReadonlyMap<string, Contender> = new Map(
  [rawNet, ...stacks, ...mixed, ...encrypted].map((contender) => [contender.name, contender]),
);
