/**
 * Targets such as `xds:///service`, which grpc-js knows with @grpc/grpc-js-xds only: an optional peer, since it is
 * larger than all the rest, loaded by the first such target.
 */
import { type ChannelInterface, connectivityState, experimental, status } from "@grpc/grpc-js";
import { RpcError } from "../../error.js";
import { Code } from "../../status.js";

type ResolverClass = Parameters<typeof experimental.registerResolver>[1];
type Listener = experimental.ResolverListener;
type Result = Parameters<Listener>;

const install = "npm install @grpc/grpc-js-xds@1.14";

/** Where a resolver of the peer keeps what it has of each control plane: private, and looked at with care. */
interface ResolverInternals {
  readonly xdsClient?: { readonly clients?: readonly { readonly client?: ControlPlane }[] };
}
interface ControlPlane {
  readonly adsClient?: { getChannel(): ChannelInterface };
  readonly adsCallState?: { readonly call?: { cancel(): void } } | null;
}

/** For so long the stream to the control plane outlives the last channel that needs it. */
const lingerMs = 100;
/** Within this time a resolver has its first configuration where another has it already. */
const knownMs = 100;

let registered = false;

export function isXds(target: string): boolean {
  return target.startsWith("xds:");
}

/**
 * Has grpc-js know xDS targets. The bootstrap is read here already, by the function that the peer reads it with: what
 * the peer tells of one that cannot be used is the TypeError that this leads to.
 *
 * @throws RpcError FAILED_PRECONDITION that says what is missing; the next channel looks again
 */
export async function registerXds(): Promise<void> {
  const { register, loadBootstrapInfo } = await loadPeer();
  try {
    loadBootstrapInfo();
  } catch (cause) {
    throw precondition(`xDS cannot be bootstrapped: ${RpcError.from(cause).details}`, cause);
  }
  if (registered) return;
  register();
  experimental.registerResolver("xds", repaired(registeredResolver()));
  registered = true;
}

async function loadPeer() {
  try {
    // Written out and inside of a try, where bundlers let a package be missing.
    const { register } = await import("@grpc/grpc-js-xds");
    const { loadBootstrapInfo } = await import("@grpc/grpc-js-xds/build/src/xds-bootstrap.js");
    return { register, loadBootstrapInfo };
  } catch (cause) {
    const { details } = RpcError.from(cause);
    // The package itself, and not something that it needs: that is a broken installation.
    if (/^Cannot find (package|module) '@grpc\/grpc-js-xds'/.test(details)) {
      throw precondition(`xds: targets need @grpc/grpc-js-xds: ${install}`, cause);
    }
    throw precondition(`xds: targets need @grpc/grpc-js-xds, which cannot be loaded: ${details}`, cause);
  }
}

/** grpc-js shows what it makes, and not of which class. */
function registeredResolver(): ResolverClass {
  try {
    return experimental.createResolver({ scheme: "xds", path: "" }, () => true, {}).constructor as ResolverClass;
  } catch (cause) {
    // A peer that was installed with a grpc-js of its own has told that one, and not this.
    throw precondition(
      "xds: targets need one copy of @grpc/grpc-js, and @grpc/grpc-js-xds has another than @trunkline/runtime: " +
        "npm ls @grpc/grpc-js shows both",
      cause,
    );
  }
}

/**
 * The resolver of @grpc/grpc-js-xds 1.14.1, without what a long connection suffers from:
 *
 * - Its selector of routes, new with each update of the control plane, counts as an option of the connections: all are
 *   made anew, also those that the update has left alone.
 * - As long as there is no first configuration, it tells of an error once, and in a way that calls do not hear of: they
 *   wait until their deadlines. Of a control plane that was out of reach already it does not tell at all.
 * - When the last channel is closed the stream to the control plane ends, and another that is opened meanwhile takes
 *   the end for that of its own stream, which it loses: that is then open as long as the process lives. So it was with
 *   each channel that replaces one.
 * - A stream that has yet to be connected it cannot end, and that holds the process open.
 */
function repaired(Resolver: ResolverClass): ResolverClass {
  return class {
    readonly #inner: experimental.Resolver;
    #listener: Listener | undefined;
    #configured = false;
    /** Why there is no configuration yet, as far as is known. */
    #error: string | undefined;

    constructor(target: experimental.GrpcUri, listener: Listener, options: ConstructorParameters<ResolverClass>[2]) {
      this.#listener = listener;
      this.#inner = new Resolver(target, (...result) => this.#tell(...result), options);
    }

    static getDefaultAuthority(target: experimental.GrpcUri): string {
      return Resolver.getDefaultAuthority(target);
    }

    updateResolution(): void {
      this.#inner.updateResolution();
      setTimeout(() => {
        const planes = controlPlanesOf(this.#inner);
        if (planes.length > 0 && planes.every(isOutOfReach)) this.#error ??= "No connection established to xDS server";
        if (this.#error !== undefined) this.#fail(this.#error);
      }, knownMs).unref();
    }

    destroy(): void {
      this.#listener = undefined;
      setTimeout(() => destroyWithStreams(this.#inner), lingerMs).unref();
    }

    #tell(...[endpoints, attributes, config, note]: Result): boolean {
      if (this.#listener === undefined) return false;
      if (endpoints.ok && config === null && !this.#configured) {
        this.#error = note;
        return this.#fail(note);
      }
      this.#configured ||= config?.ok === true;
      const selector = experimental.CHANNEL_ARGS_CONFIG_SELECTOR_KEY;
      // Read by its name where it is needed; the options of connections are a copy of what can be enumerated.
      if (selector in attributes) Object.defineProperty(attributes, selector, { enumerable: false });
      return this.#listener(endpoints, attributes, config, note);
    }

    #fail(details: string): boolean {
      if (this.#listener === undefined || this.#configured) return false;
      const error = experimental.statusOrFromError<never>({ code: status.UNAVAILABLE, details });
      return this.#listener(error, {}, error, "");
    }
  };
}

function controlPlanesOf(resolver: experimental.Resolver): ControlPlane[] {
  const { xdsClient } = resolver as ResolverInternals;
  return (xdsClient?.clients ?? []).flatMap(({ client }) => client ?? []);
}

function isOutOfReach({ adsClient }: ControlPlane): boolean {
  return adsClient?.getChannel().getConnectivityState(false) === connectivityState.TRANSIENT_FAILURE;
}

/** Has the stream to a control plane that nobody needs any more end at once, whatever it was doing. */
function destroyWithStreams(resolver: experimental.Resolver): void {
  const streams = controlPlanesOf(resolver).map((plane) => ({ plane, call: plane.adsCallState?.call }));
  resolver.destroy();
  for (const { plane, call } of streams) if (plane.adsCallState === null) call?.cancel();
}

function precondition(details: string, cause: unknown): RpcError {
  return new RpcError(Code.FAILED_PRECONDITION, details, { cause });
}
