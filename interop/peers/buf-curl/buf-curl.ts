import { fileURLToPath } from "node:url";
import type { DescMessage, DescMethodUnary, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { cases } from "../../cases/cases.js";
import { TestService, UnimplementedService } from "../../gen/protobuf-es/grpc/testing/test_pb.js";
import type { CallOptions, Clients } from "../../service.js";
import type { ClientOptions, Limitations, Peer } from "../peer.js";
import { invoke, type Target } from "./invocation.js";

const oneCall = "buf curl makes one call and ends (buf.build/docs/reference/cli/buf/curl)";
const uncancelled = "buf curl has no flag that cancels a call (buf.build/docs/reference/cli/buf/curl)";
const uncompressed = "buf curl has no flag that compresses requests (buf.build/docs/reference/cli/buf/curl)";
const untold =
  "buf curl does not tell whether a message was compressed (buf.build/docs/reference/cli/buf/curl, --verbose)";

const limitations: Limitations = {
  cancel_after_begin: uncancelled,
  cancel_after_first_response: uncancelled,
  client_compressed_unary: uncompressed,
  client_compressed_streaming: uncompressed,
  server_compressed_unary: untold,
  server_compressed_streaming: untold,
  concurrent_large_unary: oneCall,
  rpc_soak: oneCall,
  channel_soak: oneCall,
};

/** The gRPC client of the buf command, which is connect-go: a process for each call. */
export const bufCurl: Peer = {
  name: "buf-curl",
  transports: ["connect-go"],
  messages: ["protobuf-es"],

  limitations: () => limitations,

  async runCase(name, address, options) {
    const { soak, concurrentCalls } = options;
    await cases[name](clientsOf(targetOf(address, options)), {
      soak,
      concurrentCalls,
      onChannel: () => Promise.reject(new Error(oneCall)),
      wasCompressed: () => {
        throw new Error(untold);
      },
    });
  },
};

function targetOf(address: string, { useTls, useTestCa, serverHostOverride }: ClientOptions): Target {
  const ca = fileURLToPath(new URL("../../../fixtures/tls/ca.pem", import.meta.url));
  return {
    url: `${useTls ? "https" : "http"}://${address}`,
    flags: [
      ...(useTls && useTestCa ? ["--cacert", ca] : []),
      ...(useTls && serverHostOverride !== undefined ? ["--servername", serverHostOverride] : []),
      ...(serverHostOverride !== undefined ? ["--header", `Host: ${serverHostOverride}`] : []),
    ],
  };
}

function clientsOf(target: Target): Clients {
  const { emptyCall, unaryCall, streamingOutputCall, streamingInputCall, fullDuplexCall, unimplementedCall } =
    TestService.method;

  function unary<I extends DescMessage, O extends DescMessage>(method: DescMethodUnary<I, O>) {
    return (request: MessageInitShape<I>, options?: CallOptions): Promise<MessageShape<O>> =>
      only(invoke(target, method, [request], options));
  }

  return {
    test: {
      emptyCall: unary(emptyCall),
      unaryCall: unary(unaryCall),
      streamingOutputCall: (request, options) => invoke(target, streamingOutputCall, [request], options),
      streamingInputCall: (requests, options) => only(invoke(target, streamingInputCall, requests, options)),
      fullDuplexCall: (requests, options) => invoke(target, fullDuplexCall, requests, options),
      unimplementedCall: unary(unimplementedCall),
    },
    unimplemented: { unimplementedCall: unary(UnimplementedService.method.unimplementedCall) },
  };
}

async function only<T>(responses: AsyncIterable<T>): Promise<T> {
  const all: T[] = [];
  for await (const response of responses) all.push(response);
  if (all.length !== 1) throw new Error(`buf curl printed ${all.length} responses, not one`);
  return all[0]!;
}
