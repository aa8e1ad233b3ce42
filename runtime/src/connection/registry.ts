import { RpcError } from "../error.js";
import { Code } from "../status.js";
import { Connection } from "./connection.js";
import { openChannel } from "./open-channel.js";
import { type ConnectionRules, checkRules } from "./rules.js";
import { type ConnectionSettings, keyOf } from "./settings.js";

/** To be raised when a registry cannot serve the code of another version of this package. */
const registryVersion = 1;

/** All connections of this isolate (a process, or a worker thread of it), and the rules that they are made by. */
class Registry {
  readonly version: number = registryVersion;
  readonly #connections = new Map<string, Connection>();
  #rules: ConnectionRules = {};

  get rules(): ConnectionRules {
    return this.#rules;
  }

  configure(rules: ConnectionRules): void {
    this.#rules = checkRules(rules);
  }

  /** The connection with these settings, made where there is none. */
  get(settings: ConnectionSettings): Connection {
    const key = keyOf(settings);
    let connection = this.#connections.get(key);
    if (connection === undefined) {
      connection = new Connection(settings, openChannel, this.#forget);
      this.#connections.set(key, connection);
    }
    return connection;
  }

  /** One for all connections. */
  readonly #forget = (connection: Connection): void => {
    const key = keyOf(connection.settings);
    if (this.#connections.get(key) === connection) this.#connections.delete(key);
  };

  all(): readonly Connection[] {
    return [...this.#connections.values()];
  }

  async closeAll(graceMs: number): Promise<void> {
    await Promise.all(this.all().map((connection) => connection.close(graceMs)));
  }
}

/** It hangs on `globalThis`, so that two copies of the package share it: a second copy must not open a second connection. */
const place = Symbol.for("trunkline.connections");
const shared = globalThis as { [place]?: Registry };

function sharedRegistry(): Registry {
  shared[place] ??= new Registry();
  if (shared[place].version === registryVersion) return shared[place];
  throw new RpcError(
    Code.FAILED_PRECONDITION,
    "two copies of @trunkline/runtime are loaded whose versions cannot share connections: " +
      "npm ls @trunkline/runtime shows them; npm dedupe, or an override to one version, leaves one",
  );
}

export const registry: Registry = sharedRegistry();
