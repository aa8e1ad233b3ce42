/** A transport as it is, but for servers that look for dead connections more often: for tests that wait for that. */
import type { Transport, TransportName } from "@trunkline/runtime";
import { createChannel } from "../../runtime/src/connection/open-channel.js";
import { GrpcJsServer } from "../../runtime/src/transport/grpc-js/server.js";
import { http2 } from "../../runtime/src/transport/http2/http2.js";
import { loadTransport } from "../../runtime/src/transport/transports.js";

const lookEveryMs = 50;

export function impatientServers(transport: string | Transport): Transport {
  const loaded = () => loadTransport(transport as TransportName | Transport);
  return {
    name: typeof transport === "string" ? transport : transport.name,
    connect: async (options, observer) => createChannel(await loaded(), options, observer),
    serve(options) {
      if (transport === "grpc-js") return new GrpcJsServer(options, lookEveryMs);
      // It hears of what its clients break, and does not have to look.
      if (transport === "http2") return http2.serve(options);
      throw new Error(`${String(transport)}: has servers of which this file does not know how they look`);
    },
  };
}
