/** Reads the header lists of gRPC: what is meant for the protocol, what is metadata, and what is malformed. */
import { Metadata, type MetadataValue, type ReceivedPairs } from "../../metadata.js";
import type { FieldSink } from "./hpack/decoder.js";
import type { HeaderField } from "./hpack/field.js";

/** What a field is. A field of HPACK's tables is looked at once, however often it comes. */
const Kind = {
  metadata: 1,
  method: 2,
  scheme: 3,
  path: 4,
  authority: 5,
  status: 6,
  contentType: 7,
  te: 8,
  timeout: 9,
  encoding: 10,
  acceptEncoding: 11,
  grpcStatus: 12,
  grpcMessage: 13,
  contentLength: 14,
  /** Means nothing to a call. */
  ignored: 15,
  malformed: 16,
} as const;

const kinds: { readonly [name: string]: number } = Object.assign(Object.create(null), {
  ":method": Kind.method,
  ":scheme": Kind.scheme,
  ":path": Kind.path,
  ":authority": Kind.authority,
  ":status": Kind.status,
  "content-type": Kind.contentType,
  te: Kind.te,
  "grpc-timeout": Kind.timeout,
  "grpc-encoding": Kind.encoding,
  "grpc-accept-encoding": Kind.acceptEncoding,
  "grpc-status": Kind.grpcStatus,
  "grpc-message": Kind.grpcMessage,
  host: Kind.ignored,
  "accept-encoding": Kind.ignored,
  "content-length": Kind.contentLength,
  // Of HTTP/1.1 connections: RFC 9113, section 8.2.2.
  connection: Kind.malformed,
  "keep-alive": Kind.malformed,
  "proxy-connection": Kind.malformed,
  "transfer-encoding": Kind.malformed,
  upgrade: Kind.malformed,
});

const isName = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
const isNoValue = /[\0\r\n]|^[ \t]|[ \t]$/;
const isLength = /^[0-9]+$/;

/** Responses without content, whatever length they name: RFC 9110, sections 15.2, 15.3.5 and 15.4.5. */
const hasNoContent = /^(1..|204|304)$/;

/** RFC 9113, section 8.2.1. */
function kindOf({ name, value }: HeaderField): number {
  const known = kinds[name];
  if (isNoValue.test(value)) return Kind.malformed;
  if (known === Kind.te) return value === "trailers" ? Kind.te : Kind.malformed;
  if (known === Kind.contentLength) return isLength.test(value) ? Kind.contentLength : Kind.malformed;
  if (known !== undefined) return known;
  return isName.test(name) ? Kind.metadata : Kind.malformed;
}

/** One list; made once and filled again and again. */
export class HeaderList implements FieldSink {
  method: string | undefined;
  scheme: string | undefined;
  path: string | undefined;
  authority: string | undefined;
  status: string | undefined;
  contentType: string | undefined;
  timeout: string | undefined;
  encoding: string | undefined;
  acceptEncoding: string | undefined;
  grpcStatus: string | undefined;
  grpcMessage: string | undefined;
  /** Bytes, as RFC 9113 (section 6.5.2) counts them. */
  bytes = 0;
  /** Those of the custom metadata among them. */
  metadataBytes = 0;
  isMalformed = false;
  #maxBytes = 0;
  #contentLength: number | undefined;
  #fields: HeaderField[] | undefined;
  #hasRegular = false;

  get isTooLong(): boolean {
    return this.bytes > this.#maxBytes;
  }

  /** Whether it has what only requests have (RFC 9113, section 8.3.1). */
  get hasRequestFields(): boolean {
    return (
      this.method !== undefined || this.scheme !== undefined || this.path !== undefined || this.authority !== undefined
    );
  }

  /** Bytes of DATA that belong to it, where it says so. Trailers say nothing of that. */
  get contentLength(): number | undefined {
    const { method, status } = this;
    if (this.#contentLength === undefined || (method === undefined && status === undefined)) return undefined;
    return status !== undefined && hasNoContent.test(status) ? undefined : this.#contentLength;
  }

  /** Of one that is too long little is kept, and not for long: it is refused. */
  get keptBytes(): number {
    return this.isTooLong ? 0 : this.bytes;
  }

  /** @param maxBytes of a longer list the rest is not kept */
  reset(maxBytes: number): void {
    this.#maxBytes = maxBytes;
    this.method = undefined;
    this.scheme = undefined;
    this.path = undefined;
    this.authority = undefined;
    this.status = undefined;
    this.contentType = undefined;
    this.timeout = undefined;
    this.encoding = undefined;
    this.acceptEncoding = undefined;
    this.grpcStatus = undefined;
    this.grpcMessage = undefined;
    this.bytes = 0;
    this.isMalformed = false;
    this.#contentLength = undefined;
    this.#fields = undefined;
    this.metadataBytes = 0;
    this.#hasRegular = false;
  }

  onField(field: HeaderField): void {
    this.bytes += field.listBytes;
    if (this.bytes > this.#maxBytes) return;
    const { value } = field;
    if (field.kind === 0) field.kind = kindOf(field);
    switch (field.kind) {
      case Kind.method:
        this.#pseudo(this.method);
        this.method = value;
        return;
      case Kind.scheme:
        this.#pseudo(this.scheme);
        this.scheme = value;
        return;
      case Kind.path:
        this.#pseudo(this.path);
        this.path = value;
        return;
      case Kind.authority:
        this.#pseudo(this.authority);
        this.authority = value;
        return;
      case Kind.status:
        this.#pseudo(this.status);
        this.status = value;
        return;
      case Kind.metadata:
        this.metadataBytes += field.listBytes;
        if (this.#fields === undefined) this.#fields = [field];
        else this.#fields.push(field);
        break;
      case Kind.contentType:
        this.contentType = value;
        break;
      case Kind.timeout:
        this.timeout = value;
        break;
      case Kind.encoding:
        this.encoding = value;
        break;
      case Kind.acceptEncoding:
        this.acceptEncoding = this.acceptEncoding === undefined ? value : `${this.acceptEncoding},${value}`;
        break;
      case Kind.grpcStatus:
        // Two are none.
        this.grpcStatus = this.grpcStatus === undefined ? value : `${this.grpcStatus},${value}`;
        break;
      case Kind.grpcMessage:
        this.grpcMessage = value;
        break;
      case Kind.contentLength:
        // Twice the same is no harm (RFC 9110, section 8.6).
        if (this.#contentLength !== undefined && this.#contentLength !== Number(value)) this.isMalformed = true;
        this.#contentLength = Number(value);
        break;
      case Kind.malformed:
        this.isMalformed = true;
    }
    this.#hasRegular = true;
  }

  /** The custom metadata of the list, where it has any; it does not change when the list is filled again. */
  get received(): ReceivedPairs | undefined {
    if (this.#fields === undefined) return undefined;
    if (!lastFields.areThose(this.#fields)) lastFields = new MetadataFields(this.#fields, this.metadataBytes);
    return lastFields;
  }

  metadata(): Metadata {
    const { received } = this;
    return received === undefined ? new Metadata() : Metadata.received(received);
  }

  /** Each at most once, and before all others: RFC 9113, section 8.3. */
  #pseudo(before: string | undefined): void {
    if (before !== undefined || this.#hasRegular) this.isMalformed = true;
  }
}

/** The fields of a list that are custom metadata. */
class MetadataFields implements ReceivedPairs {
  readonly #fields: readonly HeaderField[];
  readonly listBytes: number;

  constructor(fields: readonly HeaderField[], listBytes: number) {
    this.#fields = fields;
    this.listBytes = listBytes;
  }

  areThose(fields: readonly HeaderField[]): boolean {
    return fields.length === this.#fields.length && fields.every((field, i) => field === this.#fields[i]);
  }

  *pairs(): Iterable<[string, MetadataValue]> {
    for (const { name, value } of this.#fields) {
      if (!name.endsWith("-bin")) yield [name, value];
      // Several values may come as one (PROTOCOL-HTTP2, Custom-Metadata); they may be padded, or not.
      else for (const one of value.split(",")) yield [name, new Uint8Array(Buffer.from(one.trim(), "base64"))];
    }
  }
}

/** Of the last list that had any: most calls of a client say the same of themselves, and share it then. */
let lastFields = new MetadataFields([], 0);
