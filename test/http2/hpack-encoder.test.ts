/** What the encoder chooses: which fields go into the table, and what every further block costs then. */
import { deepStrictEqual } from "node:assert/strict";
import { HpackDecoder } from "../../runtime/src/transport/http2/hpack/decoder.js";
import { HpackEncoder, type RepeatedFields } from "../../runtime/src/transport/http2/hpack/encoder.js";
import type { HeaderField } from "../../runtime/src/transport/http2/hpack/field.js";
import { decode, encode, hex, integer, type Pair, read, string, tableOf } from "./hpack-blocks.js";
import { ReplacedBuffers } from "./replaced-buffers.js";

/** Both ends of a connection; every block is read as it was written, or the test fails. Blocks are many: `expect` is slow. */
class Ends {
  readonly encoder: HpackEncoder;
  readonly decoder = new HpackDecoder(65_536);

  constructor(maxTableBytes?: number) {
    this.encoder = new HpackEncoder(maxTableBytes);
  }

  block(...fields: Pair[]): Buffer {
    return this.#read(encode(this.encoder, fields), fields);
  }

  repeatedBlock(written: RepeatedFields, fields: Pair[]): Buffer {
    const target = new ReplacedBuffers(0);
    this.encoder.begin(target);
    written.write(target);
    return this.#read(target.written(), fields);
  }

  #read(block: Buffer, fields: Pair[]): Buffer {
    deepStrictEqual(decode(this.decoder, block), fields);
    deepStrictEqual(tableOf(this.decoder), tableOf(this.encoder));
    return block;
  }
}

const requestFields: Pair[] = [
  [":method", "POST"],
  [":scheme", "http"],
  [":path", "/greeter.v1.Greeter/SayHello"],
  [":authority", "localhost:50051"],
  ["te", "trailers"],
  ["content-type", "application/grpc"],
];

describe("a field", () => {
  test("that the static table has is one byte", () => {
    const ends = new Ends();
    const block = ends.block(
      [":status", "200"],
      [":status", "500"],
      [":method", "GET"],
      ["accept-encoding", "gzip, deflate"],
    );
    expect(block).toEqual(hex("888e8290"));
  });

  test("of a name in the static table is a literal with its index, and its value as it is", () => {
    expect(new Ends().block([":status", "201"])).toEqual(Buffer.concat([hex("08"), string("201")]));
  });

  test("that comes a second time goes into the table, in the shortest form, and is one byte from the third on", () => {
    const ends = new Ends();
    const field: Pair = ["x-tenant", "some-tenant"];
    expect(ends.block(field)).toEqual(Buffer.concat([hex("00"), string(field[0]), string(field[1])]));
    expect(ends.block(field)).toEqual(Buffer.concat([hex("40"), string(field[0], true), string(field[1], true)]));
    expect(ends.block(field, field)).toEqual(hex("bebe"));
  });

  test("whose value takes turns with another is indexed too", () => {
    const ends = new Ends();
    for (let i = 0; i < 4; i++) ends.block(["x-side", i % 2 === 0 ? "left" : "right"]);
    expect(ends.block(["x-side", "left"], ["x-side", "right"])).toEqual(hex("bebf"));
  });

  test("whose value is another each time gets an index for its name, and no more room than that", () => {
    const ends = new Ends();
    for (let i = 0; i < 1000; i++) ends.block(["x-request-id", `id-${i}`], ["grpc-timeout", `${99_999 - i}u`]);
    expect(tableOf(ends.encoder).map(([name]) => name)).toEqual(["grpc-timeout", "x-request-id"]);
    expect(ends.block(["x-request-id", "new"])).toEqual(Buffer.concat([hex("0f30"), string("new")]));
  });

  test("whose name comes once takes no room at all", () => {
    const ends = new Ends();
    for (let i = 0; i < 1000; i++) ends.block([`x-${i}`, "v"]);
    expect(tableOf(ends.encoder)).toEqual([]);
  });

  test.each(["authorization", "proxy-authorization", "cookie", "set-cookie"])("%s never goes into a table", (name) => {
    const ends = new Ends();
    const fields: Pair[] = [[name, "secret"]];
    const written = ends.encoder.repeated(fields);
    for (let i = 0; i < 3; i++) {
      const seen: HeaderField[] = [];
      read(ends.decoder, ends.block(...fields), { onField: (field) => seen.push(field) });
      read(ends.decoder, ends.repeatedBlock(written, fields), { onField: (field) => seen.push(field) });
      expect(seen.map(({ isSensitive, value }) => [isSensitive, value])).toEqual([
        [true, "secret"],
        [true, "secret"],
      ]);
    }
    expect(tableOf(ends.encoder)).toEqual([]);
  });

  test("that takes a quarter of the table stays outside; one that takes less goes in", () => {
    const ends = new Ends();
    // With "x" and the 32 bytes of every field: 1,024 and one more. Longer values than 256 are not remembered.
    const small = new Ends(512);
    small.block();
    for (let i = 0; i < 3; i++) small.block(["x", "a".repeat(95)], ["y", "b".repeat(96)]);
    expect(tableOf(small.encoder)).toEqual([["x", "a".repeat(95)]]);
    for (let i = 0; i < 3; i++) ends.block(["x", "a".repeat(256)], ["y", "b".repeat(257)]);
    expect(tableOf(ends.encoder)).toEqual([["x", "a".repeat(256)]]);
  });

  test("of any bytes, empty or long, is what it was", () => {
    const ends = new Ends();
    const all = String.fromCharCode(...Array(256).keys());
    for (let i = 0; i < 4; i++) ends.block(["x-all", all], ["x-none", ""], ["", ""], ["x-long", all.repeat(300)]);
    expect(ends.block(["x-all", all], ["x-none", ""], ["", ""])).toHaveLength(3);
  });

  test("that repeats is found among hundreds of entries, behind an index of two bytes", () => {
    const ends = new Ends(65_536);
    ends.encoder.setPeerTableBytes(65_536);
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < 20; i++) ends.block(...Array.from({ length: 15 }, (_, k): Pair => [`x-${i}`, `v${k >> 1}`]));
    }
    expect(ends.encoder.table.length).toBeGreaterThan(100);
    const [name, value] = tableOf(ends.encoder)[99]!;
    expect(ends.block([name, value])).toEqual(integer(0x80, 127, 62 + 99));
  });
});

describe("a full table", () => {
  const fill = (ends: Ends) => {
    for (let i = 0; i < 200; i++) for (let twice = 0; twice < 2; twice++) ends.block([`x-old-${i}`, "value"]);
  };

  test("is given to what is sent now, however full it was of what nobody sends any more", () => {
    const ends = new Ends();
    fill(ends);
    expect(ends.encoder.table.bytes).toBeGreaterThan(4000);
    const fields = Array.from({ length: 60 }, (_, i): Pair => [`x-new-${i % 20}`, `value ${i}`]).slice(0, 20);
    let blocks = 0;
    while (ends.block(...fields).length > fields.length) blocks++;
    expect(blocks).toBeLessThan(32 * fields.length + 32);
  });

  test("is not thrashed by more repeating fields than it has room for", () => {
    const ends = new Ends();
    const fields = Array.from({ length: 150 }, (_, i): Pair => [`x-${i % 30}`, `value ${i}`]);
    for (let i = 0; i < 20; i++) ends.block(...fields);
    const before = ends.encoder.table.inserted;
    for (let i = 0; i < 320; i++) ends.block(...fields);
    expect(ends.encoder.table.inserted - before).toBeLessThanOrEqual(320 / 32 + 4);
  });
});

describe("repeated fields", () => {
  test("go into the table when they are first written, and are a byte each from then on", () => {
    const ends = new Ends();
    const written = ends.encoder.repeated(requestFields);
    expect(ends.repeatedBlock(written, requestFields).length).toBeGreaterThan(50);
    for (let i = 0; i < 3; i++) expect(ends.repeatedBlock(written, requestFields)).toEqual(hex("8386c1c0bfbe"));
  });

  test("are right after other fields went into the table, and after it was emptied", () => {
    const ends = new Ends();
    const written = ends.encoder.repeated(requestFields);
    for (let i = 0; i < 3; i++) ends.repeatedBlock(written, requestFields);
    for (let i = 0; i < 2; i++) ends.block(["x-tenant", "some-tenant"]);
    expect(ends.repeatedBlock(written, requestFields)).toEqual(hex("8386c2c1c0bf"));
    ends.encoder.setPeerTableBytes(0);
    ends.encoder.setPeerTableBytes(4096);
    expect(ends.repeatedBlock(written, requestFields).length).toBeGreaterThan(50);
    expect(ends.repeatedBlock(written, requestFields)).toEqual(hex("8386c1c0bfbe"));
  });

  test("share what others of them have in the table", () => {
    const ends = new Ends();
    const other = requestFields.map(
      (field): Pair => (field[0] === ":path" ? [":path", "/greeter.v1.Greeter/Bye"] : field),
    );
    ends.repeatedBlock(ends.encoder.repeated(requestFields), requestFields);
    ends.repeatedBlock(ends.encoder.repeated(other), other);
    expect(ends.encoder.table.length).toBe(5);
  });

  test("of hundreds of methods: what all have in common is indexed for all, and some paths are", () => {
    const ends = new Ends();
    const methods = Array.from({ length: 300 }, (_, i) => {
      const fields = requestFields.map(
        (field): Pair => (field[0] === ":path" ? [":path", `/package.Service/M${i}`] : field),
      );
      return { fields, written: ends.encoder.repeated(fields) };
    });
    const lengths: number[] = [];
    for (let i = 0; i < 3000; i++) {
      const { fields, written } = methods[(i * 7919) % 300]!;
      lengths.push(ends.repeatedBlock(written, fields).length);
    }
    // The last entries of a full table have indexes of two bytes: those of four fields may.
    const indexed = 6 + 4;
    const last = lengths.slice(-600);
    expect(last.filter((length) => length <= indexed).length).toBeGreaterThan(120);
    expect(Math.max(...last)).toBeLessThanOrEqual(indexed + "/package.Service/M123".length);
  });

  test("that have no room are literals, and go into the table once there is some", () => {
    const ends = new Ends(4096);
    const field: Pair = ["x-some-name", "some value"];
    ends.encoder.setPeerTableBytes(32);
    const written = ends.encoder.repeated([field]);
    for (let i = 0; i < 3; i++) expect(ends.repeatedBlock(written, [field]).length).toBeGreaterThan(20);
    ends.encoder.setPeerTableBytes(4096);
    let writes = 0;
    while (ends.repeatedBlock(written, [field]).length > 1) writes++;
    expect(writes).toBeLessThan(20);
  });

  test("may be none", () => {
    const ends = new Ends();
    const written = ends.encoder.repeated([]);
    for (let i = 0; i < 3; i++) expect(ends.repeatedBlock(written, [])).toHaveLength(0);
  });
});

describe("the size of the table", () => {
  const resize = (bytes: number) => integer(0x20, 31, bytes);

  test("is what the peer allows, at most what this end wants, and said once", () => {
    const ends = new Ends();
    ends.encoder.setPeerTableBytes(65_536);
    expect(ends.block()).toHaveLength(0);
    ends.encoder.setPeerTableBytes(1000);
    expect(ends.block()).toEqual(resize(1000));
    expect(ends.block()).toHaveLength(0);
    ends.encoder.setPeerTableBytes(2 ** 32 - 1);
    expect(ends.block()).toEqual(resize(4096));
  });

  test("is said at once where this end wants less than peers take for granted", () => {
    expect(new Ends(100).block()).toEqual(resize(100));
  });

  test("is more than 4,096 bytes only once the peer allows it", () => {
    const ends = new Ends(65_536);
    expect(ends.block()).toHaveLength(0);
    ends.encoder.setPeerTableBytes(10_000);
    expect(ends.block()).toEqual(resize(10_000));
  });

  test("that was smaller in between is said too, and has emptied the table (4.2)", () => {
    const ends = new Ends();
    for (let i = 0; i < 2; i++) ends.block(["x-a", "1"]);
    for (const bytes of [2000, 0, 3000]) ends.encoder.setPeerTableBytes(bytes);
    expect(ends.block()).toEqual(Buffer.concat([resize(0), resize(3000)]));
    expect(tableOf(ends.encoder)).toEqual([]);
    for (const bytes of [100, 4096]) ends.encoder.setPeerTableBytes(bytes);
    expect(ends.block()).toEqual(Buffer.concat([resize(100), resize(4096)]));
    for (const bytes of [5000, 4096]) ends.encoder.setPeerTableBytes(bytes);
    expect(ends.block()).toHaveLength(0);
  });
});
