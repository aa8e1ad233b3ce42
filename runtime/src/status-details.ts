/**
 * Typed details of an error: messages that travel beside its code and text, as `google.rpc.Status` in the trailer
 * `grpc-status-details-bin`. That message and `google.protobuf.Any` are two and three fields, read and written here.
 */
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { Codec } from "./contract.js";
import { describe, RpcError } from "./error.js";
import type { Metadata } from "./metadata.js";
import { Code, toCode } from "./status.js";
import { encodeMessage } from "./transport/codec.js";

/** The trailer (gRPC PROTOCOL-HTTP2, Status-Details). */
export const statusDetailsKey = "grpc-status-details-bin";

/** What a type URL begins with unless somebody runs a server of types: the comment of google.protobuf.Any. */
const typeUrlPrefix = "type.googleapis.com/";

/** One detail as it travels, a `google.protobuf.Any`: {@link statusDetail} makes one. */
export interface StatusDetail {
  /** `type.googleapis.com/google.rpc.BadRequest`: what stands behind the last slash is the type. */
  readonly typeUrl: string;
  /** The encoded message. */
  readonly value: Uint8Array;
}

/**
 * Makes a message a detail of an error.
 *
 * ```ts
 * const badRequest = tsProto("google.rpc.BadRequest", BadRequest);
 * throw new RpcError(Code.INVALID_ARGUMENT, "the request is not valid", {
 *   statusDetails: [statusDetail(badRequest, { fieldViolations: [{ field: "name", description: "is empty" }] })],
 * });
 * ```
 *
 * @param codec of the message's type: `tsProto(…)`, `protobufEs(…)`, or the `request` or `response` of a table entry
 * @param message encoded now: what becomes of it later does not matter
 * @throws RpcError INTERNAL for a `codec` that is none, and, with what it threw as its cause, for one that cannot
 *   encode this message
 */
export function statusDetail<In>(codec: Codec<In, unknown>, message: NoInfer<In>): StatusDetail {
  checkCodec("statusDetail()", codec);
  return { typeUrl: typeUrlPrefix + codec.typeName, value: encodeMessage(codec, message) };
}

/** The details of an error, in the order in which they were attached. Iterating gives them raw, of every type. */
export class StatusDetails implements Iterable<StatusDetail> {
  readonly #entries: readonly StatusDetail[];

  /** @internal `RpcError` makes them. */
  constructor(entries: readonly StatusDetail[]) {
    this.#entries = entries;
  }

  /** How many there are. */
  get size(): number {
    return this.#entries.length;
  }

  /**
   * The first detail of the codec's type; undefined where there is none. One that the codec cannot decode counts as
   * absent, so that whoever is handling an error does not get another one: iterating still shows its bytes.
   *
   * @throws RpcError INTERNAL for a `codec` that is none
   */
  find<Out>(codec: Codec<never, Out>): Out | undefined {
    for (const message of this.#decoded("find()", codec)) return message;
    return undefined;
  }

  /** All details of the codec's type, like {@link StatusDetails.find}. */
  findAll<Out>(codec: Codec<never, Out>): Out[] {
    return [...this.#decoded("findAll()", codec)];
  }

  /** Whether there is a detail of a type, by its full name: `google.rpc.RetryInfo`. */
  has(typeName: string): boolean {
    return this.#entries.some((entry) => typeNameOf(entry) === typeName);
  }

  [Symbol.iterator](): IterableIterator<StatusDetail> {
    return this.#entries.values();
  }

  *#decoded<Out>(caller: string, codec: Codec<never, Out>): Iterable<Out> {
    checkCodec(`statusDetails.${caller}`, codec);
    for (const entry of this.#entries) {
      if (typeNameOf(entry) !== codec.typeName) continue;
      let message: Out;
      try {
        message = codec.decode(entry.value);
      } catch {
        continue;
      }
      yield message;
    }
  }
}

/** Of every error without any. */
const noDetails = new StatusDetails([]);

/** What an error was given as its details, checked where it is made. */
export function checkStatusDetails(given: Iterable<StatusDetail>): StatusDetails {
  if (typeof Object(given)[Symbol.iterator] !== "function" || typeof given === "string") {
    throw misused(`statusDetails must be a list of statusDetail(codec, message), not ${describe(given)}`);
  }
  const entries = [...given];
  for (const [i, entry] of entries.entries()) {
    const { typeUrl, value } = Object(entry) as Partial<StatusDetail>;
    if (typeof typeUrl === "string" && value instanceof Uint8Array) continue;
    throw misused(`statusDetails[${i}] must be made with statusDetail(codec, message); it is ${describe(entry)}`);
  }
  return entries.length === 0 ? noDetails : new StatusDetails(entries);
}

/**
 * The details in trailers; none where their bytes cannot be read, or are of a status with another code, which
 * PROTOCOL-HTTP2 forbids and has the receiver check.
 */
export function readStatusDetails(trailers: Metadata | undefined, code: Code): StatusDetails {
  const status = decodeStatus(trailers?.get(statusDetailsKey));
  return status === undefined || contradicts(status, code) ? noDetails : new StatusDetails(status.details);
}

/**
 * The trailers of an error to send: with its details in them, whose own code and text are the error's. `given` are
 * details to put there; where there are none, the trailers may have some that came from another server, with the bytes
 * of which nothing is done as long as they fit.
 */
export function writeStatusDetails(
  trailers: Metadata,
  code: Code,
  text: string,
  given: StatusDetails | undefined,
): Metadata {
  let details: Iterable<StatusDetail> | undefined = given;
  if (details === undefined) {
    const status = decodeStatus(trailers.get(statusDetailsKey));
    if (status === undefined || (status.code === code && status.message === text)) return trailers;
    // Another error's trailers: its details would not be of this status. The peer would have to refuse them.
    details = contradicts(status, code) ? noDetails : status.details;
  }
  const entries = code === Code.OK ? [] : [...details];
  if (entries.length > 0) return trailers.clone().set(statusDetailsKey, encodeStatus(code, text, entries));
  return trailers.has(statusDetailsKey) ? trailers.clone().delete(statusDetailsKey) : trailers;
}

/** google.rpc.Status */
interface StatusMessage {
  /** 0 where the peer did not say. */
  readonly code: number;
  readonly message: string;
  readonly details: readonly StatusDetail[];
}

function contradicts(status: StatusMessage, code: Code): boolean {
  return status.code !== 0 && toCode(status.code) !== code;
}

function encodeStatus(code: Code, message: string, details: readonly StatusDetail[]): Uint8Array {
  const writer = new BinaryWriter();
  writer.tag(1, WireType.Varint).int32(code);
  if (message !== "") writer.tag(2, WireType.LengthDelimited).string(message);
  for (const { typeUrl, value } of details) {
    writer.tag(3, WireType.LengthDelimited).fork();
    writer.tag(1, WireType.LengthDelimited).string(typeUrl);
    if (value.length > 0) writer.tag(2, WireType.LengthDelimited).bytes(value);
    writer.join();
  }
  return writer.finish();
}

/** Undefined for bytes that are no such message: they come from outside, and a call must not fail over them. */
function decodeStatus(bytes: Uint8Array | undefined): StatusMessage | undefined {
  if (bytes === undefined) return undefined;
  let code = 0;
  let message = "";
  const details: StatusDetail[] = [];
  try {
    eachField(bytes, (reader, field, type) => {
      if (field === 1 && type === WireType.Varint) code = reader.int32();
      else if (field === 2 && type === WireType.LengthDelimited) message = reader.string();
      else if (field === 3 && type === WireType.LengthDelimited) details.push(decodeAny(reader.bytes()));
      else reader.skip(type, field);
    });
  } catch {
    return undefined;
  }
  return { code, message, details };
}

function decodeAny(bytes: Uint8Array): StatusDetail {
  let typeUrl = "";
  let value: Uint8Array = new Uint8Array();
  eachField(bytes, (reader, field, type) => {
    if (field === 1 && type === WireType.LengthDelimited) typeUrl = reader.string();
    else if (field === 2 && type === WireType.LengthDelimited) value = reader.bytes();
    else reader.skip(type, field);
  });
  return { typeUrl, value };
}

function eachField(bytes: Uint8Array, read: (reader: BinaryReader, field: number, type: WireType) => void): void {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) read(reader, ...reader.tag());
}

function typeNameOf({ typeUrl }: StatusDetail): string {
  return typeUrl.slice(typeUrl.lastIndexOf("/") + 1);
}

/** A ts-proto message or a schema of protobuf-es is easily taken for a codec. */
function checkCodec(caller: string, codec: Codec<never, unknown>): void {
  const { typeName, encode, decode } = Object(codec) as Partial<Codec<never, unknown>>;
  if (typeof typeName === "string" && typeof encode === "function" && typeof decode === "function") return;
  const examples = 'tsProto("google.rpc.BadRequest", BadRequest) or protobufEs(BadRequestSchema)';
  throw misused(`${caller} needs a codec, such as ${examples}, not ${describe(codec)}`);
}

/** INTERNAL: it is thrown where an answer is made, and who called is not to blame. */
function misused(details: string): RpcError {
  return new RpcError(Code.INTERNAL, details);
}
