import {
  type Channel,
  type DialOptions,
  dial,
  insecure,
  Server,
  serverTls,
  type TransportName,
  tls,
  wasCompressed,
} from "@trunkline/runtime";
import { cases } from "../../cases/cases.js";
import { authority, identity } from "../../certificates.js";
import { messageLibraries } from "../../messages/message-libraries.js";
import { onGrpcJs } from "../grpc-js/limitations.js";
import type { Peer } from "../peer.js";
import { testService } from "./service.js";

const transports: readonly TransportName[] = ["grpc-js", "http2"];

/** Generated clients and a generated server on the runtime. */
export const trunkline: Peer = {
  name: "trunkline",
  transports,
  messages: Object.keys(messageLibraries),

  limitations: (role, transport) => (transport === "grpc-js" ? onGrpcJs[role] : {}),

  async runCase(name, address, options) {
    const { transport, messages, useTls, useTestCa, serverHostOverride, soak, concurrentCalls } = options;
    const { clients } = messageLibraries[messages]!;
    const credentials = useTls
      ? tls({ ...(useTestCa && { ca: authority() }), serverName: serverHostOverride })
      : insecure();
    const common: DialOptions = { transport: transport as TransportName, credentials, authority: serverHostOverride };
    async function onChannel<T>(options: DialOptions, use: (channel: Channel) => Promise<T>): Promise<T> {
      const channel = dial(address, { ...common, ...options });
      try {
        return await use(channel);
      } finally {
        await channel.close();
      }
    }
    await onChannel({}, (channel) =>
      cases[name](clients(channel), {
        soak,
        concurrentCalls,
        onChannel: ({ compresses: only }, use) =>
          onChannel(
            only === undefined ? { connection: "short" } : { compression: { encoding: "gzip", only } },
            (channel) => use(clients(channel)),
          ),
        wasCompressed,
      }),
    );
  },

  async serve(port, { transport, messages, useTls }) {
    const server = new Server({ transport: transport as TransportName });
    messageLibraries[messages]!.register(server, testService);
    const credentials = useTls ? serverTls(identity()) : insecure();
    const bound = await server.listen(`127.0.0.1:${port}`, { credentials });
    return { port: bound.port, stop: async () => void (await server.shutdown()) };
  },
};
