import { type Encoding, encodings } from "../../compression.js";
import type { Metadata } from "../../metadata.js";
import { Code, type Status } from "../../status.js";
import { Flag } from "./frames.js";
import { encodeStatusMessage } from "./grpc-status.js";
import type { FieldPairs, HpackEncoder, RepeatedFields } from "./hpack/encoder.js";
import type { Output } from "./output.js";
import { beginHeaderBlock, endHeaderBlock } from "./write-header-block.js";
import { writeMetadata } from "./write-metadata.js";

// The same on all connections.
const headerFields: FieldPairs = [
  [":status", "200"],
  ["content-type", "application/grpc"],
];
const acceptedEncodings = encodings.join(",");
const okFields: FieldPairs = [["grpc-status", "0"]];

/** The responses' header lists of one connection (PROTOCOL-HTTP2, Responses). */
export class ResponseHeaders {
  readonly #encoder: HpackEncoder;
  readonly #headers: RepeatedFields;
  readonly #ok: RepeatedFields;

  constructor(encoder: HpackEncoder) {
    this.#encoder = encoder;
    this.#headers = encoder.repeated(headerFields);
    this.#ok = encoder.repeated(okFields);
  }

  /**
   * @param tellsEncodings with those that requests may be in: for who compresses them. To say it to everybody takes a
   *   client on grpc-js a tenth of the time of a call, and grpc-go's server says it to nobody
   */
  writeHeaders(
    output: Output,
    streamId: number,
    metadata: Metadata | undefined,
    encoding: Encoding,
    tellsEncodings: boolean,
  ): void {
    const at = beginHeaderBlock(output);
    this.#encoder.begin(output);
    this.#writeCommon(output, tellsEncodings);
    if (encoding !== "identity") this.#encoder.field(output, "grpc-encoding", encoding);
    if (metadata !== undefined) writeMetadata(this.#encoder, output, metadata);
    endHeaderBlock(output, at, streamId, 0);
  }

  writeTrailers(output: Output, streamId: number, status: Status): void {
    const at = beginHeaderBlock(output);
    this.#encoder.begin(output);
    this.#writeStatus(output, status);
    endHeaderBlock(output, at, streamId, Flag.endStream);
  }

  /**
   * Headers and trailers in one: of a call that is answered without a message.
   *
   * @param httpStatus other than 200 for what is no gRPC call
   * @param tellsEncodings as in `writeHeaders`
   */
  writeTrailersOnly(
    output: Output,
    streamId: number,
    status: Status,
    httpStatus: string,
    tellsEncodings: boolean,
  ): void {
    const at = beginHeaderBlock(output);
    this.#encoder.begin(output);
    if (httpStatus === "200") {
      this.#writeCommon(output, tellsEncodings);
    } else {
      this.#encoder.field(output, ":status", httpStatus);
      this.#encoder.field(output, "content-type", "application/grpc");
    }
    this.#writeStatus(output, status);
    endHeaderBlock(output, at, streamId, Flag.endStream);
  }

  #writeCommon(output: Output, tellsEncodings: boolean): void {
    this.#headers.write(output);
    if (tellsEncodings) this.#encoder.field(output, "grpc-accept-encoding", acceptedEncodings);
  }

  #writeStatus(output: Output, { code, details, metadata }: Status): void {
    if (code === Code.OK) this.#ok.write(output);
    else this.#encoder.field(output, "grpc-status", String(code));
    if (details !== "") this.#encoder.field(output, "grpc-message", encodeStatusMessage(details));
    writeMetadata(this.#encoder, output, metadata);
  }
}
