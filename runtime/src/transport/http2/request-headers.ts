import { encodings } from "../../compression.js";
import type { CallSpec, SpeakOptions } from "../../contract.js";
import { formatTimeout } from "./grpc-timeout.js";
import type { FieldPairs, HpackEncoder, RepeatedFields } from "./hpack/encoder.js";
import type { Output } from "./output.js";
import { beginHeaderBlock, endHeaderBlock } from "./write-header-block.js";
import { writeMetadata } from "./write-metadata.js";

/** gRPC PROTOCOL-HTTP2, User-Agents. */
const userAgent = "grpc-node-trunkline/0.1.0";

/** Methods whose header lists are kept in order to be written again: all of most services, not all that a proxy sees. */
const mostMethods = 1000;

/** The requests' header lists of one connection (PROTOCOL-HTTP2, Requests). */
export class RequestHeaders {
  readonly #encoder: HpackEncoder;
  readonly #scheme: string;
  readonly #authority: string;
  /** By path: the pseudo-header fields of a method. */
  readonly #methods = new Map<string, RepeatedFields>();
  readonly #common: RepeatedFields;

  constructor(encoder: HpackEncoder, { authority, isSecure }: SpeakOptions) {
    this.#encoder = encoder;
    this.#authority = authority;
    this.#scheme = isSecure ? "https" : "http";
    this.#common = encoder.repeated(commonFields);
  }

  /** What a header block of a call is not longer than, with the header of its frame. */
  boundOf<I, O>({ method, authority = this.#authority, metadata }: CallSpec<I, O>): number {
    let bytes = 320 + method.path.length + authority.length;
    if (metadata !== undefined && metadata.size > 0) bytes += metadata.listBytes;
    return bytes;
  }

  /**
   * Bytes of the list as RFC 9113 (section 6.5.2) counts them, roughly: what peers set limits to.
   *
   * @param bound what `boundOf` tells of the call
   */
  listBytesOf(bound: number): number {
    return bound + 160;
  }

  /** @param leftMs until the deadline; `Infinity` where there is none */
  write<I, O>(output: Output, streamId: number, spec: CallSpec<I, O>, leftMs: number): void {
    const { method, authority, metadata, compression } = spec;
    const encoder = this.#encoder;
    const at = beginHeaderBlock(output);
    encoder.begin(output);
    if (authority === undefined) this.#fieldsOf(method.path).write(output);
    else for (const [name, value] of this.#fields(method.path, authority)) encoder.field(output, name, value);
    // Right behind the pseudo-header fields, as the document wants it.
    if (leftMs !== Number.POSITIVE_INFINITY) encoder.field(output, "grpc-timeout", formatTimeout(leftMs));
    this.#common.write(output);
    if (compression !== undefined && compression.encoding !== "identity") {
      encoder.field(output, "grpc-encoding", compression.encoding);
    }
    if (metadata !== undefined) writeMetadata(encoder, output, metadata);
    endHeaderBlock(output, at, streamId, 0);
  }

  #fieldsOf(path: string): RepeatedFields {
    let fields = this.#methods.get(path);
    if (fields === undefined) {
      fields = this.#encoder.repeated(this.#fields(path, this.#authority));
      if (this.#methods.size < mostMethods) this.#methods.set(path, fields);
    }
    return fields;
  }

  #fields(path: string, authority: string): FieldPairs {
    return fieldsOf(this.#scheme, authority, path);
  }
}

const post: FieldPairs[number] = [":method", "POST"];

/** What all calls say. */
const commonFields: FieldPairs = [
  ["te", "trailers"],
  ["content-type", "application/grpc"],
  ["user-agent", userAgent],
  ["grpc-accept-encoding", encodings.join(",")],
];

/** Of all connections of the process: those to one server say the same. */
const lists = new Map<string, FieldPairs>();

function fieldsOf(scheme: string, authority: string, path: string): FieldPairs {
  const key = `${scheme}://${authority}${path}`;
  let fields = lists.get(key);
  if (fields === undefined) {
    fields = [post, [":scheme", scheme], [":path", path], [":authority", authority]];
    if (lists.size < mostMethods) lists.set(key, fields);
  }
  return fields;
}
