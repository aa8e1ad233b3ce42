import type { Socket } from "node:net";
import type { Connection } from "../connection/connection.js";
import { registry } from "../connection/registry.js";
import { RpcError } from "../error.js";
import { identityOf } from "../identity.js";
import type { Server } from "../server/server.js";
import { servers } from "../server/servers.js";
import { Code } from "../status.js";
import { channelMessage, subchannelMessage } from "./channel-messages.js";
import type {
  ChannelzServer,
  GetChannelRequest,
  GetChannelResponse,
  GetServerRequest,
  GetServerResponse,
  GetServerSocketsRequest,
  GetServerSocketsResponse,
  GetServersRequest,
  GetServersResponse,
  GetSocketRequest,
  GetSocketResponse,
  GetSubchannelRequest,
  GetSubchannelResponse,
  GetTopChannelsRequest,
  GetTopChannelsResponse,
  Socket as SocketMessage,
} from "./generated.js";
import { pageOf } from "./page.js";
import { acceptedBy, listeningOf, serverMessage } from "./server-message.js";
import { listenSocketMessage, socketMessage, socketRef } from "./socket-messages.js";

/**
 * Shows the connections and servers of this isolate. It keeps nothing: each answer is made of what is there when it is
 * asked for, and an identifier is that of the object behind it, which is never given to another.
 */
export class ChannelzService implements ChannelzServer {
  getTopChannels({ startChannelId, maxResults }: GetTopChannelsRequest): GetTopChannelsResponse {
    const { page, end } = pageOf(registry.all(), startChannelId, maxResults);
    return { channel: page.map(channelMessage), end };
  }

  getServers({ startServerId, maxResults }: GetServersRequest): GetServersResponse {
    const { page, end } = pageOf(servers, startServerId, maxResults);
    return { server: page.map(serverMessage), end };
  }

  getServer({ serverId }: GetServerRequest): GetServerResponse {
    return { server: serverMessage(serverWith(serverId)) };
  }

  getServerSockets({ serverId, startSocketId, maxResults }: GetServerSocketsRequest): GetServerSocketsResponse {
    const { page, end } = pageOf(acceptedBy(serverWith(serverId)), startSocketId, maxResults);
    return { socketRef: page.map(socketRef), end };
  }

  getChannel({ channelId }: GetChannelRequest): GetChannelResponse {
    return { channel: channelMessage(find(registry.all(), channelId) ?? absent("channel", channelId)) };
  }

  getSubchannel({ subchannelId }: GetSubchannelRequest): GetSubchannelResponse {
    for (const { channels, settings } of registry.all()) {
      const channel = find(channels, subchannelId);
      if (channel !== undefined) return { subchannel: subchannelMessage(channel, settings.target) };
    }
    return absent("subchannel", subchannelId);
  }

  /** With `summary` or without: Node.js tells no options of sockets. */
  getSocket({ socketId }: GetSocketRequest): GetSocketResponse {
    return { socket: socketWith(socketId) ?? absent("socket", socketId) };
  }
}

function serverWith(id: bigint): Server {
  return find(servers, id) ?? absent("server", id);
}

function socketWith(id: bigint): SocketMessage | undefined {
  for (const server of servers) {
    const listening = find(listeningOf(server), id);
    if (listening !== undefined) return listenSocketMessage(listening);
    const accepted = find(acceptedBy(server), id);
    if (accepted !== undefined) return socketMessage(accepted);
  }
  for (const connection of registry.all()) {
    const socket = find(socketsOf(connection), id);
    if (socket !== undefined) return socketMessage(socket, dialledPath(connection));
  }
  return undefined;
}

function* socketsOf({ channels }: Connection): Generator<Socket> {
  for (const { sockets } of channels) yield* sockets;
}

/** The path of the unix socket that was dialled; a resolver may have found another. */
function dialledPath({ settings: { target, resolver } }: Connection): string | undefined {
  return resolver === undefined && target.startsWith("unix:") ? target.slice("unix:".length) : undefined;
}

function find<One extends object>(all: Iterable<One>, id: bigint): One | undefined {
  const wanted = Number(id);
  for (const one of all) if (identityOf(one) === wanted) return one;
  return undefined;
}

function absent(what: string, id: bigint): never {
  throw new RpcError(Code.NOT_FOUND, `there is no ${what} ${id} here, or no longer`);
}
