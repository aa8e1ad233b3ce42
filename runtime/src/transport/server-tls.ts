/** TLS at a server, the same for every transport that listens on sockets. */
import { X509Certificate } from "node:crypto";
import {
  createSecureContext,
  createServer,
  type PeerCertificate,
  type SecureContextOptions,
  type Server,
  type TLSSocket,
} from "node:tls";
import type { PeerIdentity } from "../contract.js";
import { pemOf, type ServerTlsCredentials, type ServerTlsOptions } from "../credentials.js";
import { longestTimerMs } from "../deadline.js";
import { describe, misuse, RpcError } from "../error.js";

/** For a client that connects and then says nothing. */
const handshakeTimeoutMs = 20_000;

/**
 * A server of encrypted sockets that speak HTTP/2 (ALPN `h2`, RFC 9113 section 3.2), in TLS 1.2 at least (section 9.2).
 *
 * @throws RpcError INVALID_ARGUMENT for certificates and keys that cannot be used
 */
export async function tlsServer(
  credentials: ServerTlsCredentials,
  onSocket: (socket: TLSSocket) => void,
): Promise<Server> {
  let options = await load(credentials);
  const { clientCa, requireClientCertificate = clientCa !== undefined } = options;
  const server = createServer(
    {
      ...contextOptions(options),
      ALPNProtocols: ["h2"],
      minVersion: "TLSv1.2",
      handshakeTimeout: handshakeTimeoutMs,
      requestCert: clientCa !== undefined || requireClientCertificate,
      rejectUnauthorized: requireClientCertificate,
    },
    // Who does not negotiate h2 would be read as if it had.
    (socket) => (socket.alpnProtocol === "h2" ? onSocket(socket) : socket.destroy()),
  );
  // A handshake that fails is its client's; the socket is closed by then.
  server.on("tlsClientError", () => {});
  const stop = reloading(credentials, async () => {
    const next = await load(credentials);
    if (samePems(next, options)) return;
    options = next;
    // Connections that are open keep what they were made with.
    server.setSecureContext(contextOptions(next));
  });
  server.on("close", stop);
  return server;
}

/** Asks for the certificates again while the server listens. Returns what ends it. */
function reloading(credentials: ServerTlsCredentials, reload: () => Promise<void>): () => void {
  const { reloadMs, onReloadError } = credentials;
  if (reloadMs > longestTimerMs) return () => {};
  let stopped = false;
  let timer: NodeJS.Timeout;
  const next = () => {
    if (!stopped) timer = setTimeout(() => void reload().catch(onReloadError).then(next), reloadMs).unref();
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
    throw misuse(`serverTls(): the certificates could not be had: ${RpcError.from(cause).details}`, cause);
  }
  check(options);
  return options;
}

function check(options: ServerTlsOptions): void {
  for (const name of ["cert", "key"] as const) {
    if (typeof options?.[name] === "string" || options?.[name] instanceof Uint8Array) continue;
    throw misuse(`serverTls(): ${name} must be PEM text or its bytes, not ${describe(options?.[name])}`);
  }
  try {
    createSecureContext(contextOptions(options));
  } catch (cause) {
    throw misuse(`serverTls(): cert, key or clientCa cannot be used: ${RpcError.from(cause).details}`, cause);
  }
  const { subject, validTo } = new X509Certificate(pemOf(options.cert));
  if (Date.parse(validTo) <= Date.now()) {
    throw misuse(`serverTls(): the certificate of ${oneLine(subject)} expired on ${validTo}; renew it`);
  }
}

function contextOptions({ cert, key, clientCa }: ServerTlsOptions): SecureContextOptions {
  return { cert: pemOf(cert), key: pemOf(key), ca: clientCa === undefined ? undefined : pemOf(clientCa) };
}

function samePems(one: ServerTlsOptions, other: ServerTlsOptions): boolean {
  return (["cert", "key", "clientCa"] as const).every((name) => {
    const [a, b] = [one[name], other[name]];
    return a === undefined || b === undefined ? a === b : pemOf(a).equals(pemOf(b));
  });
}

/** What a verified certificate says of its owner. */
export function identityOf({ subject, subjectaltname }: PeerCertificate): PeerIdentity {
  const parts = Object.entries(subject).flatMap(([key, value]) => [value].flat().map((one) => `${key}=${one}`));
  return { subject: parts.join(","), subjectAltNames: splitNames(subjectaltname ?? "") };
}

/** `DNS:a, URI:"b, c"`: Node.js quotes a name, as JSON, that could be taken for several. */
function splitNames(names: string): string[] {
  return Array.from(names.matchAll(/([^:,\s][^:,]*):("(?:[^"\\]|\\.)*"|[^,]*)/g), ([, type, name]) => {
    return `${type}:${name?.startsWith('"') ? JSON.parse(name) : name}`;
  });
}

function oneLine(subject: string): string {
  return subject.split("\n").join(", ");
}
