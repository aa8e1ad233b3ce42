import type { CallHandle, CallSink, CallSpec, ServiceDesc, State, TransportChannel } from "../contract.js";
import type { ChannelCredentials } from "../credentials.js";
import { RpcError } from "../error.js";
import { Code } from "../status.js";
import { WaitingCall } from "./waiting-call.js";

/** Where a connection goes, and what it may carry. */
export interface Endpoint {
  readonly target: string;
  readonly authority: string;
  readonly credentials: ChannelCredentials;
}

/** The long connection to one target: opened by the first call, shared by every handle that `dial` gave out for it. */
export class Connection {
  readonly target: string;
  readonly authority: string;
  readonly credentials: ChannelCredentials;
  readonly #makeChannel: () => Promise<TransportChannel>;
  readonly #forget: () => void;
  readonly #clients = new Map<ServiceDesc, unknown>();
  #channel: TransportChannel | undefined;
  #opening: Promise<TransportChannel> | undefined;
  #closed: Promise<void> | undefined;

  /**
   * @param makeChannel makes what calls are started on; called again after it has failed
   * @param forget takes the connection out of its registry, so that the next dial makes a new one
   */
  constructor(endpoint: Endpoint, makeChannel: () => Promise<TransportChannel>, forget: () => void = () => {}) {
    this.target = endpoint.target;
    this.authority = endpoint.authority;
    this.credentials = endpoint.credentials;
    this.#makeChannel = makeChannel;
    this.#forget = forget;
  }

  get state(): State {
    if (this.#closed !== undefined) return "SHUTDOWN";
    return this.#channel?.state ?? (this.#opening === undefined ? "IDLE" : "CONNECTING");
  }

  connect(): void {
    if (this.#closed !== undefined) return;
    this.#open().then(
      (channel) => channel.connect(),
      () => {}, // Each call that waits reports it; an attempt that nobody waits for is made again by the next call.
    );
  }

  start<I, O>(spec: CallSpec<I, O>, sink: CallSink<O>): CallHandle<I> {
    if (this.#closed !== undefined) {
      throw new RpcError(Code.UNAVAILABLE, `the connection to ${this.target} was closed; dial it again`);
    }
    if (this.#channel !== undefined) return this.#channel.start(spec, sink);
    return new WaitingCall(spec, sink, this.#open());
  }

  /** The client that everyone on this connection shares for a service. */
  client<Client>(desc: ServiceDesc, make: () => Client): Client {
    if (!this.#clients.has(desc)) this.#clients.set(desc, make());
    return this.#clients.get(desc) as Client;
  }

  close(graceMs: number): Promise<void> {
    if (this.#closed === undefined) {
      this.#forget();
      this.#closed = this.#shutDown(graceMs);
    }
    return this.#closed;
  }

  /** Concurrent first calls open one channel; a failure is forgotten, so that the next call tries again. */
  #open(): Promise<TransportChannel> {
    this.#opening ??= this.#makeChannel().then(
      (channel) => {
        this.#channel = channel;
        return channel;
      },
      (error) => {
        this.#opening = undefined;
        throw error;
      },
    );
    return this.#opening;
  }

  async #shutDown(graceMs: number): Promise<void> {
    const channel = await this.#opening?.catch(() => undefined);
    await channel?.drain(graceMs);
  }
}
