import { Connection, type ConnectionSettings } from "./connection.js";

/**
 * All long connections of this isolate. It hangs on `globalThis`, so that two copies of the package share it: a second
 * copy must not open a second connection.
 */
class Registry {
  readonly #connections = new Map<string, Connection>();

  /** The connection with these settings, made where there is none. */
  get(settings: ConnectionSettings): Connection {
    const key = keyOf(settings);
    let connection = this.#connections.get(key);
    if (connection === undefined) {
      connection = new Connection(settings, () => {
        if (this.#connections.get(key) === connection) this.#connections.delete(key);
      });
      this.#connections.set(key, connection);
    }
    return connection;
  }

  all(): Iterable<Connection> {
    return [...this.#connections.values()];
  }
}

function keyOf(settings: ConnectionSettings): string {
  const { target, authority, credentials, transport, maxReceiveMessageBytes } = settings;
  const transportName = typeof transport === "string" ? transport : transport.name;
  return JSON.stringify([target, authority, credentials.key, transportName, maxReceiveMessageBytes]);
}

const place = Symbol.for("trunkline.connections");
const shared = globalThis as { [place]?: Registry };

shared[place] ??= new Registry();

export const registry: Registry = shared[place];
