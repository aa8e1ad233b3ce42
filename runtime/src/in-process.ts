/** For tests of services, without ports: `@trunkline/runtime/in-process`. */
import type { Transport } from "./contract.js";
import { misuse, RpcError } from "./error.js";
import { identityOf } from "./identity.js";
import type { Server } from "./server/server.js";
import { type Find, InProcessChannel } from "./transport/in-process/channel.js";
import { Endpoint } from "./transport/in-process/endpoint.js";
import { Turns } from "./turns.js";

/**
 * A transport to one server in this process, which need not listen anywhere. Calls are as on a wire: deadlines,
 * cancellation, back-pressure, interceptors of both sides, and messages and metadata that are copies.
 *
 * ```ts
 * const server = new Server();
 * registerGreeterServer(server, { sayHello: ({ name }) => ({ text: `Hello ${name}` }) });
 * const greeter = greeterClient(dial("greeter", { transport: inProcess(server) }));
 * ```
 *
 * Any target will do, and none needs credentials. Services are registered before the first call. After the server's
 * `shutdown()` calls fail with UNAVAILABLE.
 */
export function inProcess(server: Server): Transport {
  const name = `in-process ${identityOf(server)}`;
  // Handlers run on behalf of whoever calls this, as they do of whoever calls `listen()`.
  const turns = new Turns();
  let endpoint: Endpoint | undefined;
  const find: Find = () => {
    try {
      endpoint ??= server.attach((dispatcher, serve) => {
        const attached = { address: "in-process", port: 0, credentials: undefined, onClose: () => {} };
        return new Endpoint({ ...attached, dispatcher, serve }, turns);
      });
      return endpoint;
    } catch (error) {
      return RpcError.from(error).details;
    }
  };
  return {
    name,
    isLocal: true,
    tellsProgress: true,
    connect: (options, observer) => new InProcessChannel(find, options, observer),
    serve() {
      throw misuse(
        'inProcess(server) is for dial(); a server without sockets is new Server({ transport: "in-process" })',
      );
    },
  };
}
