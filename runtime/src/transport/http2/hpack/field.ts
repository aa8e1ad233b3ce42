/** What RFC 7541, section 4.1, counts for each field beyond its two strings. */
export const fieldOverhead = 32;

/** A header field as it came; one object for as long as a table holds it. */
export class HeaderField {
  readonly name: string;
  /** A character for each byte. */
  readonly value: string;
  /** As RFC 7541, section 4.1, counts it: the bytes of both strings, and 32. */
  readonly listBytes: number;
  /** Came as a literal that is never indexed (section 6.2.3): whoever passes it on must do the same. */
  readonly isSensitive: boolean;
  /**
   * For who reads header lists: what it made of this field, once; fields of the tables come again and again. 0 until then.
   * Fields of the static table are shared by all decoders, so it must not depend on a connection or on who is the client.
   */
  kind = 0;

  constructor(name: string, value: string, isSensitive: boolean) {
    this.name = name;
    this.value = value;
    this.listBytes = name.length + value.length + fieldOverhead;
    this.isSensitive = isSensitive;
  }
}
