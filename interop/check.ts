/** Assertions that say in one line what was checked, what was to be, and what was. */
import assert from "node:assert/strict";
import { payloadType, zeros } from "./description.js";

export function expectEqual(what: string, actual: unknown, expected: unknown): void {
  assert.deepEqual(actual, expected, `${what}: expected ${show(expected)}, got ${show(actual)}`);
}

/** A payload of so many zeros. */
export function expectPayload(
  what: string,
  payload: { readonly type: number; readonly body: Uint8Array } | undefined,
  size: number,
): void {
  expectEqual(`size of ${what}`, payload?.body.length, size);
  expectEqual(`type of ${what}`, payload?.type, payloadType);
  const wrong = payload && firstNonZero(payload.body);
  expectEqual(`place of the first byte of ${what} that is not zero`, wrong, -1);
}

/** Bytes that are as they should be are compared all at once: one by one they took longer than the thousand large calls. */
function firstNonZero(body: Uint8Array): number {
  return Buffer.compare(body, zeros(body.length)) === 0 ? -1 : body.findIndex((byte) => byte !== 0);
}

function show(value: unknown): string {
  if (value instanceof Uint8Array) return `0x${Buffer.from(value).toString("hex")}`;
  return value === undefined ? "none" : JSON.stringify(value);
}
