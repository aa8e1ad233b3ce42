import { describe, misuse } from "../error.js";
import type { Server } from "../server/server.js";

/** How a service may be. */
export type ServingStatus = "SERVING" | "NOT_SERVING" | "UNKNOWN";

const servingStatuses: readonly string[] = ["SERVING", "NOT_SERVING", "UNKNOWN"] satisfies ServingStatus[];

/** How the services of a server are, for who asks its health service; made by `registerHealth`. */
export class Health {
  readonly #server: Pick<Server, "services">;
  /** What was said; of services that nothing was said of, nothing is kept. */
  readonly #said = new Map<string, ServingStatus>();
  /** Of each service that is being watched. */
  readonly #watchers = new Map<string, Set<() => void>>();
  #stopping = false;

  /** @internal Made by `registerHealth`. */
  constructor(server: Pick<Server, "services" | "onShutdown">) {
    this.#server = server;
    server.onShutdown(() => {
      this.#stopping = true;
      for (const service of this.#watchers.keys()) this.#tell(service);
    });
  }

  /**
   * Says how a service is, also one that is not registered here: a name that clients and server agree on. Watchers hear
   * of it. Without effect once the server has begun to shut down: nothing may turn SERVING again then.
   *
   * @param service its full name, `package.Service`; `""` for the server as a whole, which nothing else changes
   * @throws RpcError INVALID_ARGUMENT for what is no name, or no status
   */
  set(service: string, status: ServingStatus): void {
    checkName(service);
    if (!servingStatuses.includes(status)) {
      throw misuse(
        `health of ${describe(service)}: must be one of ${servingStatuses.join(", ")}, not ${describe(status)}`,
      );
    }
    if (this.#stopping) return;
    this.#said.set(service, status);
    this.#tell(service);
  }

  /**
   * Takes back what was said of a service: one that is registered is SERVING again, another is unknown.
   *
   * @throws RpcError INVALID_ARGUMENT for what is no name
   */
  clear(service: string): void {
    checkName(service);
    if (!this.#stopping && this.#said.delete(service)) this.#tell(service);
  }

  /** How a service is now; undefined for one that is unknown. */
  get(service: string): ServingStatus | undefined {
    const { services } = this.#server;
    const isHere = service === "" || services.some(({ serviceName }) => serviceName === service);
    const status = this.#said.get(service) ?? (isHere ? "SERVING" : undefined);
    return status !== undefined && this.#stopping ? "NOT_SERVING" : status;
  }

  /** The names of all services that are not unknown; the empty one stands for the server as a whole. */
  get names(): ReadonlySet<string> {
    return new Set(["", ...this.#server.services.map(({ serviceName }) => serviceName), ...this.#said.keys()]);
  }

  /**
   * Has `listener` called whenever `get(service)` may have changed, until the function that it returns is called.
   * @internal
   */
  watch(service: string, listener: () => void): () => void {
    const watchers = this.#watchers.get(service) ?? new Set();
    this.#watchers.set(service, watchers);
    watchers.add(listener);
    return () => {
      watchers.delete(listener);
      // Whoever watches may ask for any name: none is kept for nobody.
      if (watchers.size === 0 && this.#watchers.get(service) === watchers) this.#watchers.delete(service);
    };
  }

  #tell(service: string): void {
    for (const listener of [...(this.#watchers.get(service) ?? [])]) listener();
  }
}

function checkName(service: string): void {
  if (typeof service !== "string") throw misuse(`health: a service is named by a text, not ${describe(service)}`);
}
