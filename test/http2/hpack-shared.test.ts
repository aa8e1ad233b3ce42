/** What connections of a process have of their headers together, and what an encoder finds out only when it is asked. */
import { HpackDecoder } from "../../runtime/src/transport/http2/hpack/decoder.js";
import { HpackEncoder } from "../../runtime/src/transport/http2/hpack/encoder.js";
import type { HeaderField } from "../../runtime/src/transport/http2/hpack/field.js";
import { decode, encode, hex, type Pair, string } from "./hpack-blocks.js";
import { ReplacedBuffers } from "./replaced-buffers.js";

/** Writes fields as those that repeat, which puts them into the table. */
function writeRepeated(encoder: HpackEncoder, fields: readonly Pair[]): Buffer {
  const target = new ReplacedBuffers(0);
  encoder.begin(target);
  encoder.repeated(fields).write(target);
  return target.written();
}

/** What two decoders have in their tables after the same block, of one connection each. */
function entriesOfTwo(...fields: Pair[]): [HeaderField[], HeaderField[]] {
  const block = writeRepeated(new HpackEncoder(), fields);
  const [one, other] = [new HpackDecoder(4096), new HpackDecoder(4096)];
  decode(one, block);
  decode(other, block);
  return [[...one.table], [...other.table]];
}

describe("a field in the tables of two connections", () => {
  test("is one object, at the end that reads as at the one that writes", () => {
    const encoder = new HpackEncoder();
    writeRepeated(encoder, [["x-tenant", "shared-1"]]);
    const [[one], [other]] = entriesOfTwo(["x-tenant", "shared-1"]);
    expect(one).toMatchObject({ name: "x-tenant", value: "shared-1", listBytes: 48, isSensitive: false });
    expect(other).toBe(one);
    expect([...encoder.table]).toEqual([one]);
    expect([...encoder.table][0]).toBe(one);
  });

  test("is that of its name and value, whatever else there is: there are more fields than places", () => {
    for (let i = 0; i < 2000; i++) {
      const [[one], [other]] = entriesOfTwo([`x-name-${i % 7}`, `value-${i}`]);
      if (one!.name !== `x-name-${i % 7}` || one!.value !== `value-${i}` || other !== one) {
        throw new Error(`field ${i} is ${one!.name}: ${one!.value}`);
      }
    }
  });

  test.each<[string, string, string]>([
    ["whose value is long", "x-tenant", "v".repeat(129)],
    ["whose name is long", "n".repeat(65), "v"],
    ["that a peer should not have put into a table", "authorization", "Bearer 1"],
  ])("%s belongs to each of them", (_, name, value) => {
    // A literal that goes into the table, with a name of its own (RFC 7541, section 6.2.1).
    const block = Buffer.concat([hex("40"), string(name), string(value)]);
    const [one, other] = [new HpackDecoder(4096), new HpackDecoder(4096)];
    expect(decode(one, block)).toEqual([[name, value]]);
    expect(decode(other, block)).toEqual([[name, value]]);
    expect([...other.table]).toEqual([...one.table]);
    expect([...other.table][0]).not.toBe([...one.table][0]);
  });
});

describe("a field that repeats", () => {
  const repeated: Pair = ["x-region", "eu-1"];

  test("is found in the table when it is sent by itself, too", () => {
    const encoder = new HpackEncoder();
    writeRepeated(encoder, [["x-first", "1"], repeated, ["x-last", "1"]]);
    expect(encode(encoder, [repeated])).toEqual(hex("bf"));
  });

  test("lends its name to another value", () => {
    const encoder = new HpackEncoder();
    writeRepeated(encoder, [repeated]);
    // A literal with the name at index 62: 15 in the first byte, and 47.
    expect(encode(encoder, [["x-region", "us"]])).toEqual(Buffer.concat([hex("0f2f"), hex("02"), Buffer.from("us")]));
  });

  test("is found by an encoder that has had its name before it was there", () => {
    const encoder = new HpackEncoder();
    encode(encoder, [["x-region", "us"]]);
    writeRepeated(encoder, [repeated]);
    expect(encode(encoder, [repeated])).toEqual(hex("be"));
  });
});
