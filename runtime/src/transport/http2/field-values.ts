/** What a field of each type can hold: the same as for a `BinaryWriter`, numbers in strings included. */

/** What a 64-bit number is taken apart in; a DataView, so that the order of the bytes is the same on every machine. */
export const scratch: DataView = new DataView(new ArrayBuffer(8));

export function int32Of(value: unknown): number {
  const number = typeof value === "string" ? Number(value) : value;
  if (typeof number === "number" && (number | 0) === number) return number;
  throw refusal("int32", "a whole number from -2147483648 to 2147483647", value);
}

export function uint32Of(value: unknown): number {
  const number = typeof value === "string" ? Number(value) : value;
  if (typeof number === "number" && number >>> 0 === number) return number;
  throw refusal("uint32", "a whole number from 0 to 4294967295", value);
}

/** What rounds to infinity is refused, infinity itself is not; nor is NaN, but for other texts that are no number. */
export function float32Of(value: unknown): number {
  const number = typeof value === "string" ? Number(value) : value;
  if (typeof number === "number") {
    const isOver = Number.isFinite(number) && !Number.isFinite(Math.fround(number));
    const isOtherText = Number.isNaN(number) && typeof value === "string" && value !== "NaN";
    if (!isOver && !isOtherText) return number;
  }
  throw refusal("float", "a number from -3.4028234663852886e+38 to 3.4028234663852886e+38", value);
}

/** Into the scratch. */
export function splitInt64(value: unknown): void {
  if (typeof value === "number" && Number.isSafeInteger(value)) {
    splitSafe(value);
    return;
  }
  const int = bigintOf(value);
  if (int === undefined || BigInt.asIntN(64, int) !== int) {
    throw refusal("int64", "a whole number from -9223372036854775808 to 9223372036854775807", value);
  }
  scratch.setBigInt64(0, int, true);
}

export function splitUint64(value: unknown): void {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) {
    splitSafe(value);
    return;
  }
  const int = bigintOf(value);
  if (int === undefined || BigInt.asUintN(64, int) !== int) {
    throw refusal("uint64", "a whole number from 0 to 18446744073709551615", value);
  }
  scratch.setBigUint64(0, int, true);
}

/** A third of the time that a bigint made of it would take. */
function splitSafe(int: number): void {
  scratch.setInt32(0, int, true);
  scratch.setInt32(4, Math.floor(int / 0x1_0000_0000), true);
}

/** Undefined for what no bigint can be made of. */
function bigintOf(value: unknown): bigint | undefined {
  if (typeof value === "bigint") return value;
  try {
    return BigInt(value as string | number);
  } catch {
    return undefined;
  }
}

/**
 * Of bytes alone. Here we are stricter than BinaryWriter, which cuts the elements of any other array to a byte each,
 * and writes what nobody can read where the two lengths differ.
 */
export function lengthOf(bytes: Uint8Array): number {
  const length: unknown = bytes?.length;
  if (typeof length === "number" && length === bytes.byteLength) return length;
  throw refusal("bytes", "a Uint8Array", bytes);
}

function refusal(kind: string, wanted: string, value: unknown): Error {
  const isNumber = typeof value === "number" || typeof value === "bigint";
  if (isNumber) return new RangeError(`${kind} cannot be ${value}: give ${wanted}`);
  const found = typeof value === "string" ? JSON.stringify(value.slice(0, 40)) : value === null ? "null" : typeof value;
  return new TypeError(`${kind} cannot be ${found}: give ${wanted}`);
}
