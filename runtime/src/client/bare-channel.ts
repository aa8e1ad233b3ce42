import type { CallStarter } from "../attempts/attempts.js";
import type { Compression } from "../compression.js";
import type { Connection } from "../connection/connection.js";
import type { CallHandle, CallOptions, CallSink, CallSpec, MethodDesc, ServerCall } from "../contract.js";
import type { CallCredentials } from "../credentials.js";
import { earliestDeadline } from "../deadline.js";
import type { Metadata } from "../metadata.js";
import { withParent } from "../server/propagation.js";
import { BareCall } from "./bare-call.js";
import { identify } from "./call-credentials.js";
import type { BelowInterceptors, ChannelDefaults } from "./client-channel.js";

/** What a bare call may say: what any call may, but for what interceptors and readers of replies have to do with. */
export interface BareCallOptions<I>
  extends Pick<CallOptions, "authority" | "deadline" | "waitForReady" | "credentials"> {
  /** Belongs to the call: what identifies the caller is put into it. */
  readonly metadata: Metadata;
  /** On whose behalf the call is made. Default: as `CallOptions.parent` has it. */
  readonly parent?: Pick<ServerCall, "timeLeftMs" | "signal"> | undefined;
  /** As that of `CallSpec`. */
  readonly only?: I | undefined;
  /** Whether a message may be compressed, where the connection compresses. Default: all may. */
  readonly mayCompress?: ((message: unknown) => boolean) | undefined;
}

/** A handle without its interceptors: all else that it adds to calls, these calls get too. */
export class BareChannel {
  readonly #connection: Connection;
  readonly #defaults: ChannelDefaults;
  readonly #starterOf: (method: MethodDesc) => CallStarter;

  constructor({ connection, defaults, starterOf }: BelowInterceptors) {
    this.#connection = connection;
    this.#defaults = defaults;
    this.#starterOf = starterOf;
  }

  /** Starts a call. Throws an RpcError for an option that cannot be used; all else is reported to the sink. */
  start<I, O>(method: MethodDesc<I, unknown, never, O>, options: BareCallOptions<I>, sink: CallSink<O>): CallHandle<I> {
    const { authority, metadata, only } = options;
    const { marginMs = 0, waitForReady = false } = this.#defaults;
    const parent = options.parent ?? withParent(undefined)?.parent ?? undefined;
    const ownDeadline = earliestDeadline({ deadline: options.deadline }, method.defaults, this.#defaults);
    const leftMs = parent === undefined ? Number.POSITIVE_INFINITY : parent.timeLeftMs() - marginMs;
    const spec: CallSpec<I, O> = {
      method,
      authority,
      metadata,
      deadline: Math.min(ownDeadline, performance.now() + leftMs),
      waitForReady: options.waitForReady ?? waitForReady,
      attempt: 0,
      compression: this.#compression(options.mayCompress),
      only: only as I,
    };
    const identifyCaller = this.#identification(spec, metadata, options.credentials);
    return new BareCall(spec, sink).start(this.#starterOf(method), parent?.signal, identifyCaller);
  }

  #compression(mayCompress: ((message: unknown) => boolean) | undefined): Compression | undefined {
    const { compression } = this.#connection.settings;
    if (compression === undefined || mayCompress === undefined) return compression;
    const { only } = compression;
    return { ...compression, only: (message) => mayCompress(message) && (only === undefined || only(message)) };
  }

  /** What puts the handle's and then the call's own credentials into the metadata; undefined where there are none. */
  #identification(
    { method }: Pick<CallSpec<never, unknown>, "method">,
    metadata: Metadata,
    ofCall: CallCredentials | undefined,
  ): (() => Promise<void>) | undefined {
    const { callCredentials } = this.#defaults;
    if (callCredentials === undefined && ofCall === undefined) return undefined;
    return async () => {
      for (const credentials of [callCredentials, ofCall]) {
        if (credentials !== undefined) await identify(method, metadata, credentials, this.#connection);
      }
    };
  }
}
