/** HPACK by the letter of RFC 7541: its examples, and a block for each rule that can be broken. */
import { HpackDecoder, HpackError } from "../../runtime/src/transport/http2/hpack/decoder.js";
import type { HeaderField } from "../../runtime/src/transport/http2/hpack/field.js";
import { codeLengths } from "../../runtime/src/transport/http2/hpack/huffman-code.js";
import { writeInteger } from "../../runtime/src/transport/http2/hpack/writing.js";
import { hpack } from "../fuzz/hpack.js";
import { seeded } from "../fuzz/target.js";
import { decode, decoderOf, hex, integer, type Pair, read, string, tableOf } from "./hpack-blocks.js";

const get: Pair = [":method", "GET"];
const http: Pair = [":scheme", "http"];
const https: Pair = [":scheme", "https"];
const example: Pair = [":authority", "www.example.com"];
const noCache: Pair = ["cache-control", "no-cache"];
const custom: Pair = ["custom-key", "custom-value"];
const requests: Pair[][] = [
  [get, http, [":path", "/"], example],
  [get, http, [":path", "/"], example, noCache],
  [get, https, [":path", "/index.html"], example, custom],
];
const requestTables = [
  { table: [example], bytes: 57 },
  { table: [noCache, example], bytes: 110 },
  { table: [custom, noCache, example], bytes: 164 },
];

const found: Pair = [":status", "302"];
const redirect: Pair = [":status", "307"];
const isPrivate: Pair = ["cache-control", "private"];
const date: Pair = ["date", "Mon, 21 Oct 2013 20:13:21 GMT"];
const later: Pair = ["date", "Mon, 21 Oct 2013 20:13:22 GMT"];
const location: Pair = ["location", "https://www.example.com"];
const gzip: Pair = ["content-encoding", "gzip"];
const cookie: Pair = ["set-cookie", "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1"];
const responses: Pair[][] = [
  [found, isPrivate, date, location],
  [redirect, isPrivate, date, location],
  [[":status", "200"], isPrivate, later, location, gzip, cookie],
];
const responseTables = [
  { table: [location, date, isPrivate, found], bytes: 222 },
  { table: [redirect, location, date, isPrivate], bytes: 222 },
  { table: [cookie, gzip, later], bytes: 215 },
];

describe("the examples of RFC 7541, Appendix C", () => {
  test.each([
    [10, 31, "0a"],
    [1337, 31, "1f9a0a"],
    [42, 255, "2a"],
  ])("C.1: the integer %i below a limit of %i is %s", (value, limit, bytes) => {
    const buffer = Buffer.alloc(8);
    const end = writeInteger(buffer, 1, { bits: 0, limit }, value);
    expect(buffer.subarray(1, end)).toEqual(hex(bytes));
  });

  test.each<[string, Pair, Pair[], boolean]>([
    [
      "400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572",
      ["custom-key", "custom-header"],
      [["custom-key", "custom-header"]],
      false,
    ],
    ["040c 2f73 616d 706c 652f 7061 7468", [":path", "/sample/path"], [], false],
    ["1008 7061 7373 776f 7264 0673 6563 7265 74", ["password", "secret"], [], true],
    ["82", get, [], false],
  ])("C.2: %s", (block, pair, table, isSensitive) => {
    const decoder = new HpackDecoder(4096);
    const fields: HeaderField[] = [];
    read(decoder, hex(block), { onField: (field) => fields.push(field) });
    expect(fields.map(({ name, value, isSensitive }) => ({ name, value, isSensitive }))).toEqual([
      { name: pair[0], value: pair[1], isSensitive },
    ]);
    expect(tableOf(decoder)).toEqual(table);
  });

  /** In a table of 256 bytes, the responses evict. */
  const setTo256 = "3fe1 01";
  test.each<[string, number, Pair[][], { table: Pair[]; bytes: number }[], string[]]>([
    [
      "C.3: requests",
      4096,
      requests,
      requestTables,
      [
        "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
        "8286 84be 5808 6e6f 2d63 6163 6865",
        "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
      ],
    ],
    [
      "C.4: requests in Huffman code",
      4096,
      requests,
      requestTables,
      [
        "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff",
        "8286 84be 5886 a8eb 1064 9cbf",
        "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
      ],
    ],
    [
      "C.5: responses",
      256,
      responses,
      responseTables,
      [
        `${setTo256}4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133
         2032 303a 3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d`,
        "4803 3330 37c1 c0bf",
        `88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970
         7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61
         6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31`,
      ],
    ],
    [
      "C.6: responses in Huffman code",
      256,
      responses,
      responseTables,
      [
        `${setTo256}4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6
         2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3`,
        "4883 640e ffc1 c0bf",
        `88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2
         e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07`,
      ],
    ],
  ])("%s", (_name, tableBytes, lists, tables, blocks) => {
    const decoder = new HpackDecoder(tableBytes);
    decoder.settingsAcknowledged();
    blocks.forEach((block, i) => {
      expect(decode(decoder, hex(block))).toEqual(lists[i]);
      expect({ table: tableOf(decoder), bytes: decoder.table.bytes }).toEqual(tables[i]);
    });
  });

  test.each([
    ["www.example.com", "8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff"],
    ["no-cache", "86a8 eb10 649c bf"],
    ["custom-value", "8925 a849 e95b b8e8 b4bf"],
    [date[1], "96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff"],
    [
      cookie[1],
      `ad94 e782 1dd7 f2e6 c7b3 35df dfcd 5b39 60d5 af27 087f 3672 c1ab 270f b529 1f95 8731 6065 c003 ed4e
       e5b1 063d 5007`,
    ],
  ])("%s is written in the Huffman code that they have", (text, bytes) => {
    expect(string(text, true)).toEqual(hex(bytes));
  });
});

describe("Huffman code", () => {
  test("is complete: whatever bits come are the beginning of some code", () => {
    expect(codeLengths).toHaveLength(257);
    expect(codeLengths.reduce((sum, length) => sum + 2 ** -length, 0)).toBe(1);
  });

  test("every byte is read as it was written, with any other before and behind it", () => {
    const all = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte));
    for (const before of all) {
      const text = all.map((byte) => before + byte).join("");
      const block = Buffer.concat([hex("00"), string("x", true), string(text, true)]);
      expect(decode(new HpackDecoder(4096), block)).toEqual([["x", text]]);
    }
  });

  test("a text of any length is read, and its padding is what is left of the last byte", () => {
    // Of the codes of these, the lengths are 5, 6, 7, 8, 10, 13, 15, 19, and 30 bits.
    for (const one of ["a", " ", "B", "X", "!", "$", "{", "\\", "\n"]) {
      for (let length = 0; length < 40; length++) {
        const block = Buffer.concat([hex("00"), string("", true), string(one.repeat(length), true)]);
        expect(decode(new HpackDecoder(4096), block)).toEqual([["", one.repeat(length)]]);
      }
    }
    const long = "0123456789 {\\}".repeat(2000);
    expect(decode(new HpackDecoder(4096), Buffer.concat([hex("00"), string("x"), string(long, true)]))).toEqual([
      ["x", long],
    ]);
  });
});

describe("a block that breaks a rule is refused", () => {
  const literal = (...parts: (Buffer | string)[]) =>
    Buffer.concat([hex("00"), ...parts.map((part) => (typeof part === "string" ? hex(part) : part))]);
  const cut = /^a header block ends in the middle of a field$/;
  const rules: [rule: string, block: Buffer, message: RegExp][] = [
    ["index 0 means no field (6.1)", hex("80"), /field with index 0$/],
    ["an index beyond the tables (2.3.3)", hex("be"), /index 62, and the tables have 61$/],
    ["an index beyond the tables, in more bytes", hex("ff 80 01"), /index 255, and/],
    ["the name of an index beyond the tables", hex("7e 0161"), /index 62, and/],
    ["the name of an index beyond the tables, not indexed", hex("0f 2f 0161"), /index 62, and/],
    ["the name of an index beyond the tables, never indexed", hex("1f 2f 0161"), /index 62, and/],
    ["an index without its end", hex("ff"), cut],
    ["an index without its end, later", hex("ff 80 80"), cut],
    [
      "an integer without end (5.1)",
      hex("ff ffff ffff ffff ffff ffff 01"),
      /integer of a header block has more than 5/,
    ],
    [
      "an integer of zeros without end",
      hex("ff 8080 8080 8080 8080 8080 00"),
      /integer of a header block has more than 5/,
    ],
    ["a length without end", hex("00 7f ffff ffff ffff 01"), /integer of a header block has more than 5/],
    ["the largest integer that is read at all", hex("00 7f ffff ff7f 61"), cut],
    ["a literal without a name", hex("40"), cut],
    ["a literal without a value", hex("40 0161"), cut],
    ["a literal of an indexed name without a value", hex("44"), cut],
    ["a name longer than the block (5.2)", hex("40 0361 61"), cut],
    ["a value longer than the block", hex("40 0161 0261"), cut],
    ["a value in Huffman code longer than the block", hex("40 0161 821f"), cut],
    ["the end of string within a string (5.2)", literal("0161", "84 ffff ffff"), /has the end-of-string symbol in it$/],
    ["the end of string behind other symbols", literal("0161", "85 1fff ffff ff"), /end-of-string symbol/],
    ["padding of 8 bits (5.2)", literal("0161", "82 fcff"), /padding .* longer than 7 bits$/],
    ["padding of a whole byte and nothing else", literal("0161", "81 ff"), /padding .* longer than 7 bits$/],
    ["padding of zeros", literal("0161", "81 18"), /padding .* is not all ones$/],
    ["padding with one zero", literal("0161", "81 1e"), /padding .* is not all ones$/],
    ["a long code that is cut short", literal("0161", "82 fffe"), /padding .* longer than 7 bits$/],
    ["a name in Huffman code that is none", literal("81 18", "0161"), /padding .* is not all ones$/],
    ["a size over what was announced (6.3)", hex("3fe2 1f"), /table to 4097 bytes, and 4096 were announced$/],
    ["a size behind a field (4.2)", hex("82 20"), /changes the size of the table behind a field$/],
    ["a size without its end", hex("3f"), cut],
  ];
  test.each(rules)("%s", (_rule, block, message) => {
    const decoder = new HpackDecoder(4096);
    expect(() => decode(decoder, block)).toThrow(HpackError);
    expect(() => decode(decoderOf(4096), block)).toThrow(message);
  });

  test("one that is cut anywhere but between two fields", () => {
    const fields = [
      Buffer.concat([integer(0x40, 63, 62), string("x".repeat(200))]),
      integer(0x80, 127, 190),
      Buffer.concat([hex("00"), string("name", true), string("value", true)]),
    ];
    const block = Buffer.concat(fields);
    const ends = fields.map((_, i) => Buffer.concat(fields.slice(0, i)).length);
    for (let end = 0; end < block.length; end++) {
      const decoder = decoderOf(65_536);
      decode(decoder, hex("3fe1ff03"));
      for (let i = 0; i < 130; i++) decode(decoder, Buffer.concat([hex("40"), string(`x-${i}`), string("")]));
      const cutOff = () => decode(decoder, block.subarray(0, end));
      if (ends.includes(end)) expect(cutOff()).toHaveLength(ends.indexOf(end));
      else expect(cutOff).toThrow(cut);
    }
  });
});

describe("the dynamic table", () => {
  const enter = (name: string, value: string) => Buffer.concat([hex("40"), string(name), string(value)]);
  const resize = (bytes: number) => integer(0x20, 31, bytes);

  test("has room for so many bytes, and not for one more", () => {
    const decoder = decoderOf(4096);
    decode(decoder, Buffer.concat([resize(69), enter("c", "1"), enter("d", "23")]));
    expect(tableOf(decoder).map(([name]) => name)).toEqual(["d", "c"]);
    decode(decoder, Buffer.concat([resize(68), enter("e", "1"), enter("f", "23")]));
    expect(tableOf(decoder).map(([name]) => name)).toEqual(["f"]);
  });

  test("a field that is larger than the table empties it, and is no error (4.4)", () => {
    const decoder = decoderOf(4096);
    decode(decoder, Buffer.concat([enter("a", "1"), enter("b", "2")]));
    expect(decode(decoder, enter("c", "3".repeat(4096)))).toEqual([["c", "3".repeat(4096)]]);
    expect([tableOf(decoder), decoder.table.bytes]).toEqual([[], 0]);
    decode(decoder, enter("d", "4"));
    expect(decode(decoder, hex("be"))).toEqual([["d", "4"]]);
  });

  test("a field may have its name from an entry that it evicts (4.4)", () => {
    const decoder = decoderOf(4096);
    decode(decoder, Buffer.concat([resize(50), enter("name", "1")]));
    expect(decode(decoder, Buffer.concat([integer(0x40, 63, 62), string("2")]))).toEqual([["name", "2"]]);
    expect(tableOf(decoder)).toEqual([["name", "2"]]);
    expect(decode(decoder, Buffer.concat([integer(0x40, 63, 62), string("x".repeat(50))]))).toHaveLength(1);
    expect(tableOf(decoder)).toEqual([]);
  });

  test("keeps thousands of entries, the newest first", () => {
    const decoder = decoderOf(65_536);
    decode(decoder, resize(65_536));
    for (let i = 0; i < 5000; i++) decode(decoder, enter("", ""));
    expect(decoder.table.length).toBe(2048);
    for (let i = 0; i < 1500; i++) decode(decoder, enter("x", `${i}`));
    const newest = tableOf(decoder)[0];
    expect(newest).toEqual(["x", "1499"]);
    expect(decode(decoder, integer(0x80, 127, 62 + 1000))).toEqual([["x", "499"]]);
    decode(decoder, Buffer.concat([resize(0), resize(4096)]));
    expect([...decoder.table]).toEqual([]);
    expect(() => decode(decoder, hex("be"))).toThrow(/the tables have 61$/);
  });

  test("an entry is one object, and says what a reader has made of it, until it leaves", () => {
    const decoder = decoderOf(4096);
    const fields: HeaderField[] = [];
    const sink = { onField: (field: HeaderField) => fields.push(field) };
    read(decoder, Buffer.concat([enter("x-a", "1"), hex("be 82")]), sink);
    fields[0]!.kind = 7;
    read(decoder, hex("be 82"), sink);
    expect(fields.map(({ name, kind, listBytes }) => [name, kind, listBytes])).toEqual([
      ["x-a", 7, 36],
      ["x-a", 7, 36],
      [":method", 0, 42],
      ["x-a", 7, 36],
      [":method", 0, 42],
    ]);
    expect(fields[0]).toBe(fields[3]);
    expect(fields[2]).toBe(fields[4]);
  });

  test("has no view of a block, which its owner writes over", () => {
    const decoder = decoderOf(4096);
    const block = Buffer.concat([enter("some-name", "a value that is long enough to be no copy")]);
    decoder.decode(block, 0, block.length, { onField() {} });
    block.fill(0);
    expect(tableOf(decoder)).toEqual([["some-name", "a value that is long enough to be no copy"]]);
  });

  test("is right although the sink throws, which hears of no further field, and whose error comes out", () => {
    const decoder = decoderOf(4096);
    const failure = new Error("of the sink");
    const heard: string[] = [];
    const sink = {
      onField({ name }: HeaderField) {
        heard.push(name);
        if (name === "b") throw failure;
      },
    };
    const block = Buffer.concat([enter("a", "1"), enter("b", "2"), enter("c", "3")]);
    expect(() => read(decoder, block, sink)).toThrow(failure);
    expect(heard).toEqual(["a", "b"]);
    expect(tableOf(decoder).map(([name]) => name)).toEqual(["c", "b", "a"]);
    // What is wrong with the block ends the connection, and so goes before.
    expect(() => read(decoder, Buffer.concat([enter("b", "2"), hex("80")]), sink)).toThrow(HpackError);
  });
});

describe("the size of the table (RFC 7541, 4.2; RFC 9113, 4.3.1)", () => {
  const resize = (bytes: number) => integer(0x20, 31, bytes);
  const full = Buffer.concat([hex("40"), string("x"), string("y".repeat(3000))]);

  test("is 4,096 bytes at first, whatever is announced, and what is announced from the acknowledgement on", () => {
    const decoder = new HpackDecoder(100);
    decode(decoder, Buffer.concat([resize(2000), resize(4096), full]));
    expect(decoder.table.bytes).toBe(3033);
    decoder.settingsAcknowledged();
    decode(decoder, Buffer.concat([resize(100), hex("82")]));
    expect([decoder.table.maxBytes, decoder.table.bytes]).toEqual([100, 0]);
    expect(() => decode(decoder, resize(101))).toThrow(/table to 101 bytes, and 100 were announced$/);
  });

  test("must be lowered by the first block after the acknowledgement of a smaller one", () => {
    const block = (...parts: Buffer[]) => {
      const decoder = new HpackDecoder(100);
      decode(decoder, full);
      decoder.settingsAcknowledged();
      return decode(decoder, Buffer.concat(parts));
    };
    expect(() => block(hex("82"))).toThrow(/leaves the table at 4096 bytes; 100 were announced$/);
    expect(() => block()).toThrow(HpackError);
    expect(block(resize(0), resize(100), hex("82"))).toEqual([get]);
  });

  test("need not be lowered by a peer that has less already", () => {
    const decoder = new HpackDecoder(100);
    decode(decoder, resize(50));
    decoder.settingsAcknowledged();
    expect(decode(decoder, hex("82"))).toEqual([get]);
  });

  test("is raised by the peer, not by what is announced", () => {
    const decoder = decoderOf(65_536);
    decode(decoder, Buffer.concat([full, full]));
    expect(decoder.table.length).toBe(1);
    decode(decoder, Buffer.concat([resize(65_536), full]));
    expect(decoder.table.length).toBe(2);
  });

  test("may change more than twice in a block, as Netty has it", () => {
    const decoder = decoderOf(4096);
    expect(decode(decoder, Buffer.concat([resize(0), resize(50), resize(10), resize(99), hex("82")]))).toEqual([get]);
    expect(decoder.table.maxBytes).toBe(99);
  });
});

test("names that come as literals are told from each other, however alike they are", () => {
  const decoder = decoderOf(4096);
  const names = [...Array(400).keys()].map((i) => `x-${String.fromCharCode(97 + (i % 7))}-name-${(i * 7919) % 1000}`);
  for (const name of [...names, ...names]) {
    const block = Buffer.concat([hex("00"), string(name, name.length % 2 === 0), string("v")]);
    expect(decode(decoder, block)).toEqual([[name, "v"]]);
  }
});

test("random blocks, right and wrong, and random programs for the encoder", () => {
  const seed = Date.now();
  for (let i = 0; i < 600; i++) {
    try {
      hpack.run(seeded(seed + i));
    } catch (error) {
      throw new Error(`hpack.run(seeded(${seed + i})) fails`, { cause: error });
    }
  }
});
