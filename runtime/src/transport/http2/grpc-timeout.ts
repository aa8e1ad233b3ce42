/** `grpc-timeout`: at most eight digits and a unit (gRPC PROTOCOL-HTTP2, Timeout). */

const unitMs: { readonly [unit: string]: number } = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 };

const largest = 99_999_999;

/** @param leftMs milliseconds; more than 0, and finite. A part of the unit counts as a whole one: the server is not earlier. */
export function formatTimeout(leftMs: number): string {
  if (leftMs < 10) return `${Math.ceil(leftMs * 1000)}u`;
  const millis = Math.ceil(leftMs);
  if (millis <= largest) return `${millis}m`;
  const seconds = Math.ceil(leftMs / 1000);
  if (seconds <= largest) return `${seconds}S`;
  return `${Math.min(Math.ceil(leftMs / 3_600_000), largest)}H`;
}

/** Milliseconds; undefined for what is no timeout. */
export function parseTimeout(value: string): number | undefined {
  if (!/^\d{1,8}[HMSmun]$/.test(value)) return undefined;
  return Number(value.slice(0, -1)) * unitMs[value.at(-1)!]!;
}
