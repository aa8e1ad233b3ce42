import { AsyncResource } from "node:async_hooks";

/** Made when this package is loaded, which is on behalf of no call. */
const scope = new AsyncResource("TRUNKLINE_CONNECTION");

/**
 * Runs what outlives the call that happens to want it first: the sockets and timers that calls share must not keep the
 * `AsyncLocalStorage` values of that call, nor hand them to others.
 */
export function outside<T>(run: () => T): T {
  return scope.runInAsyncScope(run);
}
