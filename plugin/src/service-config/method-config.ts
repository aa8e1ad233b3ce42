/**
 * One entry of `methodConfig`: which methods it is for, and what a table can say of it.
 *
 * The rules are those of service_config.proto (grpc/grpc-proto) and of gRFC A6.
 */
import type { HedgingPolicy, MethodDefaults, RetryPolicy, StatusCode } from "../model.js";
import { nearest } from "../nearest.js";
import { parseDuration } from "./duration.js";
import type { JsonValue } from "./json-value.js";
import { statusCodes } from "./status-codes.js";

/** An entry, as far as tables are concerned. */
export interface MethodConfig {
  readonly names: readonly MethodName[];
  readonly defaults: MethodDefaults;
  /** What no table has a place for; undefined where all of it is in `defaults`. */
  readonly lost: LostField | undefined;
}

/** `{ service, method }`; without a method all of a service, without either all methods that nothing else names. */
export interface MethodName {
  readonly service: string;
  readonly method: string;
  readonly place: JsonValue;
}

export interface LostField {
  readonly place: JsonValue;
  /** Where it can be said instead. */
  readonly instead: string;
}

/** Throws a PluginError for what the specification does not allow. */
export function readMethodConfig(entry: JsonValue): MethodConfig {
  const fields = entry.fields([
    "name",
    "timeout",
    "retryPolicy",
    "hedgingPolicy",
    "waitForReady",
    "maxRequestMessageBytes",
    "maxResponseMessageBytes",
  ]);
  const { timeout, retryPolicy, hedgingPolicy, waitForReady, maxRequestMessageBytes, maxResponseMessageBytes } = fields;
  if (retryPolicy !== undefined && hedgingPolicy !== undefined) {
    throw hedgingPolicy.fault("stands beside a retryPolicy", "a method has one of the two: remove the other");
  }
  const retry = retryPolicy ? readRetryPolicy(retryPolicy) : hedgingPolicy && readHedgingPolicy(hedgingPolicy);
  return {
    names: (fields.name?.items('[{ "service": "a.B", "method": "C" }]') ?? []).map(readName),
    defaults: {
      ...(timeout && { timeoutMs: readDuration(timeout, "longer than 0") }),
      ...(retry && { retry }),
    },
    lost: [
      lostWaiting(waitForReady),
      lostLimit(maxRequestMessageBytes, "give maxSendMessageBytes to the calls"),
      lostLimit(maxResponseMessageBytes, "give maxReceiveMessageBytes to dial or to the calls"),
    ].find((field) => field !== undefined),
  };
}

function readName(place: JsonValue): MethodName {
  const { service, method } = place.fields(["service", "method"]);
  const name = { service: service?.text() ?? "", method: method?.text() ?? "", place };
  if (name.service === "" && name.method !== "") {
    throw place.fault(`names the method ${name.method} of no service`, "add its service");
  }
  if (service !== undefined && /^\.|\//.test(name.service)) {
    throw service.mismatch("the full name of a service", "write package and name, as in a.B");
  }
  if (method !== undefined && name.method.includes("/")) {
    throw method.mismatch("the name of a method", "write it as the proto does, without its service");
  }
  return name;
}

/** False is what holds without it. */
function lostWaiting(waitForReady: JsonValue | undefined): LostField | undefined {
  if (waitForReady === undefined || !waitForReady.boolean()) return undefined;
  return { place: waitForReady, instead: "give waitForReady to dial or to the calls" };
}

function lostLimit(bytes: JsonValue | undefined, instead: string): LostField | undefined {
  if (bytes === undefined) return undefined;
  bytes.number("a whole number of bytes", (number) => Number.isInteger(number) && number >= 0);
  return { place: bytes, instead };
}

function readRetryPolicy(policy: JsonValue): RetryPolicy {
  const fields = policy.fields([
    "maxAttempts",
    "initialBackoff",
    "maxBackoff",
    "backoffMultiplier",
    "retryableStatusCodes",
  ]);
  const codes = fields.retryableStatusCodes ?? policy.missing("retryableStatusCodes");
  return {
    maxAttempts: readMaxAttempts(fields.maxAttempts),
    initialBackoffMs: readDuration(fields.initialBackoff ?? policy.missing("initialBackoff"), "longer than 0"),
    maxBackoffMs: readDuration(fields.maxBackoff ?? policy.missing("maxBackoff"), "longer than 0"),
    backoffMultiplier: readMultiplier(fields.backoffMultiplier ?? policy.missing("backoffMultiplier")),
    codes: readCodes(codes, "at least one"),
  };
}

function readHedgingPolicy(policy: JsonValue): HedgingPolicy {
  const { maxAttempts, hedgingDelay, nonFatalStatusCodes } = policy.fields([
    "maxAttempts",
    "hedgingDelay",
    "nonFatalStatusCodes",
  ]);
  return {
    maxAttempts: readMaxAttempts(maxAttempts),
    hedgingDelayMs: hedgingDelay === undefined ? 0 : readDuration(hedgingDelay, "of 0 or more"),
    nonFatalCodes: nonFatalStatusCodes === undefined ? [] : readCodes(nonFatalStatusCodes, "any number"),
  };
}

/**
 * The specification requires it, and many files of googleapis do without: Google's own clients try again until the time
 * is up. What comes nearest to that is as many attempts as gRPC ever makes.
 */
function readMaxAttempts(maxAttempts: JsonValue | undefined): number {
  if (maxAttempts === undefined) return 5;
  return maxAttempts.number("a whole number, at least 2", (number) => Number.isInteger(number) && number >= 2);
}

/** Milliseconds. */
function readDuration(place: JsonValue, range: "longer than 0" | "of 0 or more"): number {
  const text = place.scalar();
  const ms = typeof text === "string" ? parseDuration(text) : undefined;
  const expected = `a duration ${range}`;
  if (ms === undefined) throw place.mismatch(expected, 'write seconds with an s, such as "0.1s" or "60s"');
  if (ms === 0 && range === "longer than 0") throw place.mismatch(expected, "write a longer one");
  return ms;
}

function readMultiplier(place: JsonValue): number {
  return place.number("a number above 0", (number) => number > 0);
}

/** Each once, in the order of the file. */
function readCodes(list: JsonValue, howMany: "at least one" | "any number"): readonly StatusCode[] {
  const codes = [...new Set(list.items('["UNAVAILABLE"]').map(readCode))];
  if (codes.length === 0 && howMany === "at least one") {
    throw list.fault("names no status code", 'write those that are worth another attempt, such as "UNAVAILABLE"');
  }
  return codes;
}

/** By its name, in any case as grpc-js has it, or by its number, as the JSON of protobuf has it. */
function readCode(place: JsonValue): StatusCode {
  const said = place.scalar();
  const code = statusCodes.find(({ number, name }) => number === said || name === String(said).toUpperCase());
  if (code?.number === 0) throw place.fault("is no failure", "remove OK");
  if (code !== undefined) return code;
  const names = statusCodes.map(({ name }) => name);
  const meant = typeof said === "string" ? nearest(said, names) : undefined;
  throw place.mismatch(
    "a status code of gRPC",
    meant === undefined ? 'write its name, such as "UNAVAILABLE"' : `did you mean "${meant}"?`,
  );
}
