/** The channelz service of gRPC, `grpc.channelz.v1.Channelz` (gRFC A14): `@trunkline/runtime/channelz`. */
import { ChannelzService } from "./channelz/channelz-service.js";
import { registerChannelzServer } from "./channelz/generated.js";
import type { ServiceOptions, ServiceRegistrar } from "./contract.js";

export type * from "./channelz/generated.js";
export {
  /** What a channel or a subchannel is doing, as the numbers on the wire. */
  ChannelConnectivityState_State as ChannelState,
  /** How grave an event of a trace is, as the numbers on the wire. */
  ChannelTraceEvent_Severity as TraceSeverity,
  ChannelzDesc,
  channelzClient,
  sharedChannelzClient,
} from "./channelz/generated.js";

/**
 * Has `server` show, to any client of channelz, the long connections and the servers of this process: what they are
 * doing, their calls, their sockets, and what has happened to them of late. Of a worker thread, it shows that thread's.
 *
 * It tells addresses, targets, texts of errors and certificates to whoever can call it: register it at a server of its
 * own that listens on a loopback address, or let an interceptor ask who calls.
 *
 * ```ts
 * const admin = new Server();
 * registerChannelz(admin);
 * await admin.listen("127.0.0.1:50052");
 * ```
 *
 * @param options what holds for the calls of this service itself. Those without a deadline are taken unless this says
 *   otherwise, whatever the server does with calls of other services.
 * @throws RpcError ALREADY_EXISTS where the server has a channelz service, FAILED_PRECONDITION after `listen()`
 */
export function registerChannelz(server: ServiceRegistrar, options: ServiceOptions = {}): void {
  registerChannelzServer(server, new ChannelzService(), { requireDeadline: false, ...options });
}
