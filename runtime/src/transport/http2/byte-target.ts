/** A buffer that is written at its end: what is put together there leaves on a socket. */
export interface ByteTarget {
  buffer: Buffer;
  /** Where the next byte goes. */
  end: number;
  /** Makes room for so many more bytes; may replace `buffer` by a larger one with the same bytes. */
  reserve(bytes: number): void;
}
