/** A transport as it is, but for servers that look for dead connections more often: for tests that wait for that. */
import type { Transport, TransportName } from "@trunkline/runtime";
import { GrpcJsServer } from "../../runtime/src/transport/grpc-js/server.js";
import { loadTransport } from "../../runtime/src/transport/transports.js";

const lookEveryMs = 50;

export function impatientServers(transport: string | Transport): Transport {
  const loaded = () => loadTransport(transport as TransportName | Transport);
  return {
    name: typeof transport === "string" ? transport : transport.name,
    connect: async (options, observer) => (await loaded()).connect(options, observer),
    serve(options) {
      if (transport === "grpc-js") return new GrpcJsServer(options, lookEveryMs);
      throw new Error(`${String(transport)}: has servers of which this file does not know how they look`);
    },
  };
}
