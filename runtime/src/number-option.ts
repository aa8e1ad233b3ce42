import { describe, misuse } from "./error.js";

/** What numbers an option takes; an end belongs to the range unless it is `above` or `below`. */
export interface Range {
  readonly above?: number;
  readonly atLeast?: number;
  readonly atMost?: number;
  readonly below?: number;
  readonly whole?: boolean;
}

/** A number as an option gives it. Throws an INVALID_ARGUMENT that names the option and the range for any other. */
export function checkNumber(option: string, value: number, range: Range): number {
  const { above, atLeast, atMost, below, whole = false } = range;
  const inside =
    (above === undefined || value > above) &&
    (atLeast === undefined || value >= atLeast) &&
    (atMost === undefined || value <= atMost) &&
    (below === undefined || value < below);
  const isOne = typeof value === "number" && !Number.isNaN(value) && (!whole || Number.isInteger(value));
  if (isOne && inside) return value;
  const ends = [
    above !== undefined && `above ${above}`,
    atLeast !== undefined && `at least ${atLeast}`,
    atMost !== undefined && `at most ${atMost}`,
    below !== undefined && `below ${below}`,
  ].filter((end) => end !== false);
  throw misuse(`${option}: must be a ${whole ? "whole " : ""}number, ${ends.join(" and ")}, not ${describe(value)}`);
}
