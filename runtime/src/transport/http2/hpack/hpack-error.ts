/**
 * A header block that breaks a rule of RFC 7541. Both ends' tables are out of step from here on: the connection has to end,
 * with COMPRESSION_ERROR (RFC 9113, section 4.3).
 */
export class HpackError extends Error {
  override readonly name = "HpackError";
}
