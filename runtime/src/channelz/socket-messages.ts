/** Sockets as channelz shows them: what Node.js tells of them, read when somebody asks. */
import type { Server as NetServer, Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { identityOf } from "../identity.js";
import { tcpAddress, unixAddress } from "./address.js";
import type { Address, Security, SocketData, Socket as SocketMessage, SocketRef } from "./generated.js";

/** Of streams and messages nothing is known of a single socket: proto3 has 0 for that. */
const unknownData: SocketData = {
  streamsStarted: 0n,
  streamsSucceeded: 0n,
  streamsFailed: 0n,
  messagesSent: 0n,
  messagesReceived: 0n,
  keepAlivesSent: 0n,
  lastLocalStreamCreatedTimestamp: undefined,
  lastRemoteStreamCreatedTimestamp: undefined,
  lastMessageSentTimestamp: undefined,
  lastMessageReceivedTimestamp: undefined,
  localFlowControlWindow: undefined,
  remoteFlowControlWindow: undefined,
  option: [],
};

/** @param dialledPath of the unix socket that the connection was made to, where it is one */
export function socketMessage(socket: Socket, dialledPath?: string): SocketMessage {
  return {
    ref: socketRef(socket),
    data: unknownData,
    local: localAddress(socket),
    remote: remoteAddress(socket, dialledPath),
    security: socket instanceof TLSSocket ? security(socket) : undefined,
    remoteName: "",
  };
}

export function socketRef(socket: Socket): SocketRef {
  const { localAddress, localPort, remoteAddress, remotePort } = socket;
  const name = isUnix(socket)
    ? "unix socket"
    : `${hostPort(localAddress, localPort)} -> ${hostPort(remoteAddress, remotePort)}`;
  return { socketId: BigInt(identityOf(socket)), name };
}

export function listenSocketMessage(server: NetServer): SocketMessage {
  const address = server.address();
  const local =
    typeof address === "string" ? unixAddress(address) : address && tcpAddress(address.address, address.port);
  return {
    ref: listenSocketRef(server),
    data: unknownData,
    local: local ?? undefined,
    remote: undefined,
    security: undefined,
    remoteName: "",
  };
}

export function listenSocketRef(server: NetServer): SocketRef {
  const address = server.address();
  const name = typeof address === "string" ? `unix:${address}` : hostPort(address?.address, address?.port);
  return { socketId: BigInt(identityOf(server)), name };
}

/** Node.js knows no addresses of unix sockets. Those of TCP it knows, unless the connection is lost already. */
function isUnix(socket: Socket): boolean {
  return socket.localAddress === undefined && !socket.destroyed;
}

/** Of a unix socket only a server's end has a path, and Node.js does not tell which. */
function localAddress({ localAddress, localPort }: Socket): Address | undefined {
  return localAddress === undefined || localPort === undefined ? undefined : tcpAddress(localAddress, localPort);
}

function remoteAddress(socket: Socket, dialledPath: string | undefined): Address | undefined {
  const { remoteAddress, remotePort } = socket;
  if (remoteAddress !== undefined && remotePort !== undefined) return tcpAddress(remoteAddress, remotePort);
  return isUnix(socket) ? unixAddress(dialledPath ?? "") : undefined;
}

function hostPort(host: string | undefined, port: number | undefined): string {
  if (host === undefined) return "?";
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Certificates in DER. The peer's only where it was verified, so that nobody takes it for more than it is. */
function security(socket: TLSSocket): Security {
  const cipher = socket.getCipher() as { readonly standardName?: string } | undefined;
  const remote = socket.authorized ? socket.getPeerX509Certificate() : undefined;
  return {
    model: {
      $case: "tls",
      value: {
        cipherSuite:
          cipher?.standardName === undefined ? undefined : { $case: "standardName", value: cipher.standardName },
        localCertificate: socket.getX509Certificate()?.raw ?? new Uint8Array(),
        remoteCertificate: remote?.raw ?? new Uint8Array(),
      },
    },
  };
}
