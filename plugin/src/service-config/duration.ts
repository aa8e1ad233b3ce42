/**
 * Milliseconds of a google.protobuf.Duration in its JSON form, seconds with an "s": `1.5s` is 1500. gRFC A6 leaves out
 * the 0 of `.5s`. Undefined for what is no duration, or a negative one.
 */
export function parseDuration(text: string): number | undefined {
  const [, whole = "", fraction = ""] = /^(\d*)(?:\.(\d{1,9}))?s$/.exec(text) ?? [];
  if (whole === "" && fraction === "") return undefined;
  // The point is moved in the text, since 0.1 × 1000 and the like are not exact.
  const digits = fraction.padEnd(9, "0");
  const ms = Number(`${whole}${digits.slice(0, 3)}.${digits.slice(3)}`);
  return ms <= longestMs ? ms : undefined;
}

/** Of a google.protobuf.Duration: 10,000 years. */
const longestMs = 315_576_000_000_000;
