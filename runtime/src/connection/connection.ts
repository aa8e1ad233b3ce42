import type { CallHandle, CallSink, CallSpec, ServiceDesc, State, Transport, TransportChannel } from "../contract.js";
import type { ChannelCredentials } from "../credentials.js";
import { RpcError } from "../error.js";
import { Code } from "../status.js";
import { loadTransport, type TransportName } from "../transport/transports.js";
import { WaitingCall } from "./waiting-call.js";

/** What makes one connection another: equal settings share. */
export interface ConnectionSettings {
  readonly target: string;
  readonly authority: string;
  readonly credentials: ChannelCredentials;
  readonly transport: TransportName | Transport;
  readonly maxReceiveMessageBytes: number;
}

/** The long connection to one target: opened by the first call, shared by every handle that `dial` gave out for it. */
export class Connection {
  readonly target: string;
  readonly authority: string;
  readonly credentials: ChannelCredentials;
  readonly #settings: ConnectionSettings;
  readonly #forget: () => void;
  readonly #clients = new Map<ServiceDesc, unknown>();
  #channel: TransportChannel | undefined;
  #opening: Promise<TransportChannel> | undefined;
  #closed: Promise<void> | undefined;

  /** @param forget takes the connection out of its registry, so that the next dial makes a new one */
  constructor(settings: ConnectionSettings, forget: () => void) {
    this.target = settings.target;
    this.authority = settings.authority;
    this.credentials = settings.credentials;
    this.#settings = settings;
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
    this.#opening ??= this.#make().catch((error) => {
      this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }

  async #make(): Promise<TransportChannel> {
    const transport = await loadTransport(this.#settings.transport);
    this.#channel = transport.connect(this.#settings);
    return this.#channel;
  }

  async #shutDown(graceMs: number): Promise<void> {
    const channel = await this.#opening?.catch(() => undefined);
    await channel?.drain(graceMs);
  }
}
