/** HPACK: hostile bytes, blocks of any encoder, and programs for ours. */
import { deepStrictEqual, ok } from "node:assert/strict";
import { HpackDecoder, HpackError } from "../../runtime/src/transport/http2/hpack/decoder.js";
import { HpackEncoder, type RepeatedFields } from "../../runtime/src/transport/http2/hpack/encoder.js";
import { AnyEncoder, decode, encode, type Pair, randomList, read, tableOf } from "../http2/hpack-blocks.js";
import { ReplacedBuffers } from "../http2/replaced-buffers.js";
import type { FuzzTarget, Random } from "./target.js";

const sizes = [0, 31, 32, 100, 300, 4096, 65_536];

const oneOf = <Item>(random: Random, items: readonly Item[]): Item => items[random.int(items.length)]!;

export const hpack: FuzzTarget = {
  name: "hpack",
  run(random) {
    oneOf(random, [decodesAnyBytes, decodesWhatWasChanged, agreesWithAnyEncoder, agreesWithOurs])(random);
  },
};

function checkTable({ table }: HpackDecoder | HpackEncoder): void {
  const bytes = [...table].reduce((sum, { listBytes }) => sum + listBytes, 0);
  deepStrictEqual({ bytes: table.bytes, length: table.length }, { bytes, length: [...table].length });
  ok(bytes <= table.maxBytes, `the table has ${bytes} bytes, of ${table.maxBytes}`);
}

/** What comes of a block: its fields, or the rule that it breaks. */
function outcomeOf(decoder: HpackDecoder, block: Buffer, byteAround: number): Pair[] | string {
  try {
    return decode(decoder, block, byteAround);
  } catch (error) {
    if (!(error instanceof HpackError)) throw error;
    ok(/^[\x20-\x7e]{20,120}$/.test(error.message), `this is no line for a person: ${error.message}`);
    return error.message;
  } finally {
    checkTable(decoder);
  }
}

/** Two decoders of the same blocks, which lie amid different bytes. */
class Twins {
  readonly #decoders: readonly [HpackDecoder, HpackDecoder];

  constructor(tableBytes: number) {
    this.#decoders = [new HpackDecoder(tableBytes), new HpackDecoder(tableBytes)];
  }

  /** Whether the block was right. */
  areContentWith(block: Buffer): boolean {
    const outcome = outcomeOf(this.#decoders[0], block, 0x82);
    deepStrictEqual(outcomeOf(this.#decoders[1], block, 0x1f), outcome);
    return typeof outcome !== "string";
  }
}

function decodesAnyBytes(random: Random): void {
  const decoders = new Twins(oneOf(random, sizes));
  while (decoders.areContentWith(random.bytes(random.int(40))) && random.int(8) > 0);
}

function decodesWhatWasChanged(random: Random): void {
  const decoders = new Twins(4096);
  const encoder = new AnyEncoder(random);
  for (let blocks = random.int(5); blocks >= 0; blocks--) {
    const block = Buffer.concat(randomList(random).map(([name, value]) => encoder.field(name, value)));
    for (let changes = random.int(3); changes > 0 && block.length > 0; changes--) {
      block[random.int(block.length)]! ^= 1 << random.int(8);
    }
    const length = block.length - random.int(2) * random.int(block.length);
    if (!decoders.areContentWith(block.subarray(0, length))) return;
  }
}

function agreesWithAnyEncoder(random: Random): void {
  const announced = oneOf(random, sizes);
  const decoder = new HpackDecoder(announced);
  const encoder = new AnyEncoder(random);
  let isAcknowledged = false;
  for (let blocks = random.int(12); blocks >= 0; blocks--) {
    const parts: Buffer[] = [];
    if (!isAcknowledged && random.int(4) === 0) {
      isAcknowledged = true;
      decoder.settingsAcknowledged();
      if (announced < encoder.maxBytes) parts.push(encoder.resize(random.int(announced + 1)));
    }
    const limit = isAcknowledged ? announced : Math.max(announced, 4096);
    while (random.int(6) === 0) parts.push(encoder.resize(random.int(limit + 1)));
    const list = randomList(random);
    for (const [name, value] of list) parts.push(encoder.field(name, value));
    const got: Pair[] = [];
    const throwAfter = random.int(4) === 0 ? random.int(list.length + 1) : Number.POSITIVE_INFINITY;
    const failure = new Error("of the sink");
    try {
      read(decoder, Buffer.concat(parts), {
        onField({ name, value }) {
          if (got.length === throwAfter) throw failure;
          got.push([name, value]);
        },
      });
      ok(list.length <= throwAfter, "what the sink throws is lost");
    } catch (error) {
      if (error !== failure) throw error;
    }
    deepStrictEqual(got, list.slice(0, throwAfter));
    deepStrictEqual(tableOf(decoder), encoder.table);
    checkTable(decoder);
  }
}

function agreesWithOurs(random: Random): void {
  const encoder = new HpackEncoder(oneOf(random, sizes));
  const decoder = new HpackDecoder(65_536);
  const repeated: { fields: Pair[]; written: RepeatedFields }[] = [];
  for (let blocks = random.int(80); blocks >= 0; blocks--) {
    while (random.int(10) === 0) encoder.setPeerTableBytes(oneOf(random, sizes));
    if (random.int(8) === 0) {
      const fields = randomList(random);
      repeated.push({ fields, written: encoder.repeated(fields) });
    }
    const target = new ReplacedBuffers(random.int(3), random.bytes(random.int(5)));
    const start = target.end;
    const expected: Pair[] = [];
    encoder.begin(target);
    for (let parts = random.int(4); parts > 0; parts--) {
      const again = repeated.length > 0 && random.int(2) === 0 ? oneOf(random, repeated) : undefined;
      const fields = again?.fields ?? randomList(random, 5);
      if (again !== undefined) again.written.write(target);
      else for (const [name, value] of fields) encoder.field(target, name, value);
      expected.push(...fields);
    }
    deepStrictEqual(decode(decoder, target.written().subarray(start)), expected);
    deepStrictEqual(tableOf(encoder), tableOf(decoder));
    checkTable(encoder);
  }
  deepStrictEqual(decode(decoder, encode(encoder, [])), []);
}
