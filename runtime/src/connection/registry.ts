import type { Transport } from "../contract.js";
import { loadTransport, type TransportName } from "../transport/transports.js";
import { Connection, type Endpoint } from "./connection.js";

/** What makes one connection another: equal settings share. */
export interface ConnectionSettings extends Endpoint {
  readonly transport: TransportName | Transport;
  /** Bytes. */
  readonly maxReceiveMessageBytes: number;
}

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
      const makeChannel = async () => (await loadTransport(settings.transport)).connect(settings);
      connection = new Connection(settings, makeChannel, () => {
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
