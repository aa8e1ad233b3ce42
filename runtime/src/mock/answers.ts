/** What a test may tell a mock to answer, checked at once, as what a server's implementation does. */
import { types } from "node:util";
import type { MessageSource, MethodDesc, ServerCall } from "../contract.js";
import { describe, misuse, RpcError } from "../error.js";
import { Code } from "../status.js";
import { isThenable } from "../thenable.js";

/** Answers a call. What it is given is the request, or the stream of them. */
export type Answer = (received: unknown, call: ServerCall) => unknown;

/**
 * Reads what was given to `answer()` or `answerOnce()`.
 *
 * @param name of the method, as clients have it
 */
export function answerOf(given: unknown, times: "always" | "once", name: string, method: MethodDesc): Answer {
  const said = `${name}.${times === "once" ? "answerOnce" : "answer"}()`;
  if (typeof given === "function") return given as Answer;
  if (method.kind === "unary" || method.kind === "clientStream") {
    checkMessage(given, said, method);
    return method.kind === "unary" ? () => given : (requests) => afterAll(requests, () => given);
  }
  checkMessages(given, times, said, method);
  return method.kind === "serverStream" ? () => given : (requests) => beside(requests, given);
}

/** Reads what was given to `fail()` or `failOnce()`. */
export function failureOf(given: unknown, said: string, name: string, { kind }: MethodDesc): Answer {
  const error = requireError(given, `${name}.${said}()`);
  const fail = () => {
    throw error;
  };
  return kind === "clientStream" ? (requests) => afterAll(requests, fail) : fail;
}

/** What a mock does that was told nothing. */
export function noAnswer(name: string, { kind, path }: MethodDesc): Answer {
  return () => {
    const example = kind === "unary" || kind === "clientStream" ? "{ … }" : "[{ … }]";
    const details = `the mock of ${path} has no answer: tell it with ${name}.answer(${example}) or ${name}.fail(error)`;
    throw new RpcError(Code.UNIMPLEMENTED, details);
  };
}

// ── What is an answer ───────────────────────────────────────────────────────────────────────────────────────────────

function checkMessage(given: unknown, said: string, { response }: MethodDesc): void {
  const isMessage = typeof given === "object" && given !== null && !Array.isArray(given) && !isThenable(given);
  if (!isMessage) {
    throw misuse(`${said}: must be a ${response.typeName} or a function that returns one, not ${describe(given)}`);
  }
  if (types.isNativeError(given)) {
    throw misuse(`${said}: ${describe(given)} is no ${response.typeName}; fail(error) fails calls`);
  }
  try {
    // Its `In` is `never` for whoever does not know the method; that it can be encoded is what is found out here.
    response.encode(given as never);
  } catch (cause) {
    const reason = RpcError.from(cause).details;
    throw misuse(`${said}: it cannot be encoded as a ${response.typeName}: ${reason}`, cause);
  }
}

function checkMessages(
  given: unknown,
  times: "always" | "once",
  said: string,
  method: MethodDesc,
): asserts given is MessageSource<unknown> {
  if (!isIterable(given)) {
    const wanted = `an iterable of ${method.response.typeName} or a function that returns one`;
    throw misuse(`${said}: must be ${wanted}, not ${describe(given)}`);
  }
  if (Array.isArray(given)) {
    for (const [i, message] of given.entries()) checkMessage(message, `${said}: [${i}]`, method);
  }
  // An iterator that is there already can be gone through once: the second call would get nothing, and nobody know why.
  if (times === "always" && typeof (given as Partial<Iterator<unknown>>).next === "function") {
    throw misuse(
      `${said}: ${describe(given)} can be gone through once: give a list or the function that makes it, or use answerOnce()`,
    );
  }
}

function isIterable(given: unknown): given is MessageSource<unknown> {
  if (typeof given !== "object" || given === null) return false;
  const { [Symbol.asyncIterator]: begin, [Symbol.iterator]: beginAtOnce } = given as Partial<
    AsyncIterable<unknown> & Iterable<unknown>
  >;
  return typeof begin === "function" || typeof beginAtOnce === "function";
}

function requireError(given: unknown, said: string): RpcError {
  if (!looksLikeError(given)) {
    throw misuse(`${said}: must be an error, such as new RpcError(Code.NOT_FOUND, "…"), not ${describe(given)}`);
  }
  const error = RpcError.from(given);
  if (error.code === Code.OK) throw misuse(`${said}: an error with the code OK is none; answer() answers calls`);
  return error;
}

/** By its looks: it may be of another realm, as the test runner's and the platform's are. */
function looksLikeError(given: unknown): given is Error {
  const { message, stack } = Object(given) as Partial<Error>;
  return typeof message === "string" && typeof stack === "string";
}

// ── Beside the requests ─────────────────────────────────────────────────────────────────────────────────────────────

/** Takes all requests, and answers then: what came is what was sent. */
async function afterAll<T>(requests: unknown, answer: () => T): Promise<T> {
  await takeAll(requests);
  return answer();
}

async function takeAll(requests: unknown): Promise<void> {
  for await (const _request of requests as AsyncIterable<unknown>);
}

/**
 * Sends responses while requests come, and ends when both have ended: before that, it would depend on chance which
 * requests still arrive.
 */
function beside(requests: unknown, responses: MessageSource<unknown>): AsyncIterable<unknown> {
  const taken = takeAll(requests);
  // The end of the responses hears of it; where the call is over before, its caller has.
  taken.catch(() => {});
  const iterator = Symbol.asyncIterator in responses ? responses[Symbol.asyncIterator]() : responses[Symbol.iterator]();
  return {
    [Symbol.asyncIterator]: () => ({
      async next() {
        const result = await iterator.next();
        if (result.done === true) await taken;
        return result;
      },
      // Not a generator's: that would wait for a message that may never come, and tell the responses nothing.
      async return() {
        await iterator.return?.();
        return { done: true, value: undefined };
      },
    }),
  };
}
