/** Requests that are compressed, one by one. What comes back can be compressed too, which nobody is told. */
import { compressionAlgorithms, Metadata, status } from "@grpc/grpc-js";
import { expectEqual, expectPayload } from "../../check.js";
import {
  compressedRequestSizes,
  largeRequestSize,
  largeResponseSize,
  sumOfCompressedRequestSizes,
  zeros,
} from "../../description.js";
import {
  SimpleRequest,
  type SimpleResponse,
  StreamingInputCallRequest,
} from "../../gen/ts-proto/grpc/testing/messages.js";
import { type Case, checking, expectStatus } from "./case.js";
import { testService } from "./definition.js";

const compressing = { "grpc.default_compression_algorithm": compressionAlgorithms.gzip };

/** grpc-js takes the flags of a message where a stream takes the encoding of a text: 2 is GRPC_WRITE_NO_COMPRESS. */
const noCompress = "2" as BufferEncoding;

/** The probe: a server that looks refuses what says that it is compressed, and is not. */
const probed = "the uncompressed request that is expected to be compressed";

export const clientCompressedUnary: Case = (client, done, { connect }) => {
  const { path, requestSerialize, responseDeserialize } = testService.unaryCall;
  const request = (value: boolean) =>
    SimpleRequest.fromPartial({
      expectCompressed: { value },
      responseSize: largeResponseSize,
      payload: { body: zeros(largeRequestSize) },
    });
  const answered = (what: string, next: () => void) =>
    checking(done, (error: unknown, response?: SimpleResponse) => {
      if (error !== null) throw error;
      expectPayload(`the response to the ${what} request`, response?.payload, largeResponseSize);
      next();
    });
  const uncompressed = () =>
    client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      request(false),
      answered("uncompressed", done),
    );
  const compressed = () =>
    connect(compressing).makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      request(true),
      answered("compressed", uncompressed),
    );
  client.makeUnaryRequest(
    path,
    requestSerialize,
    responseDeserialize,
    request(true),
    checking(done, (error) => {
      expectStatus(probed, error, status.INVALID_ARGUMENT);
      compressed();
    }),
  );
};

export const clientCompressedStreaming: Case = (client, done, { connect }) => {
  const { path, requestSerialize, responseDeserialize } = testService.streamingInputCall;
  const request = (size: number, value: boolean) =>
    StreamingInputCallRequest.fromPartial({ expectCompressed: { value }, payload: { body: zeros(size) } });
  const [first, second] = compressedRequestSizes;
  const both = () => {
    const call = connect(compressing).makeClientStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      new Metadata(),
      checking(done, (error, response) => {
        if (error !== null) throw error;
        expectEqual("aggregated_payload_size", response?.aggregatedPayloadSize, sumOfCompressedRequestSizes);
        done();
      }),
    );
    call.write(request(first, true));
    call.write(request(second, false), noCompress);
    call.end();
  };
  const probe = client.makeClientStreamRequest(
    path,
    requestSerialize,
    responseDeserialize,
    checking(done, (error) => {
      expectStatus(probed, error, status.INVALID_ARGUMENT);
      both();
    }),
  );
  probe.write(request(first, true));
  probe.end();
};
