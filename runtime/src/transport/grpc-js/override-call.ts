import { AsyncResource } from "node:async_hooks";
import type { ChannelInterface, CallCredentials as GrpcCallCredentials, Metadata as GrpcMetadata } from "@grpc/grpc-js";
import type { CallHandle, CallSink } from "../../contract.js";
import type { CallCredentials } from "../../credentials.js";
import { RpcError } from "../../error.js";
import { Metadata } from "../../metadata.js";
import { Code, type Status, toCode } from "../../status.js";
import type { BareCalls, OverrideCallOptions } from "./channel-override.js";
import { fromCaller, toCaller } from "./override-metadata.js";
import type { OverrideMethods } from "./override-methods.js";

/** What grpc-js has a client drive its calls with; it does not export the type. */
type GrpcCall = ReturnType<ChannelInterface["createCall"]>;
type GrpcListener = Parameters<GrpcCall["start"]>[1];
type MessageContext = Parameters<GrpcCall["sendMessageWithContext"]>[0];

/** A request that was not sent yet, and who is told when it was. */
interface Outgoing {
  readonly message: Buffer;
  readonly onTaken: MessageContext["callback"];
}

/** The channel that a call is on. */
export interface OverrideCallOwner {
  readonly target: string;
  readonly bare: BareCalls;
  readonly methods: OverrideMethods;
  /** Messages that are to travel as they are. */
  readonly uncompressed: WeakSet<object>;
  /** Whether a message is none of those. */
  readonly mayCompress: (message: unknown) => boolean;
}

let calls = 0;

/**
 * A call of a grpc-js client on a channel of ours: what `createCall` returns, and the sink that it reports to.
 *
 * Whatever it tells its client it tells in a turn of its own and in the client's async context, as grpc-js does: what a
 * listener throws is not the transport's to catch, and an `AsyncLocalStorage` has in a callback what it had at the call.
 */
export class OverrideCall implements GrpcCall, CallSink<Buffer> {
  readonly #owner: OverrideCallOwner;
  readonly #path: string;
  readonly #options: OverrideCallOptions;
  readonly #number = calls++;
  readonly #context = new AsyncResource("TrunklineGrpcJsCall");
  #listener: Partial<GrpcListener> | undefined;
  #credentials: CallCredentials | undefined;
  #handle: CallHandle<Buffer> | undefined;
  readonly #outgoing: Outgoing[] = [];
  /** Was sent, and there is no room for another. */
  #held: Outgoing | undefined;
  #halfClosed = false;
  #ended = false;
  /** The client wants a message; as with grpc-js, no more than one at a time. */
  #reading = false;
  #hasHeaders = false;
  #isCancelled = false;
  #status: Status | undefined;

  constructor(owner: OverrideCallOwner, path: string, options: OverrideCallOptions) {
    this.#owner = owner;
    this.#path = path;
    this.#options = options;
  }

  // ── Driven by grpc-js ─────────────────────────────────────────────────────────────────────────────────────────────

  setCredentials(credentials: GrpcCallCredentials): void {
    this.#credentials = async ({ method, serviceUrl }) => {
      // grpc-js names the host without its port.
      const service_url = serviceUrl.replace(/:\d+(?=\/[^/]*$)/, "");
      return fromCaller(await credentials.generateMetadata({ method_name: method.path, service_url }));
    };
  }

  /**
   * Interceptors may start a call before or after they send its request, so that the wire hears of it at the end of the
   * turn: by then a unary call has its request and its end, which leave with the headers.
   */
  start(metadata: GrpcMetadata, listener: Partial<GrpcListener>): void {
    this.#listener = listener;
    if (this.#status !== undefined) {
      this.#tellEnd(this.#status);
      return;
    }
    const sent = fromCaller(metadata);
    const { waitForReady } = metadata.getOptions();
    queueMicrotask(() => this.#begin(sent, waitForReady));
  }

  sendMessageWithContext({ callback, flags = 0 }: MessageContext, message: Buffer): void {
    if (this.#ended) this.#abort(Code.INTERNAL, "a request was sent after the end of the requests");
    // Who writes to a call that is over is not held up, nor told anything but its status.
    if (this.#status !== undefined) {
      this.#tellTaken(callback);
      return;
    }
    if ((flags & noCompress) !== 0) this.#owner.uncompressed.add(message);
    this.#outgoing.push({ message, onTaken: callback });
    this.#flow();
  }

  halfClose(): void {
    this.#halfClosed = true;
    this.#flow();
  }

  startRead(): void {
    if (this.#reading) return;
    this.#reading = true;
    this.#handle?.read(1);
  }

  cancelWithStatus(code: number, details: string): void {
    if (this.#status !== undefined) return;
    this.#isCancelled = true;
    this.#abort(toCode(code), details);
  }

  getPeer(): string {
    return this.#handle?.peer() ?? this.#owner.target;
  }

  getCallNumber(): number {
    return this.#number;
  }

  /** Not known: a transport does not tell what certificate the peer of one call has shown. */
  getAuthContext(): null {
    return null;
  }

  // ── Reported by the transport ─────────────────────────────────────────────────────────────────────────────────────

  onHeaders(metadata: Metadata): void {
    this.#hasHeaders = true;
    this.#tell(() => this.#isCancelled || this.#listener?.onReceiveMetadata?.(toCaller(metadata)));
  }

  onMessage(message: Buffer): void {
    this.#reading = false;
    if (!this.#hasHeaders) this.onHeaders(new Metadata());
    this.#tell(() => this.#isCancelled || this.#listener?.onReceiveMessage?.(message));
  }

  onWritable(): void {
    this.#tellTaken(this.#held?.onTaken);
    this.#held = undefined;
    this.#flow();
  }

  onEnd(status: Status): void {
    this.#status = status;
    this.#tellTaken(this.#held?.onTaken);
    this.#held = undefined;
    for (const { onTaken } of this.#outgoing.splice(0)) this.#tellTaken(onTaken);
    if (this.#listener !== undefined) this.#tellEnd(status);
  }

  // ── Inside ────────────────────────────────────────────────────────────────────────────────────────────────────────

  #begin(metadata: Metadata, waitForReady: boolean | undefined): void {
    if (this.#status !== undefined) return;
    const [first] = this.#outgoing;
    const only = this.#halfClosed && this.#outgoing.length === 1 ? first : undefined;
    const { bare, methods, mayCompress } = this.#owner;
    const { authority, deadline, parent } = this.#options;
    const credentials = this.#credentials;
    const method = methods.get(this.#path, only !== undefined);
    const call = { authority, deadline, parent, metadata, waitForReady, credentials, only: only?.message, mayCompress };
    try {
      this.#handle = bare.start(method, call, this);
    } catch (error) {
      this.onEnd(RpcError.from(error).toStatus());
      return;
    }
    if (only !== undefined) {
      this.#ended = true;
      this.#outgoing.length = 0;
      this.#tellTaken(only.onTaken);
    }
    if (this.#reading) this.#handle.read(1);
    this.#flow();
  }

  /** Sends what there is, as far as there is room. */
  #flow(): void {
    const handle = this.#handle;
    while (handle !== undefined && this.#status === undefined && this.#held === undefined && !this.#ended) {
      const next = this.#outgoing.shift();
      if (next === undefined) {
        if (!this.#halfClosed) return;
        this.#ended = true;
        handle.end();
        return;
      }
      try {
        if (handle.send(next.message)) this.#tellTaken(next.onTaken);
        else this.#held = next;
      } catch (error) {
        const { code, details } = RpcError.from(error);
        this.#tellTaken(next.onTaken);
        this.#abort(code, details);
      }
    }
  }

  #abort(code: Code, details: string): void {
    if (this.#status !== undefined) return;
    if (this.#handle === undefined) this.onEnd({ code, details, metadata: new Metadata() });
    else this.#handle.cancel(code, details);
  }

  #tellTaken(onTaken: MessageContext["callback"]): void {
    if (onTaken !== undefined) this.#tell(() => onTaken());
  }

  #tellEnd({ code, details, metadata }: Status): void {
    this.#tell(() => this.#listener?.onReceiveStatus?.({ code, details, metadata: toCaller(metadata) }));
  }

  #tell(tell: () => void): void {
    process.nextTick(() => this.#context.runInAsyncScope(tell));
  }
}

/** `WriteFlags.NoCompress` of grpc-js, which declares it and does not export it. */
const noCompress = 2;
