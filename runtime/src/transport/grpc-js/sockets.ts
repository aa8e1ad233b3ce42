/**
 * The sockets of a channel of grpc-js, which shows none: they pass through the credentials, which connect them
 * securely. (`_createSecureConnector` is an abstract method of a public class; grpc-js is pinned to a minor version, and
 * the tests of events in test/connection/ hold it to this.)
 *
 * It is for two things that grpc-js does not do: it waits for ever for a peer that accepts and never speaks
 * (grpc-node#2785), and it does not tell why a connection was lost.
 */
import type { Socket } from "node:net";
import { ChannelCredentials } from "@grpc/grpc-js";
import { longestTimerMs } from "../../deadline.js";

type CreateConnector = ChannelCredentials["_createSecureConnector"];
type Connector = ReturnType<CreateConnector>;
type Secured = Awaited<ReturnType<Connector["connect"]>>;

/** Told of sockets on which HTTP/2 has begun. */
export interface SocketListener {
  onReady(peer: string): void;
  onClosed(peer: string, reason: string): void;
}

const gaveUp = "given up: the peer no longer answered, or broke the protocol";

/** Sockets that are not closed by their peer in time, once they were asked to, are destroyed. */
const closeWithinMs = 1000;

export class Sockets {
  readonly #listener: SocketListener;
  readonly #connectTimeoutMs: number;
  readonly #connecting = new Set<Socket>();
  readonly #ready = new Map<Socket, { readonly peer: string; readonly closed: Promise<void> }>();
  #closing = false;
  #mayRef: () => boolean = () => true;

  constructor(listener: SocketListener, connectTimeoutMs: number) {
    this.#listener = listener;
    this.#connectTimeoutMs = connectTimeoutMs;
  }

  /** The same credentials, through which sockets are seen. */
  watch(credentials: ChannelCredentials): ChannelCredentials {
    return new WatchedCredentials(credentials, this);
  }

  /**
   * Has the sockets hold the process open only while `mayRef` says so. grpc-js has them do that from the first call on a
   * socket to the end of the last, whoever's calls those are.
   */
  refWhile(mayRef: () => boolean): void {
    this.#mayRef = mayRef;
  }

  ref(): void {
    for (const socket of this.#ready.keys()) socket.ref();
  }

  unref(): void {
    for (const socket of this.#ready.keys()) socket.unref();
  }

  /**
   * The peers on whose sockets calls go on. One that grpc-js has ended, and waits for the peer to end as well, is closed
   * if that takes long: a peer that no longer answers pings will not.
   */
  peers(): string[] {
    const sockets = [...this.#ready];
    for (const [socket] of sockets) if (socket.writableEnded) destroyIn(closeWithinMs, socket);
    return sockets.flatMap(([socket, { peer }]) => (socket.writableEnded ? [] : [peer]));
  }

  /** Those on which HTTP/2 has begun, until they are closed. */
  get ready(): Iterable<Socket> {
    return this.#ready.keys();
  }

  /** Resolves when all are closed, which their owner has asked them to. */
  async close(): Promise<void> {
    this.#closing = true;
    for (const socket of this.#connecting) socket.destroy();
    for (const socket of this.#ready.keys()) destroyIn(closeWithinMs, socket);
    await Promise.all([...this.#ready.values()].map(({ closed }) => closed));
  }

  async connect(tcp: Socket, connector: Connector): Promise<Secured> {
    if (this.#closing) {
      tcp.destroy();
      throw new Error("the connection was closed");
    }
    this.#connecting.add(tcp);
    const millis = this.#connectTimeoutMs;
    const tooLate = () =>
      tcp.destroy(new Error(`${peerOf(tcp)} accepted the connection and said nothing for ${millis} ms`));
    const timer = setTimeout(tooLate, Math.min(millis, longestTimerMs)).unref();
    const done = () => {
      clearTimeout(timer);
      this.#connecting.delete(tcp);
    };
    tcp.once("close", done);
    const secured = await connector.connect(tcp);
    this.#awaitReady(secured.socket, done);
    return secured;
  }

  /** grpc-js takes its listeners off the socket when the peer's SETTINGS have come: the only sign of it there is. */
  #awaitReady(socket: Socket, onReady: () => void): void {
    const onRemove = (event: string) => {
      if (event !== "close" || socket.destroyed || socket.bytesRead === 0) return;
      socket.off("removeListener", onRemove);
      onReady();
      this.#add(socket);
    };
    socket.on("removeListener", onRemove);
  }

  #add(socket: Socket): void {
    const peer = peerOf(socket);
    let reason: string | undefined;
    socket.once("error", (error) => {
      reason = error.message;
    });
    socket.once("end", () => {
      reason ??= "closed by the peer";
    });
    const closed = new Promise<void>((resolve) => {
      socket.once("close", () => {
        this.#ready.delete(socket);
        reason ??= this.#closing ? "closed here" : gaveUp;
        this.#listener.onClosed(peer, reason);
        resolve();
      });
    });
    const ref = socket.ref.bind(socket);
    socket.ref = () => (this.#mayRef() ? ref() : socket);
    this.#ready.set(socket, { peer, closed });
    this.#listener.onReady(peer);
  }
}

function destroyIn(millis: number, socket: Socket): void {
  const timer = setTimeout(() => socket.destroy(), millis).unref();
  socket.once("close", () => clearTimeout(timer));
}

/** `127.0.0.1:50051`, or what there is to say of a unix socket. */
function peerOf(socket: Socket): string {
  const { remoteAddress, remotePort, remoteFamily } = socket;
  if (remoteAddress === undefined) return "a unix socket";
  return remoteFamily === "IPv6" ? `[${remoteAddress}]:${remotePort}` : `${remoteAddress}:${remotePort}`;
}

class WatchedCredentials extends ChannelCredentials {
  readonly #inner: ChannelCredentials;
  readonly #sockets: Sockets;

  constructor(inner: ChannelCredentials, sockets: Sockets) {
    super();
    this.#inner = inner;
    this.#sockets = sockets;
  }

  override _isSecure(): boolean {
    return this.#inner._isSecure();
  }

  /** Equal to nothing else: a socket of another channel is not of this one. */
  override _equals(other: ChannelCredentials): boolean {
    return other === this;
  }

  override _createSecureConnector(...args: Parameters<CreateConnector>): Connector {
    const connector = this.#inner._createSecureConnector(...args);
    return {
      connect: (socket) => this.#sockets.connect(socket, connector),
      waitForReady: () => connector.waitForReady(),
      getCallCredentials: () => connector.getCallCredentials(),
      destroy: () => connector.destroy(),
    };
  }
}
