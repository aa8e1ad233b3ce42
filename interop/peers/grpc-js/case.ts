import { type Client, type ServiceError, status } from "@grpc/grpc-js";
import { expectEqual } from "../../check.js";

/** Calls `done` once: without an error where everything that the description asserts holds. */
export type Case = (client: Client, done: Done) => void;
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
