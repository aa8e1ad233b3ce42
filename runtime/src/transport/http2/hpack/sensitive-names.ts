/**
 * Names whose values no table must hold, here or on the way (RFC 7541, section 7.1.3): who may add fields to the same
 * connection could find out a value that is in a table, by guessing it and looking at the length.
 */
export const sensitiveNames: ReadonlySet<string> = new Set([
  "authorization",
  "proxy-authorization",
  "cookie",
  "set-cookie",
]);
