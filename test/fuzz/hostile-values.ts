/** Values that no compiler puts into a descriptor, and some that one might. */
import type { Random } from "./target.js";

export const oneOf = <Item>(random: Random, items: readonly Item[]): Item => items[random.int(items.length)]!;

export const chance = (random: Random, probability: number): boolean => random.next() < probability;

const longest = 65_536;

const texts: readonly string[] = [
  ...[
    "",
    " ",
    ".",
    "..",
    "/",
    "//",
    "\\",
    "../../etc/x",
    "/etc/x",
    "a/../b",
    "a//b",
    "./a",
    "a/.",
    "C:\\x",
    "a\\b.proto",
  ],
  ...[
    "\0",
    "a\0b",
    "\n",
    "a\nb",
    "a\r\nb",
    "a\u2028b",
    "a\u2029b",
    "\u0085",
    "\ufeff",
    "\u202e",
    "é",
    "名",
    "😀",
    "a b",
  ],
  ...["__proto__", "constructor", "prototype", "toString", "hasOwnProperty", "then", "toJSON", "__defineGetter__"],
  ...[
    "*/",
    "/*",
    "//",
    "`",
    "\u0024{x}",
    "'",
    '"',
    "\\",
    "a'b.proto",
    'a"b.proto',
    "a`b.proto",
    "a\u0024{b}.proto",
    "*/ throw 1; /*",
  ],
  ...[
    "class",
    "default",
    "any",
    "Object",
    "Promise",
    "0",
    "1a",
    "-",
    "$",
    "a$b",
    "a-b",
    "_",
    "__",
    "A_B",
    "a.b",
    ".a.b",
  ],
  ...[".proto", "a.proto", "A.proto", "a.proto.proto", "a_pb.proto", "a_grpc.proto", "google/protobuf/any.proto"],
  ...[
    "proto2",
    "proto3",
    "editions",
    "inf",
    "-inf",
    "nan",
    "1e999",
    "true",
    "NaN",
    "0x10",
    "-0",
    "18446744073709551616",
  ],
  ...[".google.protobuf.Empty", ".google.protobuf.Any", ".google.protobuf.NullValue", ".none.Such", "..", "a..b", "a."],
];

const long: readonly string[] = ["a", ".", "_", "a.", "/", "a/", "A_", "\n", "\\", "*/", "`", "é"].map((text) =>
  text.repeat(longest / text.length),
);

/** Bytes that are no UTF-8: a lone surrogate, a byte that begins nothing, a character cut short. */
const noTexts: readonly Buffer[] = ["eda080", "ff", "80", "c3", "e29d", "f4908080", "61edb08062"].map((hex) =>
  Buffer.from(hex, "hex"),
);

/** What a string field may hold on the wire. */
export function hostileText(random: Random): Uint8Array {
  if (chance(random, 0.06)) return Buffer.from(oneOf(random, long));
  return chance(random, 0.1) ? oneOf(random, noTexts) : Buffer.from(oneOf(random, texts));
}

const numbers: readonly bigint[] = [
  ...[
    0n,
    1n,
    2n,
    3n,
    9n,
    10n,
    11n,
    14n,
    18n,
    19n,
    100n,
    127n,
    128n,
    997n,
    998n,
    999n,
    1000n,
    1001n,
    1002n,
    1003n,
    9999n,
  ],
  ...[18_999n, 19_000n, 2n ** 29n - 1n, 2n ** 29n, 2n ** 31n - 1n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 53n],
  ...[2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n, 2n ** 64n - 2n ** 31n, 2n ** 64n - 1000n],
];

/** A number as a varint has it: up to 2^64 - 1, of which the upper half are the negative ones. */
export function hostileNumber(random: Random): bigint {
  return chance(random, 0.3) ? BigInt(random.int(40)) : oneOf(random, numbers);
}
