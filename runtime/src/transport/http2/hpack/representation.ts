/**
 * How a field is represented (RFC 7541, section 6), by the first byte: the bits that say so, and the largest value of the
 * integer that begins in the bits below them.
 */
export const indexed = { bits: 0x80, limit: 0x7f } as const;
/** A literal that goes into the dynamic table. */
export const indexedLiteral = { bits: 0x40, limit: 0x3f } as const;
export const sizeUpdate = { bits: 0x20, limit: 0x1f } as const;
/** A literal that must not go into any table on its way. */
export const neverIndexedLiteral = { bits: 0x10, limit: 0x0f } as const;
export const plainLiteral = { bits: 0x00, limit: 0x0f } as const;

/** The same for the length of a string (section 5.2). */
export const rawString = { bits: 0x00, limit: 0x7f } as const;
export const huffmanString = { bits: 0x80, limit: 0x7f } as const;

export interface Representation {
  readonly bits: number;
  readonly limit: number;
}
