import { setTimeout as sleep } from "node:timers/promises";
import type { Bound, Dispatcher, ServeOptions, ServerCapabilities, ServerTransport } from "../../contract.js";
import type { ServerCredentials } from "../../credentials.js";
import { longestTimerMs } from "../../deadline.js";
import { type Listener, listen } from "../listener.js";
import { type ConnectionOwner, ServerConnection } from "./server-connection.js";

/** Milliseconds for the last trailers to leave. */
const lingerMs = 200;

/** Milliseconds for those whose TLS was being agreed on when the end began. */
const handshakeMs = 2000;

export class Http2Server implements ServerTransport {
  readonly capabilities: ServerCapabilities = { keepaliveEnforcement: true, compression: true };
  readonly #options: ServeOptions;

  constructor(options: ServeOptions) {
    this.#options = options;
  }

  async listen(address: string, credentials: ServerCredentials, dispatcher: Dispatcher): Promise<Bound> {
    const connections = new Connections();
    let isDraining = false;
    const listener = await listen(address, credentials, this.#options.gate, (socket) => {
      const connection = new ServerConnection(socket, this.#options, dispatcher, connections);
      connections.add(connection);
      // One whose TLS took until after the end.
      if (isDraining) connection.goAway();
    });
    connections.listener = listener;
    return {
      address: listener.address,
      port: listener.port,
      sockets: listener.sockets,
      async drain(graceMs) {
        isDraining = true;
        listener.close();
        const timers = new AbortController();
        const after = (ms: number) =>
          sleep(Math.min(ms, longestTimerMs), undefined, { signal: timers.signal }).catch(() => {});
        connections.goAway();
        const ended = async () => {
          await Promise.race([listener.allSpeak(), after(handshakeMs)]);
          await connections.closed();
        };
        await Promise.race([ended(), after(graceMs)]);
        const cut = connections.cut();
        await Promise.race([connections.closed(), after(lingerMs)]);
        timers.abort();
        await listener.destroy();
        return cut;
      },
    };
  }
}

/** Those of an address that are open. */
class Connections implements ConnectionOwner {
  readonly #open = new Set<ServerConnection>();
  #onEmpty: (() => void)[] = [];
  /** Set when it listens. */
  listener: Listener | undefined;

  add(connection: ServerConnection): void {
    this.#open.add(connection);
  }

  onSpeaking({ socket }: ServerConnection): void {
    this.listener?.hasSpoken(socket);
  }

  onClosed(connection: ServerConnection): void {
    this.#open.delete(connection);
    if (this.#open.size === 0) for (const resolve of this.#onEmpty.splice(0)) resolve();
  }

  goAway(): void {
    for (const connection of [...this.#open]) connection.goAway();
  }

  /** How many calls that were. */
  cut(): number {
    return [...this.#open].reduce((sum, connection) => sum + connection.cut(), 0);
  }

  /** Until there are none. */
  closed(): Promise<void> {
    if (this.#open.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onEmpty.push(resolve));
  }
}
