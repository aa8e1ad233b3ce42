import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { PeerCertificate } from "node:tls";
import type { MethodDesc } from "./contract.js";
import { misuse, RpcError } from "./error.js";
import { identityOf } from "./identity.js";
import type { MetadataInit } from "./metadata.js";
import { asBuffer } from "./method.js";
import { checkNumber } from "./number-option.js";

/** Nothing is encrypted and nobody is identified. Made by {@link insecure}. */
export interface InsecureCredentials {
  readonly kind: "insecure";
  /** @internal Equal keys are equal credentials: connections are shared by it. */
  readonly key: string;
}

/** Made by {@link tls}. */
export interface TlsCredentials {
  readonly kind: "tls";
  readonly options: TlsOptions;
  /** @internal */
  readonly key: string;
}

/** Made by {@link serverTls}. */
export interface ServerTlsCredentials {
  readonly kind: "serverTls";
  /** @internal */
  readonly source: ServerTlsSource;
  /** @internal */
  readonly reloadMs: number;
  /** @internal */
  readonly onReloadError: (error: unknown) => void;
}

/** Where a server's certificates come from, each time that they are asked for. */
export type ServerTlsSource = () => ServerTlsOptions | Promise<ServerTlsOptions>;

export interface ReloadOptions {
  /** How often a source is asked again, in milliseconds; `Infinity` is never. Default 1 min. */
  readonly reloadMs?: number | undefined;
  /**
   * Told when that failed, or gave what cannot be used; the certificates that there are stay in use. Default: a process
   * warning.
   */
  readonly onReloadError?: ((error: unknown) => void) | undefined;
}

export type ChannelCredentials = InsecureCredentials | TlsCredentials;
export type ServerCredentials = InsecureCredentials | ServerTlsCredentials;

/** A certificate or a key: PEM text, or its bytes. */
export type Pem = string | Uint8Array;

export interface TlsOptions {
  /** Authorities to trust. Default: those that Node.js trusts. */
  readonly ca?: Pem | undefined;
  /** This client's certificate chain, for mutual TLS; with `key`. */
  readonly cert?: Pem | undefined;
  /** The private key of `cert`. */
  readonly key?: Pem | undefined;
  /** The name that the server's certificate must carry. Default: the host of the target. */
  readonly serverName?: string | undefined;
  /** Replaces the check of the certificate's names; returns an error to refuse it. */
  readonly checkServerIdentity?: ((host: string, certificate: PeerCertificate) => Error | undefined) | undefined;
}

export interface ServerTlsOptions {
  /** The server's certificate chain. */
  readonly cert: Pem;
  /** The private key of `cert`. */
  readonly key: Pem;
  /** Authorities that sign clients' certificates. Default: those that Node.js trusts. */
  readonly clientCa?: Pem | undefined;
  /** Refuses clients that show no valid certificate (mutual TLS). Default: true where `clientCa` is given. */
  readonly requireClientCertificate?: boolean | undefined;
}

/** What a call's credentials may depend on. */
export interface CallCredentialsContext {
  readonly method: MethodDesc;
  /** `https://host/package.Service`: the audience of a signed token. */
  readonly serviceUrl: string;
}

/**
 * Metadata that identifies the caller, made for each call: a token, a signature. It never travels in plaintext: on an
 * insecure channel a call with credentials fails with UNAUTHENTICATED before anything is sent.
 */
export type CallCredentials = (context: CallCredentialsContext) => MetadataInit | Promise<MetadataInit>;

const plaintext: InsecureCredentials = { kind: "insecure", key: "insecure" };

/**
 * Plaintext, said aloud: for a target or an address that is not on this machine it has to be.
 *
 * @throws RpcError INVALID_ARGUMENT where it is given options: those of TLS mean nothing here
 */
export function insecure(...nothing: readonly never[]): InsecureCredentials {
  if (nothing.length === 0) return plaintext;
  throw misuse("insecure() takes no options: nothing is encrypted; did you mean tls({…})?");
}

/** TLS towards a server; with `cert` and `key`, mutual. */
export function tls(options: TlsOptions = {}): TlsCredentials {
  return { kind: "tls", options, key: `tls ${Object.entries(options).map(keyOf).sort().join(" ")}` };
}

/**
 * TLS 1.2 or 1.3 at a server; with `clientCa`, mutual.
 *
 * ```ts
 * serverTls({ cert, key });
 * serverTls(pemFiles({ cert: "/etc/tls/tls.crt", key: "/etc/tls/tls.key" }));
 * ```
 *
 * @param certificates what they are, or a source that is asked when the server listens and then again and again, so that
 *   renewed ones come into use: new connections get them, open ones go on
 */
export function serverTls(
  certificates: ServerTlsOptions | ServerTlsSource,
  { reloadMs = 60_000, onReloadError = warn }: ReloadOptions = {},
): ServerTlsCredentials {
  checkNumber("serverTls(): reloadMs", reloadMs, { atLeast: 1 });
  return typeof certificates === "function"
    ? { kind: "serverTls", source: certificates, reloadMs, onReloadError }
    : { kind: "serverTls", source: () => certificates, reloadMs: Number.POSITIVE_INFINITY, onReloadError };
}

/** A source that reads PEM files: those that a Kubernetes secret or an ACME client renews. */
export function pemFiles(
  paths: { readonly cert: string; readonly key: string; readonly clientCa?: string | undefined },
  options: Pick<ServerTlsOptions, "requireClientCertificate"> = {},
): ServerTlsSource {
  return async () => {
    const [cert, key, clientCa] = await Promise.all([
      readFile(paths.cert),
      readFile(paths.key),
      paths.clientCa === undefined ? undefined : readFile(paths.clientCa),
    ]);
    return { cert, key, clientCa, ...options };
  };
}

function warn(error: unknown): void {
  process.emitWarning(RpcError.from(error).details, "TrunklineWarning");
}

/** @internal */
export function pemOf(pem: Pem): Buffer {
  return typeof pem === "string" ? Buffer.from(pem) : asBuffer(pem);
}

/** Secrets go into the key as a digest; functions are equal to themselves only. */
function keyOf([name, value]: [string, unknown]): string {
  if (value === undefined) return "";
  if (typeof value === "function") return `${name}=f${identityOf(value)}`;
  const bytes = typeof value === "string" ? value : Buffer.from(value as Uint8Array);
  return `${name}=${createHash("sha256").update(bytes).digest("hex")}`;
}
