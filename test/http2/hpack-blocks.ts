/** Header blocks by other means than the encoder's: any that RFC 7541 allows. */
import { type FieldSink, HpackDecoder } from "../../runtime/src/transport/http2/hpack/decoder.js";
import type { HpackEncoder } from "../../runtime/src/transport/http2/hpack/encoder.js";
import { huffmanBytes, writeHuffman } from "../../runtime/src/transport/http2/hpack/huffman.js";
import { staticFields } from "../../runtime/src/transport/http2/hpack/static-table.js";
import type { Random } from "../fuzz/target.js";
import { ReplacedBuffers } from "./replaced-buffers.js";

export type Pair = readonly [name: string, value: string];

export const hex = (text: string): Buffer => Buffer.from(text.replace(/\s/g, ""), "hex");

/** The fields of a block, which is read amid other bytes: beyond it nothing may be looked at. */
export function decode(decoder: HpackDecoder, block: Uint8Array, byteAround?: number): Pair[] {
  const pairs: Pair[] = [];
  read(decoder, block, { onField: ({ name, value }) => pairs.push([name, value]) }, byteAround);
  return pairs;
}

export function read(decoder: HpackDecoder, block: Uint8Array, sink: FieldSink, byteAround = 0x82): void {
  const around = Buffer.alloc(64, byteAround);
  decoder.decode(Buffer.concat([around, block, around]), around.length, around.length + block.length, sink);
}

/** A whole block of an encoder's. */
export function encode(encoder: HpackEncoder, fields: readonly Pair[]): Buffer {
  const target = new ReplacedBuffers(3);
  encoder.begin(target);
  for (const [name, value] of fields) encoder.field(target, name, value);
  return target.written();
}

export function tableOf({ table }: HpackDecoder | HpackEncoder): Pair[] {
  return Array.from(table, ({ name, value }) => [name, value]);
}

/** Section 5.1; `zeros` more bytes say nothing, and are allowed. */
export function integer(bits: number, limit: number, value: number, zeros = 0): Buffer {
  if (value < limit) return Buffer.of(bits | value);
  const bytes = [bits | limit];
  let rest = value - limit;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push(128 | (rest % 128));
  bytes.push(rest);
  for (let i = 0; i < zeros; i++) {
    bytes[bytes.length - 1]! |= 128;
    bytes.push(0);
  }
  return Buffer.from(bytes);
}

/** Section 5.2. */
export function string(text: string, isHuffman = false): Buffer {
  if (!isHuffman) return Buffer.concat([integer(0, 127, text.length), Buffer.from(text, "latin1")]);
  const bytes = Buffer.alloc(huffmanBytes(text));
  writeHuffman(bytes, 0, text);
  return Buffer.concat([integer(128, 127, bytes.length), bytes]);
}

/** The least code that keeps an encoder's table and writes every field in some way that is right. */
export class AnyEncoder {
  table: Pair[] = [];
  maxBytes = 4096;
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  resize(bytes: number): Buffer {
    this.maxBytes = bytes;
    this.#evict();
    return integer(0x20, 31, bytes, this.#random.int(2));
  }

  field(name: string, value: string): Buffer {
    const { int } = this.#random;
    const all = [...staticFields.slice(1).map((field) => [field!.name, field!.value] as const), ...this.table];
    const indexes = all.flatMap((pair, i) => (pair[0] === name && pair[1] === value ? [i + 1] : []));
    if (indexes.length > 0 && int(4) > 0) return integer(0x80, 127, indexes[int(indexes.length)]!, int(2));
    const nameIndexes = [0, ...all.flatMap((pair, i) => (pair[0] === name ? [i + 1] : []))];
    const nameIndex = nameIndexes[int(nameIndexes.length)]!;
    const [bits, limit] = [[0x40, 63] as const, [0, 15] as const, [0x10, 15] as const][int(3)]!;
    if (bits === 0x40) {
      this.table.unshift([name, value]);
      this.#evict();
    }
    return Buffer.concat([
      integer(bits, limit, nameIndex, int(2)),
      nameIndex === 0 ? string(name, int(2) === 0) : Buffer.alloc(0),
      string(value, int(2) === 0),
    ]);
  }

  get bytes(): number {
    return this.table.reduce((sum, [name, value]) => sum + name.length + value.length + 32, 0);
  }

  #evict(): void {
    while (this.bytes > this.maxBytes) this.table.pop();
  }
}

const commonNames = [
  ...[":path", ":status", "accept-encoding", "content-type", "cookie", "authorization", "user-agent", "date"],
  ...["te", "grpc-timeout", "grpc-status", "x-request-id", "traceparent", "x-a", "x-b-bin", "x"],
];

/** Lists as connections have them: few names, of which some keep their value and others change it. */
export function randomList(random: Random, maxFields = 12): Pair[] {
  return Array.from({ length: random.int(maxFields) }, (): Pair => {
    const name = random.int(10) === 0 ? `x-${random.int(1000)}` : commonNames[random.int(commonNames.length)]!;
    return [name, randomValue(random)];
  });
}

function randomValue(random: Random): string {
  const kind = random.int(20);
  if (kind === 0) return random.bytes(random.int(60)).toString("latin1");
  if (kind === 1) return "v".repeat(random.int(5000));
  if (kind < 8) return random.bytes(random.int(24)).toString("base64");
  return ["", "trailers", "application/grpc", "200", "gzip, deflate", "1S"][random.int(6)]!;
}

/** One that both ends know of. */
export function decoderOf(tableBytes: number): HpackDecoder {
  const decoder = new HpackDecoder(tableBytes);
  if (tableBytes >= 4096) decoder.settingsAcknowledged();
  return decoder;
}
