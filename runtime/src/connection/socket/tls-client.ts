import { isIP, type Socket } from "node:net";
import { type ConnectionOptions, connect, createSecureContext, DEFAULT_MIN_VERSION } from "node:tls";
import { pemOf, type TlsOptions } from "../../credentials.js";
import { misuse, RpcError } from "../../error.js";
import { describeSocketError, happens } from "./open-socket.js";

/** What RFC 9113 (section 9.2) asks for at least; more where Node.js was started with more. */
const minVersion = DEFAULT_MIN_VERSION === "TLSv1.3" ? "TLSv1.3" : "TLSv1.2";
/** HTTP/2 (RFC 7301), and nothing else: who does not agree does not speak gRPC. */
const protocol = "h2";

/** What a peer's side of a handshake that fails has against it, in other words than those of OpenSSL. */
const advice: { readonly [code: string]: string } = {
  ERR_SSL_WRONG_VERSION_NUMBER: "it does not speak TLS",
  ERR_SSL_PACKET_LENGTH_TOO_LONG: "it does not speak TLS",
  ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL: "it does not agree to speak HTTP/2 (ALPN h2)",
};

/** TLS towards one target: certificates are read once, and its sessions are taken up again. */
export class TlsClient {
  readonly #options: ConnectionOptions;
  /** The last of each address: a connection after the first spares both sides a signature. */
  readonly #sessions = new Map<string, Buffer>();
  /** A check of the user's sees every certificate, and a session that is taken up again shows none. */
  readonly #resumes: boolean;

  /**
   * @param host whose certificate the peer has to show, where the options do not say so
   * @throws RpcError INVALID_ARGUMENT for a certificate or a key that cannot be used
   */
  constructor({ ca, cert, key, serverName = "", checkServerIdentity }: TlsOptions, host: string) {
    const name = serverName === "" ? host : serverName;
    this.#resumes = checkServerIdentity === undefined;
    this.#options = {
      // The name in the handshake must not be an address (RFC 6066, section 3); the certificate is checked against both.
      ...(isIP(name) === 0 ? { servername: name } : {}),
      host: name,
      ALPNProtocols: [protocol],
      minVersion,
      ...(checkServerIdentity === undefined ? {} : { checkServerIdentity }),
    };
    try {
      this.#options.secureContext = createSecureContext({
        ...(ca === undefined ? {} : { ca: pemOf(ca) }),
        ...(cert === undefined ? {} : { cert: pemOf(cert) }),
        ...(key === undefined ? {} : { key: pemOf(key) }),
        minVersion,
      });
    } catch (cause) {
      throw misuse(`tls(): ca, cert or key cannot be used: ${RpcError.from(cause).details}`, cause);
    }
  }

  /**
   * Encrypts what goes through a socket; rejects with a line that says why it cannot.
   *
   * @param address of the peer, whose sessions are its own
   */
  async secure(tcp: Socket, address: string): Promise<Socket> {
    const session = this.#sessions.get(address);
    this.#sessions.delete(address);
    const socket = connect({ ...this.#options, ...(session === undefined ? {} : { session }), socket: tcp });
    socket.on("error", () => {});
    if (this.#resumes) socket.on("session", (made) => this.#sessions.set(address, made));
    try {
      await happens(socket, "secureConnect");
    } catch (error) {
      throw new Error(adviceOn(error) ?? describeSocketError(error), { cause: error });
    }
    if (socket.alpnProtocol === protocol) return socket;
    socket.destroy();
    throw new Error("it does not agree to speak HTTP/2 (ALPN h2): it is no gRPC server, or there is a proxy before it");
  }

  /** Sessions with addresses that are no more. */
  forget(known: readonly { readonly name: string }[]): void {
    const names = new Set(known.map(({ name }) => name));
    for (const address of this.#sessions.keys()) if (!names.has(address)) this.#sessions.delete(address);
  }
}

function adviceOn(error: unknown): string | undefined {
  return advice[String(Object(error).code)];
}
