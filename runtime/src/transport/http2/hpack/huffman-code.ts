/** The symbol that ends a string; it never occurs in one (RFC 7541, section 5.2). */
export const endOfString = 256;

/** The bits of the longest code. */
export const maxCodeLength = 30;

/**
 * The number of bits of each symbol's code, by symbol, 16 in a row and last the end of string: RFC 7541, Appendix B.
 *
 * The codes follow from these: the code is canonical, so that codes of one length are consecutive in the order of their
 * symbols, and come after those that are shorter.
 */
// biome-ignore format: a row for each 16 symbols
export const codeLengths: Uint8Array = Uint8Array.of(
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
  28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
  6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
  5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
  7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
  15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
  6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
  20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
  24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
  22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
  21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
  26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
  19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
  20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
  26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
  30,
);

/** The symbols in the order of their codes. */
export const symbolsByCode: Uint16Array = new Uint16Array(codeLengths.length);

/** The first code of each length. */
export const firstCodes: Int32Array = new Int32Array(maxCodeLength + 1);

/** How many codes of each length there are. */
export const codeCounts: Int32Array = new Int32Array(maxCodeLength + 1);

/** Where the symbols of each length begin in `symbolsByCode`. */
export const firstSymbols: Int32Array = new Int32Array(maxCodeLength + 1);

/** The code of each symbol, in the low bits. */
export const codes: Int32Array = new Int32Array(codeLengths.length);

for (const length of codeLengths) codeCounts[length]!++;
for (let length = 1; length <= maxCodeLength; length++) {
  firstCodes[length] = (firstCodes[length - 1]! + codeCounts[length - 1]!) << 1;
  firstSymbols[length] = firstSymbols[length - 1]! + codeCounts[length - 1]!;
}
const nextOfLength = firstCodes.slice();
for (let symbol = 0; symbol < codeLengths.length; symbol++) {
  const length = codeLengths[symbol]!;
  const code = nextOfLength[length]!++;
  codes[symbol] = code;
  symbolsByCode[firstSymbols[length]! + code - firstCodes[length]!] = symbol;
}
