import { AsyncLocalStorage } from "node:async_hooks";
import type { CallStarter } from "../attempts/attempts.js";
import type { CallOptions, ServerCall } from "../contract.js";

/** A server call as the calls made inside its handler find it. */
export interface PropagatingCall extends ServerCall {
  /** Whether it has been answered with OK: what runs on after that is on nobody's behalf. */
  readonly succeeded: boolean;
}

type Storage = AsyncLocalStorage<PropagatingCall | undefined>;

/**
 * On `globalThis`, so that clients of one copy of this package find the calls of another's server. There is no storage
 * until a server wants one: to have any costs every promise of a process a little.
 */
const place = Symbol.for("trunkline.propagation");
const everywhere = globalThis as { [place]?: { storage: Storage | undefined } };
everywhere[place] ??= { storage: undefined };
const shared: { storage: Storage | undefined } = everywhere[place];

/** Runs the handler of a call such that calls made inside it have it for a parent. */
export type Propagate = (call: PropagatingCall, run: () => void) => void;

/** For a server with `propagate: "auto"`. */
export function propagation(): Propagate {
  shared.storage ??= new AsyncLocalStorage();
  const { storage } = shared;
  return (call, run) => storage.run(call, run);
}

/** The options of a call with the parent that it inherits, where it is made inside a handler and names none itself. */
export function withParent(options: CallOptions | undefined): CallOptions | undefined {
  const parent = shared.storage?.getStore();
  if (parent === undefined || parent.succeeded || (options !== undefined && "parent" in options)) return options;
  return { ...options, parent };
}

/**
 * Runs what may make a connection. Its sockets and timers live on after the handler that happened to need it first:
 * they must not keep that call, nor run the callbacks of other callers on its behalf.
 */
export function outsideHandlers<T>(run: () => T): T {
  if (shared.storage?.getStore() === undefined) return run();
  return shared.storage.run(undefined, run);
}

/** The same for what puts calls on a connection. */
export function startingOutsideHandlers(connection: CallStarter): CallStarter {
  if (shared.storage?.getStore() === undefined) return connection;
  return { start: (spec, sink) => outsideHandlers(() => connection.start(spec, sink)) };
}
