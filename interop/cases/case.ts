import { Code, codeName, RpcError } from "@trunkline/runtime";
import { expectEqual } from "../check.js";
import type { Soak } from "../description.js";
import type { Clients, PayloadResponse } from "../service.js";

/** Resolves where everything that the description asserts holds, rejects with what does not. */
export type Case = (clients: Clients, run: Run) => Promise<void>;

/** What a case needs beside clients on the channel that it is given. */
export interface Run {
  readonly soak: Soak;
  /** Of concurrent_large_unary. */
  readonly concurrentCalls: number;
  /** Uses clients on a channel and a connection of their own, which are closed then. */
  onChannel(options: ChannelOptions, use: (clients: Clients) => Promise<void>): Promise<void>;
  /** Whether a response came compressed. */
  wasCompressed(response: PayloadResponse): boolean;
}

export interface ChannelOptions {
  /** Which requests are compressed; none otherwise. */
  readonly compresses?: (request: unknown) => boolean;
}

/** Checks that a call fails with a code, and with a text where one is given. */
export async function expectFailure(what: string, call: Promise<unknown>, code: Code, details?: string): Promise<void> {
  const outcome = await call.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (outcome !== undefined && !(outcome instanceof RpcError)) throw outcome;
  expectEqual(`status of ${what}`, codeName(outcome?.code ?? Code.OK), codeName(code));
  if (details !== undefined) expectEqual(`status message of ${what}`, outcome?.details, details);
}

/** Reads a stream to its end. */
export async function drain(responses: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of responses) {
    // Only its end matters.
  }
}
