/** When a call is tried again: what users may say of it, and what holds where nobody says anything. gRFC A6. */
import type { MethodDesc } from "../contract.js";
import { describe, misuse } from "../error.js";
import { Code, codeName } from "../status.js";

/** One attempt after the other: `retryPolicy` of a gRPC service config. */
export interface RetryPolicy {
  /** Attempts in all, the first included: 2 or more, of which 5 are made at most. */
  readonly maxAttempts: number;
  /** Milliseconds before the second attempt, ±20 % as all waits. */
  readonly initialBackoffMs: number;
  /** Milliseconds that no wait is longer than. */
  readonly maxBackoffMs: number;
  /** By which each wait is longer than the one before. */
  readonly backoffMultiplier: number;
  /** Failures that are worth another attempt. */
  readonly codes: readonly Code[];
}

/** Attempts side by side; the first answer counts, and the others are cancelled: `hedgingPolicy` of a service config. */
export interface HedgingPolicy {
  /** Attempts in all, the first included: 2 or more, of which 5 are made at most. */
  readonly maxAttempts: number;
  /** Milliseconds after which the next attempt starts beside those that are still out; 0 starts all at once. */
  readonly hedgingDelayMs: number;
  /** Failures that let the others go on; any other is the answer. */
  readonly nonFatalCodes: readonly Code[];
}

export type AttemptPolicy = RetryPolicy | HedgingPolicy;

/** `false` makes one attempt only. A function chooses by method; undefined leaves it to what the method's table says. */
export type AttemptPolicyOption = AttemptPolicy | false | ((method: MethodDesc) => AttemptPolicy | false | undefined);

/** Stops retries towards a server that fails most calls: `retryThrottling` of a service config. */
export interface RetryThrottling {
  /** Tokens to begin with; each failure takes one, and below the half of them nothing is tried again. Up to 1000. */
  readonly maxTokens: number;
  /** Tokens that a success gives back. */
  readonly tokenRatio: number;
}

/** More are not made, whatever a policy says. */
const mostAttempts = 5;

/** Of methods whose proto says that doing them twice does no harm. Only what has most likely not been processed. */
const idempotentPolicy: RetryPolicy = {
  maxAttempts: 3,
  initialBackoffMs: 100,
  maxBackoffMs: 1000,
  backoffMultiplier: 2,
  codes: [Code.UNAVAILABLE],
};

/**
 * The policy of a call: the call's own, else the channel's, else that of the method's table entry, else by the
 * `idempotency_level` of the proto. Undefined where there is to be one attempt.
 */
export function policyOf(
  method: MethodDesc,
  ofCall: AttemptPolicyOption | undefined,
  ofChannel: AttemptPolicyOption | undefined,
): AttemptPolicy | undefined {
  const chosen = choose(method, ofCall) ?? choose(method, ofChannel) ?? method.defaults.retry;
  if (chosen !== undefined) return chosen === false ? undefined : chosen;
  return method.idempotency === "unknown" ? undefined : idempotentPolicy;
}

function choose(method: MethodDesc, option: AttemptPolicyOption | undefined): AttemptPolicy | false | undefined {
  if (typeof option !== "function") return option;
  const chosen = option(method);
  return chosen === undefined ? undefined : checkPolicy(`retry of ${method.path}`, chosen);
}

export function isHedging(policy: AttemptPolicy): policy is HedgingPolicy {
  return "hedgingDelayMs" in policy;
}

/** Attempts that are made at most. */
export function attemptsOf({ maxAttempts }: AttemptPolicy): number {
  return Math.min(maxAttempts, mostAttempts);
}

/** Throws an INVALID_ARGUMENT that names the field; functions are looked at when they have answered. */
export function checkPolicy<Option extends AttemptPolicyOption>(option: string, policy: Option): Option {
  if (policy === false || typeof policy === "function") return policy;
  if (typeof policy !== "object" || policy === null) {
    throw misuse(`${option}: must be false, a policy, or a function of the method, not ${describe(policy)}`);
  }
  if (!(Number.isInteger(policy.maxAttempts) && policy.maxAttempts >= 2)) {
    throw misuse(`${option}.maxAttempts: must be a whole number, at least 2, not ${describe(policy.maxAttempts)}`);
  }
  if (isHedging(policy)) {
    checkNumber(`${option}.hedgingDelayMs`, policy.hedgingDelayMs, 0);
    checkCodes(`${option}.nonFatalCodes`, policy.nonFatalCodes);
    return policy;
  }
  checkNumber(`${option}.initialBackoffMs`, policy.initialBackoffMs, 1);
  checkNumber(`${option}.maxBackoffMs`, policy.maxBackoffMs, 1);
  checkNumber(`${option}.backoffMultiplier`, policy.backoffMultiplier, Number.MIN_VALUE);
  checkCodes(`${option}.codes`, policy.codes);
  if (policy.codes.length === 0) throw misuse(`${option}.codes: names no failure; without one there is no retry`);
  return policy;
}

/** Throws an INVALID_ARGUMENT that names the field. */
export function checkThrottling(throttling: RetryThrottling): RetryThrottling {
  if (typeof throttling !== "object" || throttling === null) {
    throw misuse(`retryThrottling: must be { maxTokens, tokenRatio }, not ${describe(throttling)}`);
  }
  const { maxTokens, tokenRatio } = throttling;
  if (!(Number.isInteger(maxTokens) && maxTokens > 0 && maxTokens <= 1000)) {
    throw misuse(`retryThrottling.maxTokens: must be a whole number from 1 to 1000, not ${describe(maxTokens)}`);
  }
  checkNumber("retryThrottling.tokenRatio", tokenRatio, Number.MIN_VALUE);
  return throttling;
}

function checkNumber(field: string, value: number, least: number): void {
  if (typeof value === "number" && Number.isFinite(value) && value >= least) return;
  const what = least === Number.MIN_VALUE ? "a number above 0" : `a number of milliseconds, at least ${least}`;
  throw misuse(`${field}: must be ${what}, not ${describe(value)}`);
}

function checkCodes(field: string, codes: readonly Code[]): void {
  const isCode = (code: Code) => Number.isInteger(code) && code > Code.OK && code <= Code.UNAUTHENTICATED;
  if (Array.isArray(codes) && codes.every(isCode)) return;
  const bad = Array.isArray(codes) ? codes.find((code) => !isCode(code)) : codes;
  throw misuse(`${field}: must be a list of codes such as Code.UNAVAILABLE, not with ${nameOf(bad)}`);
}

function nameOf(code: Code): string {
  return code === Code.OK ? codeName(code) : describe(code);
}
