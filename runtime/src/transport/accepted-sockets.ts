/** The connections of a listener, from the moment that they are accepted. */
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { ConnectionGate } from "../contract.js";

/** Bytes that every client of HTTP/2 begins with: its preface and the header of its SETTINGS (RFC 9113, section 3.4). */
const openingBytes = 24 + 9;

/** Gets each connection, encrypted where it is to be, and has to close it. */
export type OnSocket = (socket: Socket | TLSSocket) => void;

export class AcceptedSockets {
  readonly #gate: ConnectionGate;
  readonly #onSocket: OnSocket;
  readonly #openingMs: number;
  /** With what tells the gate that it has left. */
  readonly #open = new Map<Socket, () => void>();
  /** Those that may not have begun to speak yet, and what waits for it. */
  readonly #opening = new Map<Socket, NodeJS.Timeout>();
  /** Those that speak, as `TLSSocket` where they are encrypted. */
  readonly speaking: Set<Socket> = new Set();
  #closed = false;
  #destroyed = false;
  #onSpoken: (() => void)[] = [];

  /** One listener for all sockets: a process may have thousands that are idle. */
  readonly #onClosed: (this: Socket) => void;

  /** @param openingMs milliseconds that a client has, once it is connected, to begin to speak HTTP/2 */
  constructor(gate: ConnectionGate, onSocket: OnSocket, openingMs: number) {
    this.#gate = gate;
    this.#onSocket = onSocket;
    this.#openingMs = openingMs;
    const forget = (socket: Socket) => this.#forget(socket);
    this.#onClosed = function () {
      forget(this);
    };
  }

  /** Whether one that has just connected may stay. Whoever may not is closed without a word. */
  admit(socket: Socket): boolean {
    const leave = this.#closed ? undefined : this.#gate.open();
    if (leave === undefined) {
      socket.destroy();
      return false;
    }
    this.#open.set(socket, leave);
    // A connection that breaks is reported to those who speak on it.
    socket.on("error", nothing);
    socket.on("close", this.#onClosed);
    socket.setNoDelay(true);
    return true;
  }

  /** Gives one on that was admitted, or what encrypts it. */
  speak(socket: Socket | TLSSocket): void {
    // A handshake may take until after the end.
    if (this.#destroyed) {
      socket.destroy();
      return;
    }
    // Nothing else bounds it: who has not begun has no session yet that could be pinged, or be idle.
    const timer = setTimeout(() => {
      this.#opening.delete(socket);
      if (socket.bytesRead < openingBytes) socket.destroy();
    }, this.#openingMs).unref();
    this.#opening.set(socket, timer);
    this.speaking.add(socket);
    // What encrypts a socket is another one.
    if (!this.#open.has(socket)) {
      socket.on("error", nothing);
      socket.on("close", this.#onClosed);
    }
    this.#onSocket(socket);
    this.#tellSpoken();
  }

  /** Until all that were let in speak: TLS takes its time. At once where they do. */
  async allSpeak(): Promise<void> {
    if (this.#open.size > this.speaking.size) await new Promise<void>((resolve) => this.#onSpoken.push(resolve));
  }

  /** Nothing has to wait for that any more. Who does not tell of it holds a timer for a while. */
  hasSpoken(socket: Socket): void {
    clearTimeout(this.#opening.get(socket));
    this.#opening.delete(socket);
  }

  #forget(socket: Socket): void {
    this.speaking.delete(socket);
    this.hasSpoken(socket);
    this.#open.get(socket)?.();
    this.#open.delete(socket);
    this.#tellSpoken();
  }

  #tellSpoken(): void {
    if (this.#open.size <= this.speaking.size) for (const resolve of this.#onSpoken.splice(0)) resolve();
  }

  /** Lets no more in; those that speak already are not touched. */
  close(): void {
    this.#closed = true;
  }

  /** Closes all that are open; resolves when they are closed. */
  async destroy(): Promise<void> {
    this.#destroyed = true;
    await Promise.all(
      Array.from(this.#open.keys(), (socket) => {
        // Not `once()` of node:events, which fails where the socket breaks before it closes.
        const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
        socket.destroy();
        return closed;
      }),
    );
  }
}

/** What is the matter with a socket is said when it closes. */
function nothing(): void {}
