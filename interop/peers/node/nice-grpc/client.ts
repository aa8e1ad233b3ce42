import { compressionAlgorithms } from "@grpc/grpc-js";
import { Code, RpcError } from "@trunkline/runtime";
import {
  ChannelCredentials,
  type ChannelOptions,
  ClientError,
  createChannel,
  createClientFactory,
  Metadata,
  type CallOptions as NiceOptions,
} from "nice-grpc";
import { type DeadlineOptions, deadlineMiddleware } from "nice-grpc-client-middleware-deadline";
import { authority } from "../../../certificates.js";
import { TestServiceDefinition, UnimplementedServiceDefinition } from "../gen/ts-proto/grpc/testing/test.js";
import type { Library } from "../library.js";

export const library: Library<NiceOptions & DeadlineOptions> = {
  connect(address, { useTls, useTestCa, serverHostOverride }) {
    const credentials = useTls
      ? ChannelCredentials.createSsl(useTestCa ? authority() : undefined)
      : ChannelCredentials.createInsecure();
    const options: ChannelOptions = {
      // Channels of one address share their connections otherwise.
      "grpc.use_local_subchannel_pool": 1,
      ...(serverHostOverride !== undefined && { "grpc.default_authority": serverHostOverride }),
      ...(serverHostOverride !== undefined && useTls && { "grpc.ssl_target_name_override": serverHostOverride }),
    };
    const channel = createChannel(address, credentials, options);
    const compressing = createChannel(address, credentials, {
      ...options,
      "grpc.default_compression_algorithm": compressionAlgorithms.gzip,
    });
    // Deadlines are not in nice-grpc itself.
    const factory = createClientFactory().use(deadlineMiddleware);
    return {
      test: factory.create(TestServiceDefinition, channel),
      compressing: factory.create(TestServiceDefinition, compressing),
      unimplemented: factory.create(UnimplementedServiceDefinition, channel),
      close: () => {
        channel.close();
        compressing.close();
      },
    };
  },

  optionsOf({ signal, timeoutMs, metadata, credentials, onHeaders, onTrailers }) {
    return {
      // Credentials are metadata like other here.
      metadata: Metadata({ ...metadata, ...credentials?.() }),
      ...(signal && { signal }),
      ...(timeoutMs !== undefined && { deadline: timeoutMs }),
      ...(onHeaders && { onHeader: onHeaders }),
      ...(onTrailers && { onTrailer: onTrailers }),
    };
  },

  errorOf(error) {
    if (error instanceof ClientError)
      return new RpcError(error.code as number as Code, error.details, { cause: error });
    // What it throws where the signal of a call is aborted.
    if (error instanceof Error && error.name === "AbortError") return new RpcError(Code.CANCELLED, error.message);
    return error;
  },

  wasCompressed() {
    throw new Error("nice-grpc does not tell");
  },
};
