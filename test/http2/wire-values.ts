/** Values for every method of a writer, and for every type of field. */
import fc from "fast-check";
import type { WireWriter } from "../../runtime/src/contract.js";

/** The methods that write a value. */
export type Scalar = Exclude<keyof WireWriter, "finish" | "fork" | "join" | "tag">;

/** Of each length as a varint, the least and the most. */
const edges = Array.from({ length: 10 }, (_, i) => [2n ** BigInt(7 * i) - 1n, 2n ** BigInt(7 * i)]).flat();
const uint32Edges = [...edges.map(Number).filter((edge) => edge < 2 ** 32), 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1];
const int32Edges = [...uint32Edges.filter((edge) => edge < 2 ** 31).flatMap((edge) => [edge, -edge]), -(2 ** 31), -0];
const uint64Edges = [
  ...edges,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 32n,
  2n ** 53n,
  2n ** 63n - 1n,
  2n ** 63n,
  2n ** 64n - 1n,
];
const int64Edges = [...uint64Edges.filter((edge) => edge < 2n ** 63n).flatMap((edge) => [edge, -edge]), -(2n ** 63n)];
export const doubles = [0, -0, 1, 0.1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 5e-324, 1.7e308];

/** As fields declare them, and as numbers in strings. */
const numbers = (edges: readonly number[], least: number, most: number): fc.Arbitrary<unknown> => {
  const number = fc.oneof(fc.constantFrom(...edges), fc.integer({ min: least, max: most }));
  return fc.oneof({ arbitrary: number, weight: 4 }, number.map(String));
};
/** As `forceLong` of ts-proto has them: bigint, string, number. */
const longs = (edges: readonly bigint[], least: bigint, most: bigint): fc.Arbitrary<unknown> => {
  const long = fc.oneof(fc.constantFrom(...edges), fc.bigInt({ min: least, max: most }));
  return fc.oneof(
    long,
    long.map(String),
    fc.maxSafeInteger().map((int) => (least < 0n ? int : Math.abs(int))),
  );
};

/** Any UTF-16, halves of pairs included; of lengths at which something changes. */
const unit = fc.oneof(
  fc.integer({ min: 0x20, max: 0x7e }),
  fc.integer({ min: 0, max: 0x7ff }),
  fc.integer({ min: 0xd7f0, max: 0xe010 }),
  fc.integer({ min: 0, max: 0xffff }),
);
const text = fc.array(unit, { maxLength: 60 }).map((units) => String.fromCharCode(...units));
const repeated = fc
  .tuple(text, fc.constantFrom("", "a", "ß", "語", "🙂", "\ud83d", "\ude42"), fc.integer({ min: 0, max: 140 }))
  .map(([before, character, times]) => before + character.repeat(times));
const long = fc
  .tuple(
    fc.constantFrom("a", "ß", "語", "🙂", "\udfff"),
    fc.constantFrom(127, 128, 5460, 5461, 5462, 16383, 16384, 70000),
  )
  .map(([character, times]) => character.repeat(times));
const strings = fc.oneof(
  { arbitrary: fc.string(), weight: 6 },
  { arbitrary: text, weight: 4 },
  { arbitrary: repeated, weight: 4 },
  { arbitrary: long, weight: 1 },
);

const chunks = fc
  .tuple(fc.uint8Array({ maxLength: 300 }), fc.constantFrom("array", "buffer", "view"), fc.constantFrom(1, 1, 1, 100))
  .map(([some, kind, times]) => {
    const bytes = Buffer.concat(Array.from({ length: times }, () => some));
    return kind === "buffer" ? bytes : kind === "view" ? new Uint8Array(bytes).subarray(1) : new Uint8Array(bytes);
  });

const int32 = numbers(int32Edges, -(2 ** 31), 2 ** 31 - 1);
const uint32 = numbers(uint32Edges, 0, 2 ** 32 - 1);
const int64 = longs(int64Edges, -(2n ** 63n), 2n ** 63n - 1n);
const uint64 = longs(uint64Edges, 0n, 2n ** 64n - 1n);
export const values: Readonly<Record<Scalar, fc.Arbitrary<unknown>>> = {
  raw: chunks,
  uint32,
  int32,
  sint32: int32,
  fixed32: uint32,
  sfixed32: int32,
  uint64,
  int64,
  sint64: int64,
  fixed64: uint64,
  sfixed64: int64,
  float: fc.oneof(fc.float(), fc.constantFrom(...doubles.slice(0, 8), 3.4028234663852886e38, "1.5", "NaN")),
  double: fc.oneof(fc.double(), fc.constantFrom(...doubles)),
  bool: fc.boolean(),
  string: strings,
  bytes: chunks,
};
export const scalars = Object.keys(values) as Scalar[];

/** Bytes of room in a buffer: hardly any, or enough for all. */
export const slacks = fc.oneof({ arbitrary: fc.nat(40), weight: 3 }, fc.constant(500_000));
