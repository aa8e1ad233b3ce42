import { dial, insecure, Server, serverTls, type TransportName, tls } from "@trunkline/runtime";
import { cases } from "../../cases/cases.js";
import { authority, identity } from "../../certificates.js";
import { messageLibraries } from "../../messages/message-libraries.js";
import type { Peer } from "../peer.js";
import { testService } from "./service.js";

const transports: readonly TransportName[] = ["grpc-js", "http2"];

/** Generated clients and a generated server on the runtime. */
export const trunkline: Peer = {
  name: "trunkline",
  transports,
  messages: Object.keys(messageLibraries),

  async runCase(name, address, { transport, messages, useTls }) {
    const credentials = useTls ? tls({ ca: authority() }) : insecure();
    const channel = dial(address, { transport: transport as TransportName, credentials });
    try {
      await cases[name](messageLibraries[messages]!.clients(channel));
    } finally {
      await channel.close();
    }
  },

  async serve(port, { transport, messages, useTls }) {
    const server = new Server({ transport: transport as TransportName });
    messageLibraries[messages]!.register(server, testService);
    const credentials = useTls ? serverTls(identity()) : insecure();
    const bound = await server.listen(`127.0.0.1:${port}`, { credentials });
    return { port: bound.port, stop: async () => void (await server.shutdown()) };
  },
};
