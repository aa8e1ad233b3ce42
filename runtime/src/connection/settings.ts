/** Reads the options of a dial: what can be said of a connection, what holds where nothing is said, what is refused. */
import { hash } from "node:crypto";
import { type Compression, type CompressionOption, readCompression } from "../compression.js";
import type { LoadBalancing, Transport } from "../contract.js";
import { type ChannelCredentials, insecure } from "../credentials.js";
import { describe, misuse } from "../error.js";
import { identityOf } from "../identity.js";
import { checkBytes, defaultMaxReceiveMessageBytes } from "../limits.js";
import { parseTarget } from "../target.js";
import { defaultTransport, isLocalTransport, requireTransport, type TransportName } from "../transport/transports.js";

/**
 * Options of a connection. With the target, they are what connections are shared by: handles with equal ones share.
 * Durations are milliseconds; `Infinity` is never.
 */
export interface ConnectionOptions {
  /**
   * `"long"` (default): opened by the first call and shared by all. `"short"`: each call opens a connection of its own
   * and closes it after its last event; no other call gets to see it.
   */
  readonly connection?: "long" | "short" | undefined;
  /**
   * `insecure()` or `tls({…})`, or a function that makes them, perhaps asynchronously, whenever a connection is opened.
   * Without it a target on this machine (loopback, unix socket) is plaintext and any other an error.
   */
  readonly credentials?: ChannelCredentials | CredentialsSource | undefined;
  /** The `:authority` of all calls. Default: the target's host and port. */
  readonly authority?: string | undefined;
  /** Default: the name in `transports.ts`. An object brings its own. */
  readonly transport?: TransportName | Transport | undefined;
  /** Bytes; a longer response message fails its call with RESOURCE_EXHAUSTED. Default 4 MiB. */
  readonly maxReceiveMessageBytes?: number | undefined;
  /** How requests are compressed: `"gzip"`, or `{ encoding, thresholdBytes }`. A call may say otherwise. Default: not. */
  readonly compression?: CompressionOption | undefined;
  /**
   * Finds the target by other means than gRPC naming, whenever a connection is opened: a registry, a file. It is given
   * what was dialled, and returns a target, such as `ipv4:10.0.0.1:50051,10.0.0.2:50051`.
   */
  readonly resolver?: Resolver | undefined;
  /**
   * How calls are spread over the addresses of the target: `"pick_first"` (default) uses one, `"round_robin"` all in
   * turn. Or a `loadBalancingConfig` as in a gRPC service config, which the transport has to know.
   */
  readonly loadBalancing?: LoadBalancing | undefined;
  /** Looks a `dns:` name up again this often, and moves when its addresses have changed. Default: after a disconnect. */
  readonly resolveEveryMs?: number | undefined;
  /** HTTP/2 pings that find a dead peer; `false` sends none. Default: within what servers allow by default. */
  readonly keepalive?: KeepaliveOptions | false | undefined;
  /** A connection that is not ready within this time is given up, and tried again after the backoff. Default 20 s. */
  readonly connectTimeoutMs?: number | undefined;
  /** How long to wait between attempts to connect. */
  readonly backoff?: BackoffOptions | undefined;
  /** A connection without calls is closed after this time; the next call opens it again. Default 30 min. */
  readonly idleTimeoutMs?: number | undefined;
  /**
   * A connection that had no call for this long is not trusted: load balancers drop idle connections without a word. It
   * is pinged before the next call, or replaced where the transport cannot ping. Default 2 min. So is one after the
   * process was suspended.
   */
  readonly probeAfterIdleMs?: number | undefined;
  /**
   * A connection of this age (±10 %, so that many clients do not move at once) is replaced: the new one is ready before
   * the old one takes no more calls, and the calls on that one end as they would. Default: never.
   */
  readonly maxAgeMs?: number | undefined;
  /** Several connections to the target instead of one. */
  readonly pool?: PoolOptions | undefined;
  /**
   * Calls go to a peer only while its health service (`grpc.health.v1.Health`) says that it is serving, as gRFC A17 has
   * it; meanwhile they fail with UNAVAILABLE, or wait with `waitForReady`. Default: nobody is asked.
   */
  readonly healthCheck?: HealthCheckOptions | undefined;
  /** Keeps the books of the transport's own channelz, where it has one; they cost memory for each call. Default false. */
  readonly channelz?: boolean | undefined;
}

/** Every one of them, by its name. */
export const connectionOptionNames: readonly (keyof ConnectionOptions)[] = Object.keys({
  connection: true,
  credentials: true,
  authority: true,
  transport: true,
  maxReceiveMessageBytes: true,
  compression: true,
  resolver: true,
  loadBalancing: true,
  resolveEveryMs: true,
  keepalive: true,
  connectTimeoutMs: true,
  backoff: true,
  idleTimeoutMs: true,
  probeAfterIdleMs: true,
  maxAgeMs: true,
  pool: true,
  healthCheck: true,
  channelz: true,
} satisfies { [Name in keyof Required<ConnectionOptions>]: true }) as (keyof ConnectionOptions)[];

/** @param target what was dialled */
export type CredentialsSource = (target: string) => ChannelCredentials | Promise<ChannelCredentials>;
export type Resolver = (target: string) => string | Promise<string>;

export interface KeepaliveOptions {
  /** Between pings while calls are in flight. Default 5 min: servers of grpc-go and C-core cut off who pings more often. */
  readonly timeMs?: number | undefined;
  /** For the answer; then the connection is closed. Default 20 s. */
  readonly timeoutMs?: number | undefined;
  /** Also without calls in flight. Servers have to permit it. Default false. */
  readonly withoutCalls?: boolean | undefined;
}

/** From `initialMs` by a factor of 1.6 up to `maxMs`, ±20 %: the gRPC Connection Backoff document. */
export interface BackoffOptions {
  /** Default 1 s. */
  readonly initialMs?: number | undefined;
  /** Default 2 min. */
  readonly maxMs?: number | undefined;
}

export interface PoolOptions {
  /** Always so many; the same as equal `min` and `max`. */
  readonly size?: number | undefined;
  /** Opened by the first call. Default 1. */
  readonly min?: number | undefined;
  /** Opened when there are too many calls for the others, and closed when idle. Default: `min`. */
  readonly max?: number | undefined;
  /** Calls in flight that a connection takes; servers often allow 100. Default 100. */
  readonly maxStreamsPerConnection?: number | undefined;
  /** Which connection a call takes: with the fewest calls in flight (default), in turn, or any. */
  readonly pick?: Pick | undefined;
  /** Calls that wait while connections are being opened, or are full; one more fails with RESOURCE_EXHAUSTED. Default 10,000. */
  readonly maxQueuedCalls?: number | undefined;
}

/** The `healthCheckConfig` of a gRPC service config. */
export interface HealthCheckOptions {
  /** Whose health matters: the full name of a service; `""` for the server as a whole. */
  readonly serviceName: string;
}

export type Pick = "least-loaded" | "round-robin" | "random";

/** The options of a dial, read: nothing is left open. */
export interface ConnectionSettings {
  readonly target: string;
  readonly authority: string;
  readonly short: boolean;
  readonly credentials: ChannelCredentials | CredentialsSource;
  readonly transport: TransportName | Transport;
  readonly maxReceiveMessageBytes: number;
  readonly compression: Compression | undefined;
  readonly resolver: Resolver | undefined;
  readonly loadBalancing: LoadBalancing;
  readonly resolveEveryMs: number;
  readonly keepalive: Required<{ [K in keyof KeepaliveOptions]: NonNullable<KeepaliveOptions[K]> }> | false;
  readonly connectTimeoutMs: number;
  readonly backoff: { readonly initialMs: number; readonly maxMs: number };
  readonly idleTimeoutMs: number;
  readonly probeAfterIdleMs: number;
  readonly maxAgeMs: number;
  readonly pool: {
    readonly min: number;
    readonly max: number;
    readonly maxStreamsPerConnection: number;
    readonly pick: Pick;
    readonly maxQueuedCalls: number;
  };
  readonly healthCheck: HealthCheckOptions | undefined;
  readonly channelz: boolean;
}

const never = Number.POSITIVE_INFINITY;
const minute = 60_000;

// Of all connections that are dialled without these options.
const defaultKeepalive: ConnectionSettings["keepalive"] = readKeepalive({});
const defaultBackoff: ConnectionSettings["backoff"] = readBackoff({});
const defaultPool: ConnectionSettings["pool"] = readPool({});

/** Throws an INVALID_ARGUMENT that names the option. */
export function readSettings(dialled: string, options: ConnectionOptions): ConnectionSettings {
  const { uri, authority, local } = parseTarget(dialled);
  const transport = requireTransport(options.transport ?? defaultTransport);
  const staysHere = local || isLocalTransport(transport);
  const settings: ConnectionSettings = {
    target: uri,
    authority: text("authority", options.authority, authority),
    short: oneOf("connection", options.connection ?? "long", ["long", "short"]) === "short",
    credentials: checkCredentials(dialled, options.credentials ?? (staysHere ? insecure() : undefined)),
    transport,
    maxReceiveMessageBytes: checkBytes(
      "maxReceiveMessageBytes",
      options.maxReceiveMessageBytes ?? defaultMaxReceiveMessageBytes,
    ),
    compression: options.compression === undefined ? undefined : readCompression("compression", options.compression),
    resolver: optionalFunction("resolver", options.resolver),
    loadBalancing: checkLoadBalancing(options.loadBalancing ?? "pick_first"),
    resolveEveryMs: duration("resolveEveryMs", options.resolveEveryMs, never, 1),
    keepalive: options.keepalive === undefined ? defaultKeepalive : readKeepalive(options.keepalive),
    connectTimeoutMs: duration("connectTimeoutMs", options.connectTimeoutMs, 20_000, 1),
    backoff: options.backoff === undefined ? defaultBackoff : readBackoff(options.backoff),
    idleTimeoutMs: duration("idleTimeoutMs", options.idleTimeoutMs, 30 * minute, 1),
    probeAfterIdleMs: duration("probeAfterIdleMs", options.probeAfterIdleMs, 2 * minute, 0),
    maxAgeMs: duration("maxAgeMs", options.maxAgeMs, never, 1),
    pool: options.pool === undefined ? defaultPool : readPool(options.pool),
    healthCheck: options.healthCheck === undefined ? undefined : readHealthCheck(options.healthCheck),
    channelz: checkType("channelz", options.channelz ?? false, "boolean"),
  };
  if (settings.short && options.pool !== undefined) {
    throw misuse('pool: connection: "short" opens a connection for each call; leave one of the two out');
  }
  return settings;
}

function readKeepalive(keepalive: KeepaliveOptions | false): ConnectionSettings["keepalive"] {
  if (keepalive === false) return false;
  checkObject("keepalive", keepalive, "false or { timeMs, timeoutMs, withoutCalls }");
  return {
    timeMs: duration("keepalive.timeMs", keepalive.timeMs, 5 * minute, 1),
    timeoutMs: duration("keepalive.timeoutMs", keepalive.timeoutMs, 20_000, 1),
    withoutCalls: checkType("keepalive.withoutCalls", keepalive.withoutCalls ?? false, "boolean"),
  };
}

function readBackoff(backoff: BackoffOptions): ConnectionSettings["backoff"] {
  checkObject("backoff", backoff, "{ initialMs, maxMs }");
  const initialMs = duration("backoff.initialMs", backoff.initialMs, 1000, 1);
  const maxMs = duration("backoff.maxMs", backoff.maxMs, Math.max(2 * minute, initialMs), 1);
  if (maxMs < initialMs) throw misuse(`backoff: maxMs, ${maxMs}, is below initialMs, ${initialMs}`);
  return { initialMs, maxMs };
}

function readPool(pool: PoolOptions): ConnectionSettings["pool"] {
  checkObject("pool", pool, "{ size } or { min, max, maxStreamsPerConnection }");
  if (pool.size !== undefined && (pool.min !== undefined || pool.max !== undefined)) {
    throw misuse("pool: size stands for both min and max; give it, or those");
  }
  const min = count("pool.min", pool.size ?? pool.min, 1, pool.size === undefined ? "pool.min" : "pool.size");
  const max = count("pool.max", pool.size ?? pool.max, Math.max(min, 1));
  if (max < min) throw misuse(`pool: max, ${max}, is below min, ${min}`);
  const isPool = Object.keys(pool).length > 0;
  return {
    min,
    max,
    // One connection alone takes all there is: how many streams at once is the server's to say.
    maxStreamsPerConnection: count("pool.maxStreamsPerConnection", pool.maxStreamsPerConnection, isPool ? 100 : never),
    pick: oneOf("pool.pick", pool.pick ?? "least-loaded", ["least-loaded", "round-robin", "random"]),
    maxQueuedCalls: count("pool.maxQueuedCalls", pool.maxQueuedCalls, 10_000, "pool.maxQueuedCalls", 0),
  };
}

function readHealthCheck(healthCheck: HealthCheckOptions): HealthCheckOptions {
  checkObject("healthCheck", healthCheck, '{ serviceName }, such as { serviceName: "greeter.Greeter" }');
  return { serviceName: checkType("healthCheck.serviceName", healthCheck.serviceName, "string") };
}

function checkCredentials(
  target: string,
  credentials: ConnectionOptions["credentials"],
): ConnectionSettings["credentials"] {
  if (credentials === undefined) {
    throw misuse(
      `credentials: ${target} is not on this machine, so say how to speak to it: ` +
        "credentials: tls() for TLS, or credentials: insecure() for plaintext",
    );
  }
  return typeof credentials === "function" ? credentials : requireCredentials(credentials);
}

/** Also for what a function of the user's has made. */
export function requireCredentials(credentials: ChannelCredentials): ChannelCredentials {
  if (credentials?.kind === "tls" || credentials?.kind === "insecure") return credentials;
  throw misuse(`credentials: must be made by tls() or insecure(), not ${describe(credentials)}`);
}

const policyNames: readonly string[] = ["pick_first", "round_robin", "least_request"];

function checkLoadBalancing(policy: LoadBalancing): LoadBalancing {
  if (typeof policy === "string" && policyNames.includes(policy)) return policy;
  const isConfig = Array.isArray(policy) && policy.every((one) => typeof one === "object" && one !== null);
  if (isConfig && policy.length > 0) return policy;
  throw misuse(
    `loadBalancing: must be ${policyNames.map((name) => `"${name}"`).join(", ")} or a loadBalancingConfig, [{ policy: {} }], not ${describe(policy)}`,
  );
}

function duration(option: string, value: number | undefined, otherwise: number, least: number): number {
  if (value === undefined) return otherwise;
  if (typeof value === "number" && value >= least) return value;
  throw misuse(`${option}: must be a number of milliseconds, at least ${least}, not ${describe(value)}`);
}

function count(option: string, value: number | undefined, otherwise: number, called = option, least = 1): number {
  if (value === undefined) return otherwise;
  if ((Number.isInteger(value) || value === never) && value >= least) return value;
  throw misuse(`${called}: must be a whole number, at least ${least}, not ${describe(value)}`);
}

function oneOf<T extends string>(option: string, value: T, allowed: readonly T[]): T {
  if (allowed.includes(value)) return value;
  throw misuse(`${option}: must be one of ${allowed.join(", ")}, not ${describe(value)}`);
}

function text(option: string, value: string | undefined, otherwise: string): string {
  return value === undefined ? otherwise : checkType(option, value, "string");
}

function optionalFunction<T>(option: string, value: T | undefined): T | undefined {
  return value === undefined ? undefined : checkType(option, value, "function");
}

function checkType<T>(option: string, value: T, type: "boolean" | "string" | "function"): T {
  if (typeof value === type) return value;
  throw misuse(`${option}: must be a ${type}, not ${describe(value)}`);
}

function checkObject(option: string, value: object, form: string): void {
  if (typeof value === "object" && value !== null) return;
  throw misuse(`${option}: must be ${form}, not ${describe(value)}`);
}

/**
 * Equal settings have equal keys. Functions and transports are equal to themselves only. A key is a digest, of 44
 * characters: what it is made of has hundreds, and each connection would hold on to them.
 */
export function keyOf(settings: ConnectionSettings): string {
  const { credentials, transport, resolver, ...plain } = settings;
  const text = JSON.stringify(
    [
      Object.values(plain),
      typeof credentials === "function" ? identityOf(credentials) : credentials.key,
      typeof transport === "string" ? transport : transport.name,
      resolver === undefined ? "" : identityOf(resolver),
    ],
    (_, value) => (value === never ? "never" : typeof value === "function" ? identityOf(value) : value),
  );
  return hash("sha256", text, "base64");
}
