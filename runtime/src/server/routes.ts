/** What a server answers: its methods, each with its implementation and what holds for its calls. */
import type { Call, MethodOptions, ServerCall, ServiceDesc, ServiceOptions } from "../contract.js";
import { describe, misuse, RpcError } from "../error.js";
import { compose } from "../interceptor.js";
import { checkBytes, defaultMaxReceiveMessageBytes } from "../limits.js";
import { notServed } from "../method.js";
import { Code } from "../status.js";
import { CallCounter } from "./method-stats.js";
import { type RawHandler, rawMethod } from "./raw-method.js";
import type { ServerOptions } from "./server.js";
import type { IncomingServerCall, Route } from "./server-call.js";

/** What a server's options say of all of its calls, and what it does with them itself. */
export type RouteDefaults = Pick<Route, "onError" | "propagate"> &
  Pick<ServerOptions, "interceptors" | keyof MethodOptions>;

export class Routes {
  readonly #defaults: RouteDefaults;
  readonly #routes = new Map<string, Route>();
  readonly #services = new Map<string, ServiceDesc>();
  readonly #unknown: UnknownRoutes | undefined;

  constructor(defaults: RouteDefaults, unknownMethods: RawHandler | undefined) {
    this.#defaults = defaults;
    checkOptions("", defaults);
    if (unknownMethods !== undefined) this.#unknown = new UnknownRoutes(unknownMethods, defaults);
  }

  get services(): readonly ServiceDesc[] {
    return [...this.#services.values()];
  }

  get all(): Iterable<Route> {
    return this.#routes.values();
  }

  get unknown(): CallCounter | undefined {
    return this.#unknown?.counter;
  }

  find(path: string): Route | undefined {
    return this.#routes.get(path) ?? this.#unknown?.route(path);
  }

  /** Bytes: the largest of the limits that methods have. */
  get longestReceiveBytes(): number {
    const limits = [...this.#routes.values()].map(({ maxReceiveMessageBytes }) => maxReceiveMessageBytes);
    return Math.max(this.#defaults.maxReceiveMessageBytes ?? defaultMaxReceiveMessageBytes, ...limits);
  }

  add<Impl>(desc: ServiceDesc<Impl>, impl: Impl, options: ServiceOptions): void {
    const { serviceName, methods } = desc;
    if (this.#services.has(serviceName)) {
      throw new RpcError(Code.ALREADY_EXISTS, `${serviceName} is registered already`);
    }
    if (Object.values(methods).some(({ handler }) => handler === notServed)) {
      throw misuse(`${serviceName}: its table is for clients alone: generate it with server=on`);
    }
    const missing = Object.keys(methods).filter((name) => typeof Object(impl)[name] !== "function");
    if (missing.length > 0) {
      throw misuse(
        `${serviceName}: the implementation lacks ${missing.join(", ")}; extend the Unimplemented… class to leave out some`,
      );
    }
    checkOptions(`${serviceName}: `, options);
    for (const name of Object.keys(options.methods ?? {})) {
      if (methods[name] === undefined) {
        const known = Object.keys(methods).join(", ");
        throw misuse(`${serviceName}: methods: it has no method ${describe(name)}, only ${known}`);
      }
      checkOptions(`${serviceName}: methods.${name}.`, options.methods?.[name] ?? {});
    }
    this.#services.set(serviceName, desc);
    const wrap = interception([...(this.#defaults.interceptors ?? []), ...(options.interceptors ?? [])]);
    for (const [name, method] of Object.entries(methods)) {
      const limits = limitsOf(options.methods?.[name], options, this.#defaults);
      const { onError, propagate } = this.#defaults;
      const counter = new CallCounter(method);
      this.#routes.set(method.path, { method, impl, intercepted: wrap, onError, propagate, counter, ...limits });
    }
  }
}

/** Methods that no service has: all go to one handler, with their messages as bytes. */
class UnknownRoutes {
  readonly counter = new CallCounter(undefined);
  readonly #handler: RawHandler;
  readonly #shared: Omit<Route, "method">;

  constructor(handler: RawHandler, defaults: RouteDefaults) {
    this.#handler = handler;
    const { onError, propagate } = defaults;
    const intercepted = interception(defaults.interceptors ?? []);
    this.#shared = { impl: undefined, intercepted, onError, propagate, counter: this.counter, ...limitsOf(defaults) };
  }

  /** Not kept: callers may ask for anything. */
  route(path: string): Route {
    const handler = (_impl: never, requests: AsyncIterable<Uint8Array>, call: ServerCall) =>
      this.#handler(requests, call);
    return { ...this.#shared, method: { ...rawMethod(path), handler } };
  }
}

function interception(interceptors: NonNullable<ServerOptions["interceptors"]>): Route["intercepted"] {
  if (interceptors.length === 0) return undefined;
  return compose(interceptors, (call: Call) => (call as IncomingServerCall).reply());
}

/** What the first says that says anything. */
function limitsOf(
  ...options: readonly (MethodOptions | undefined)[]
): Pick<Route, "requireDeadline" | "maxReceiveMessageBytes" | "maxSendMessageBytes"> {
  const first = <Name extends keyof MethodOptions>(name: Name) =>
    options.find((one) => one?.[name] !== undefined)?.[name];
  return {
    requireDeadline: first("requireDeadline") ?? false,
    maxReceiveMessageBytes: first("maxReceiveMessageBytes") ?? defaultMaxReceiveMessageBytes,
    maxSendMessageBytes: first("maxSendMessageBytes") ?? Number.POSITIVE_INFINITY,
  };
}

function checkOptions(prefix: string, options: MethodOptions): void {
  const { requireDeadline, maxReceiveMessageBytes, maxSendMessageBytes } = options;
  if (requireDeadline !== undefined && typeof requireDeadline !== "boolean") {
    throw misuse(`${prefix}requireDeadline: must be true or false, not ${describe(requireDeadline)}`);
  }
  if (maxReceiveMessageBytes !== undefined) checkBytes(`${prefix}maxReceiveMessageBytes`, maxReceiveMessageBytes);
  if (maxSendMessageBytes !== undefined) checkBytes(`${prefix}maxSendMessageBytes`, maxSendMessageBytes);
}
