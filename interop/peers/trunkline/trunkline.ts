import { dial, insecure, Server, type TransportName } from "@trunkline/runtime";
import { cases } from "../../cases/cases.js";
import { messageLibraries } from "../../messages/message-libraries.js";
import type { Peer } from "../peer.js";
import { testService } from "./service.js";

const transports: readonly TransportName[] = ["grpc-js"];

/** Generated clients and a generated server on the runtime. */
export const trunkline: Peer = {
  name: "trunkline",
  transports,
  messages: Object.keys(messageLibraries),

  async runCase(name, address, { transport, messages }) {
    const channel = dial(address, { transport: transport as TransportName, credentials: insecure() });
    try {
      await cases[name](messageLibraries[messages]!.clients(channel));
    } finally {
      await channel.close();
    }
  },

  async serve(port, { transport, messages }) {
    const server = new Server({ transport: transport as TransportName });
    messageLibraries[messages]!.register(server, testService);
    const bound = await server.listen(`127.0.0.1:${port}`);
    return { port: bound.port, stop: async () => void (await server.shutdown()) };
  },
};
