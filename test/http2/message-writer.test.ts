/** What MessageWriter writes and refuses: the same as a BinaryWriter, call by call. */
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import fc from "fast-check";
import type { WireWriter } from "../../runtime/src/contract.js";
import { MessageWriter } from "../../runtime/src/transport/http2/message-writer.js";
import { ReplacedBuffers } from "./replaced-buffers.js";
import { doubles, type Scalar, scalars, slacks, values } from "./wire-values.js";

/** One call of a method, or a fork with what is written before its join. */
type Step =
  | readonly [method: Scalar, value: unknown]
  | readonly [method: "tag", fieldNo: number, type: number]
  | Step[];

function run(program: readonly Step[], writer: WireWriter): void {
  for (const step of program) {
    let returned: WireWriter;
    if (isFork(step)) {
      run(step, writer.fork());
      returned = writer.join();
    } else if (step[0] === "tag") {
      returned = writer.tag(step[1], step[2]);
    } else {
      returned = writer[step[0]](step[1] as never);
    }
    if (returned !== writer) throw new Error(`${step[0]} returns another writer`);
  }
}

const isFork = (step: Step): step is Step[] => typeof step[0] !== "string";

/** As a BinaryWriter writes it. */
function expected(program: readonly Step[]): Buffer {
  const writer = new BinaryWriter();
  run(program, writer);
  return Buffer.from(writer.finish());
}

/** All that a fresh target holds afterwards. */
function written(program: readonly Step[], target = new ReplacedBuffers(0)): Buffer {
  const writer = new MessageWriter();
  writer.begin(target);
  run(program, writer);
  return target.written();
}

// ── Programs ────────────────────────────────────────────────────────────────────────────────────────────────────────

const step = fc.oneof(
  ...scalars.map((method) => values[method].map((value): Step => [method, value])),
  fc
    .tuple(fc.integer({ min: 1, max: 2 ** 29 - 1 }), fc.integer({ min: 0, max: 5 }))
    .map(([fieldNo, type]): Step => ["tag", fieldNo, type]),
);
const program: fc.Arbitrary<Step[]> = fc.letrec<{ program: Step[] }>((tie) => ({
  program: fc.array(fc.oneof({ maxDepth: 5 }, { arbitrary: step, weight: 4 }, tie("program")), { maxLength: 12 }),
})).program;

/** One of every sort that a field may be given by mistake. */
const mistakes: readonly unknown[] = [
  undefined,
  null,
  true,
  false,
  {},
  [],
  [5],
  () => 5,
  Symbol("s"),
  Object.create(null),
  new Date(5),
  Object(5),
  Object(5n),
  ...["", " ", " 5 ", "-5", "+5", "1.5", "0x10", "1e3", "five", "NaN", "Infinity", "-0", "1e39"],
  ...["4294967295", "4294967296", "-2147483649", "9223372036854775808", "-9223372036854775809", "18446744073709551616"],
  ...[1.5, -1, -1.5, 2 ** 31, -(2 ** 31) - 1, 2 ** 32, 2 ** 53, 2 ** 63, -(2 ** 63), 2 ** 63 * -1.5, 2 ** 64, 1e300],
  ...[3.4028235e38, 3.4028235677973366e38, -3.5e38, 5e-324, ...doubles],
  ...[5n, -1n, 2n ** 63n, -(2n ** 63n) - 1n, 2n ** 64n, 2n ** 70n],
];

// ── Tests ───────────────────────────────────────────────────────────────────────────────────────────────────────────

test("the same bytes for every program, into buffers that are replaced at any time", () => {
  let replaced = 0;
  fc.assert(
    fc.property(program, fc.uint8Array({ maxLength: 20 }), slacks, (steps, before, slack) => {
      const target = new ReplacedBuffers(slack, before);
      const bytes = written(steps, target).toString("hex");
      expect(bytes).toBe(Buffer.concat([before, expected(steps)]).toString("hex"));
      replaced += target.replaced;
    }),
    { numRuns: 1000 },
  );
  expect(replaced).toBeGreaterThan(1000);
});

describe("lengths at which something changes", () => {
  const characters = ["a", "ß", "語", "🙂", "\udc00"];
  const lengths = [0, 1, 2, 31, 32, 41, 42, 43, 63, 64, 127, 128, 5461, 5462, 8191, 8192, 16383, 16384];
  test.each(lengths)("a string of %d characters, whatever room there is", (length) => {
    for (const character of characters) {
      for (const last of ["", "b", "ü", "\ud800"]) {
        const text = character.repeat(length) + last;
        const bytes = expected([["string", text]]);
        for (const room of [
          0,
          1,
          length,
          2 * length + 5,
          bytes.length - 1,
          bytes.length,
          3 * length + 4,
          3 * length + 20,
        ]) {
          const target = new ReplacedBuffers(0);
          target.buffer = Buffer.alloc(room);
          expect(written([["string", text]], target).equals(bytes)).toBe(true);
        }
      }
    }
  });

  test.each([127, 128, 16383, 16384, 2 ** 21 - 1, 2 ** 21])("a message, a chunk and a string of %d bytes", (length) => {
    const steps: Step[] = [[["raw", new Uint8Array(length).fill(7)]], ["bytes", new Uint8Array(length).fill(8)]];
    steps.push(["string", "x".repeat(length)], ["string", "ß".repeat(length / 2)], [[["raw", new Uint8Array(length)]]]);
    for (const slack of [0, 100, 20 * length]) {
      expect(written(steps, new ReplacedBuffers(slack)).equals(expected(steps))).toBe(true);
    }
  });
});

/** Those that take something of all that may be given by mistake, and refuse something of it. */
const choosy = scalars.filter((method) => !["raw", "bytes", "bool"].includes(method));

test.each(choosy)("%s refuses what a BinaryWriter refuses, and takes what it takes", (method) => {
  const outcomes = new Set<string>();
  for (const value of mistakes) {
    const steps: Step[] = [["uint32", 8], [[method, value]], ["bool", true]];
    let bytes: Buffer | undefined;
    try {
      bytes = expected(steps);
    } catch {
      expect(() => written(steps)).toThrow();
    }
    if (bytes !== undefined) expect(written(steps)).toEqual(bytes);
    outcomes.add(bytes === undefined ? "refused" : "taken");
  }
  expect([...outcomes].sort()).toEqual(["refused", "taken"]);
});

test("bool takes anything for what it is worth", () => {
  for (const value of mistakes) expect(written([["bool", value]])).toEqual(Buffer.of(value ? 1 : 0));
});

test("bytes and raw take nothing but bytes", () => {
  const bytes = [new Uint8Array([1, 255]), Buffer.of(1, 255), new Uint8ClampedArray([1, 255]), new Int8Array([1, -1])];
  for (const value of bytes) {
    expect(written([["raw", value]])).toEqual(Buffer.of(1, 255));
    expect(written([["bytes", value]])).toEqual(Buffer.of(2, 1, 255));
  }
  const others = [new Uint16Array(2), new DataView(new ArrayBuffer(2)), new ArrayBuffer(2), "ab", [1, 2]];
  for (const value of [...others, ...mistakes]) {
    expect(() => written([["raw", value]])).toThrow(/^bytes cannot be .*: give a Uint8Array$/);
    expect(() => written([["bytes", value]])).toThrow(/^bytes cannot be .*: give a Uint8Array$/);
  }
});

const in32 = "a whole number from -2147483648 to 2147483647";
const in64 = "a whole number from -9223372036854775808 to 9223372036854775807";
const inFloat = "a number from -3.4028234663852886e+38 to 3.4028234663852886e+38";

test.each<readonly [Scalar, unknown, string]>([
  ["int32", 2 ** 31, `int32 cannot be 2147483648: give ${in32}`],
  ["int32", undefined, `int32 cannot be undefined: give ${in32}`],
  ["sfixed32", null, `int32 cannot be null: give ${in32}`],
  ["sint32", "five", `int32 cannot be "five": give ${in32}`],
  ["uint32", -1, "uint32 cannot be -1: give a whole number from 0 to 4294967295"],
  ["fixed32", 5n, "uint32 cannot be 5: give a whole number from 0 to 4294967295"],
  ["float", 1e39, `float cannot be 1e+39: give ${inFloat}`],
  ["float", "much", `float cannot be "much": give ${inFloat}`],
  ["int64", 2n ** 63n, `int64 cannot be 9223372036854775808: give ${in64}`],
  ["sint64", 1.5, `int64 cannot be 1.5: give ${in64}`],
  ["sfixed64", "9".repeat(1000), `int64 cannot be "${"9".repeat(40)}": give ${in64}`],
  ["uint64", -1n, "uint64 cannot be -1: give a whole number from 0 to 18446744073709551615"],
  ["fixed64", Symbol("s"), "uint64 cannot be symbol: give a whole number from 0 to 18446744073709551615"],
  ["bytes", "text", 'bytes cannot be "text": give a Uint8Array'],
])("%s(%p) says what is wrong, and what is right", (method, value, text) => {
  expect(() => written([[method, value]])).toThrow(new Error(text));
});

describe("one writer for one message after the other", () => {
  const good: Step[] = [
    ["uint32", 10],
    [["uint32", 10], ["string", "grün".repeat(50)], [["int32", -1]]],
    ["double", 1.5],
  ];

  test("into different targets, beside what is there", () => {
    const writer = new MessageWriter();
    const [first, second] = [new ReplacedBuffers(3, Buffer.from("first")), new ReplacedBuffers(100, Buffer.from("2"))];
    for (const target of [first, second, second, first]) {
      writer.begin(target);
      run(good, writer);
    }
    expect(first.written()).toEqual(Buffer.concat([Buffer.from("first"), expected(good), expected(good)]));
    expect(second.written()).toEqual(Buffer.concat([Buffer.from("2"), expected(good), expected(good)]));
  });

  test("after one that has thrown half-way, at any depth", () => {
    fc.assert(
      fc.property(program, fc.nat(20), fc.nat(10), (steps, depth, slack) => {
        const target = new ReplacedBuffers(slack, Buffer.from("before"));
        const writer = new MessageWriter();
        writer.begin(target);
        let bad: Step[] = [...steps, ["int32", Number.NaN]];
        for (let i = 0; i < depth; i++) bad = [...steps.slice(0, 2), bad];
        expect(() => run(bad, writer)).toThrow("int32 cannot be NaN");
        target.end = 6;
        writer.begin(target);
        run(good, writer);
        expect(target.written()).toEqual(Buffer.concat([Buffer.from("before"), expected(good)]));
        expect(() => writer.join()).toThrow("there is no fork to join");
      }),
      { numRuns: 200 },
    );
  });

  test("finish() gives a copy of this message, which stays where it is", () => {
    const target = new ReplacedBuffers(1000, Buffer.from("before"));
    const writer = new MessageWriter();
    writer.begin(target);
    expect(writer.finish()).toEqual(new Uint8Array());
    run(good, writer);
    const copy = writer.finish();
    expect(target.written()).toEqual(Buffer.concat([Buffer.from("before"), copy]));
    target.buffer.fill(0);
    expect(Buffer.from(copy)).toEqual(expected(good));
  });
});

test("calls out of their order say so", () => {
  const writer = new MessageWriter();
  expect(() => writer.bool(true)).toThrow("a MessageWriter writes nothing before begin(): call that first");
  writer.begin(new ReplacedBuffers(0));
  expect(() => writer.join()).toThrow("there is no fork to join: every join() needs a fork() before it");
});
