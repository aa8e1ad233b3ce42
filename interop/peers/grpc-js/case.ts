import { type ChannelOptions, type Client, type ServiceError, status } from "@grpc/grpc-js";
import { expectEqual } from "../../check.js";
import type { Soak } from "../../description.js";

/** Calls `done` once: without an error where everything that the description asserts holds. */
export type Case = (client: Client, done: Done, run: Run) => void;

/** What a case needs beside the client that it is given. */
export interface Run {
  readonly soak: Soak;
  /** Of concurrent_large_unary. */
  readonly concurrentCalls: number;
  /** A client with a connection of its own, that is closed when the case is over. */
  connect(options: ChannelOptions): Client;
}

export type Done = (error?: unknown) => void;

/** A callback or listener in which assertions may fail. */
export function checking<Args extends unknown[]>(done: Done, listener: (...args: Args) => void) {
  return (...args: Args): void => {
    try {
      listener(...args);
    } catch (error) {
      done(error);
    }
  };
}

/** Checks that a call ended with a code, and with a text where one is given. */
export function expectStatus(what: string, ended: Partial<ServiceError> | null, code: status, details?: string): void {
  expectEqual(`status of ${what}`, status[ended?.code ?? status.OK], status[code]);
  if (details !== undefined) expectEqual(`status message of ${what}`, ended?.details, details);
}
