/** What is generated of grpc/channelz/v1/channelz.proto, in one place: its service and its messages are files of their own. */
export type { Timestamp } from "../gen/google/protobuf/timestamp.js";
export type {
  Address,
  Channel,
  ChannelConnectivityState,
  ChannelData,
  ChannelRef,
  ChannelTrace,
  ChannelTraceEvent,
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
  Security,
  Server,
  ServerData,
  ServerRef,
  Socket,
  SocketData,
  SocketOption,
  SocketRef,
  Subchannel,
  SubchannelRef,
} from "../gen/grpc/channelz/v1/channelz.js";
export { ChannelConnectivityState_State, ChannelTraceEvent_Severity } from "../gen/grpc/channelz/v1/channelz.js";
export type { ChannelzClient, ChannelzServer } from "../gen/grpc/channelz/v1/channelz_grpc.js";
export {
  ChannelzDesc,
  channelzClient,
  registerChannelzServer,
  sharedChannelzClient,
} from "../gen/grpc/channelz/v1/channelz_grpc.js";
