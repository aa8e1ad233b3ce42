/** TLS at a server, the same for every transport that listens on sockets. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import type { Socket } from "node:net";
import { createSecureContext, createServer, type PeerCertificate, type Server, type TLSSocket } from "node:tls";
import type { PeerIdentity } from "../contract.js";
import { type Pem, pemOf, type ServerTlsCredentials, type ServerTlsOptions } from "../credentials.js";
import { longestTimerMs } from "../deadline.js";
import { describe, misuse, RpcError } from "../error.js";
import { callHook } from "../hook.js";

/** Takes connections as they come, and gives them on when they are encrypted. */
export interface TlsTermination {
  /** Closes the socket where the handshake fails, or takes too long. */
  take(socket: Socket): void;
  /** Asks for certificates no more. */
  close(): void;
}

/**
 * Sockets that speak HTTP/2 (ALPN `h2`, RFC 9113 section 3.2), in TLS 1.2 at least (section 9.2).
 *
 * @param handshakeMs milliseconds that a handshake may take, however the client divides them
 * @throws RpcError INVALID_ARGUMENT for certificates and keys that cannot be used
 */
export async function terminateTls(
  credentials: ServerTlsCredentials,
  onSocket: (socket: TLSSocket) => void,
  handshakeMs: number,
): Promise<TlsTermination> {
  let options = await load(credentials);
  let server = tlsServer(options, onSocket, handshakeMs);
  const close = reloading(credentials, async () => {
    const next = await load(credentials);
    if (areSame(next, options)) return;
    options = next;
    // Connections that are open keep what they were made with. A new server, instead of `setSecureContext` of the old:
    // it asks for clients' certificates as is said now, and resumes no session that was made under the old rules.
    server = tlsServer(next, onSocket, handshakeMs);
  });
  return { take: (socket) => void server.emit("connection", socket), close };
}

/** It listens nowhere: it is given its connections. */
function tlsServer(options: ServerTlsOptions, onSocket: (socket: TLSSocket) => void, handshakeMs: number): Server {
  const { requestCert, rejectUnauthorized } = clientCertificates(options);
  const server = createServer(
    {
      ...pemsOf(options),
      ALPNProtocols: ["h2"],
      minVersion: "TLSv1.2",
      handshakeTimeout: handshakeMs,
      requestCert,
      rejectUnauthorized,
    },
    // Who does not negotiate h2 would be read as if it had.
    (socket) => (socket.alpnProtocol === "h2" ? onSocket(socket) : socket.destroy()),
  );
  // A handshake that fails is its client's. Node.js leaves the socket open where it was too slow.
  server.on("tlsClientError", (_error, socket) => socket.destroy());
  return server;
}

function clientCertificates({ clientCa, requireClientCertificate = clientCa !== undefined }: ServerTlsOptions) {
  const requestCert = clientCa !== undefined || requireClientCertificate;
  return { requestCert, rejectUnauthorized: requireClientCertificate };
}

/** Asks for the certificates again while the server listens. Returns what ends it. */
function reloading(credentials: ServerTlsCredentials, reload: () => Promise<void>): () => void {
  const { reloadMs, onReloadError } = credentials;
  if (reloadMs > longestTimerMs) return () => {};
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  const next = () => {
    if (!stopped) timer = setTimeout(() => void again(), reloadMs).unref();
  };
  const again = async () => {
    try {
      await reload();
    } catch (error) {
      if (!stopped) callHook("onReloadError", () => onReloadError(error));
    }
    next();
  };
  next();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}

async function load({ source }: ServerTlsCredentials): Promise<ServerTlsOptions> {
  let options: ServerTlsOptions;
  try {
    options = await source();
  } catch (cause) {
    throw unusable(`the certificates could not be had: ${RpcError.from(cause).details}`, cause);
  }
  check(options);
  return options;
}

function check(options: ServerTlsOptions): void {
  if (typeof options !== "object" || options === null) {
    throw unusable(`the certificates must be { cert, key }, not ${describe(options)}`);
  }
  const { requireClientCertificate } = options;
  if (requireClientCertificate !== undefined && typeof requireClientCertificate !== "boolean") {
    throw unusable(`requireClientCertificate must be true or false, not ${describe(requireClientCertificate)}`);
  }
  const certificate = checkCertificate("cert", options.cert);
  const key = checkKey(options.key);
  if (options.clientCa !== undefined) checkCertificate("clientCa", options.clientCa);
  const subject = oneLine(certificate.subject);
  if (!certificate.checkPrivateKey(key)) {
    throw unusable(`key does not belong to cert, the certificate of ${subject}; give the key that it was made with`);
  }
  const { validFrom, validTo } = certificate;
  if (Date.parse(validTo) <= Date.now()) {
    throw unusable(`the certificate of ${subject} expired on ${validTo}; renew it`);
  }
  if (Date.parse(validFrom) > Date.now()) {
    throw unusable(`the certificate of ${subject} is not valid before ${validFrom}; wait, or set the clock`);
  }
  try {
    createSecureContext(pemsOf(options));
  } catch (cause) {
    // A chain that breaks off, a key that is too weak.
    throw unusable(`cert, key or clientCa cannot be used: ${RpcError.from(cause).details}`, cause);
  }
}

function checkCertificate(name: "cert" | "clientCa", pem: Pem): X509Certificate {
  checkPem(name, pem);
  try {
    return new X509Certificate(pemOf(pem));
  } catch (cause) {
    throw unusable(`${name} is no certificate in PEM (-----BEGIN CERTIFICATE-----)`, cause);
  }
}

function checkKey(pem: Pem) {
  checkPem("key", pem);
  try {
    return createPrivateKey(pemOf(pem));
  } catch (cause) {
    throw unusable("key is no private key in PEM without a passphrase (-----BEGIN PRIVATE KEY-----)", cause);
  }
}

function checkPem(name: "cert" | "key" | "clientCa", pem: Pem): void {
  if (typeof pem === "string" || pem instanceof Uint8Array) return;
  throw unusable(`${name} must be PEM text or its bytes, not ${describe(pem)}`);
}

function unusable(why: string, cause?: unknown): RpcError {
  return misuse(`serverTls(): ${why}`, cause);
}

function pemsOf({ cert, key, clientCa }: ServerTlsOptions) {
  return { cert: pemOf(cert), key: pemOf(key), ca: clientCa === undefined ? undefined : pemOf(clientCa) };
}

function areSame(one: ServerTlsOptions, other: ServerTlsOptions): boolean {
  const [a, b] = [clientCertificates(one), clientCertificates(other)];
  if (a.requestCert !== b.requestCert || a.rejectUnauthorized !== b.rejectUnauthorized) return false;
  return (["cert", "key", "clientCa"] as const).every((name) => {
    const [a, b] = [one[name], other[name]];
    return a === undefined || b === undefined ? a === b : pemOf(a).equals(pemOf(b));
  });
}

const identities = new WeakMap<PeerCertificate, PeerIdentity>();

/** What a verified certificate says of its owner; read once. */
export function identityOf(certificate: PeerCertificate): PeerIdentity {
  let identity = identities.get(certificate);
  if (identity === undefined) {
    // From the certificate itself: it escapes what a value could forge others with, and keeps the order of the parts.
    const { subject = "", subjectAltName = "" } = new X509Certificate(certificate.raw);
    identity = { subject: subject.split("\n").join(","), subjectAltNames: splitNames(subjectAltName) };
    identities.set(certificate, identity);
  }
  return identity;
}

/** `DNS:a, URI:"b, c"`: Node.js quotes a name, as JSON, that could be taken for several. */
function splitNames(names: string): string[] {
  return Array.from(names.matchAll(/([^:,\s][^:,]*):("(?:[^"\\]|\\.)*"|[^,]*)/g), ([, type, name]) => {
    return `${type}:${name?.startsWith('"') ? JSON.parse(name) : name}`;
  });
}

function oneLine(subject: string | undefined): string {
  return (subject ?? "nobody").split("\n").join(", ");
}
