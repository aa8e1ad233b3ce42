import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { contenders } from "../contenders/contenders.js";

export const serverCommands = {
  /** Listens; more than once gives more ports. */
  async serve({ contender, interceptors }: { contender: string; interceptors: number }): Promise<number> {
    const stack = await contenders.get(contender)!.server();
    return stack.serve({ interceptors });
  },

  /** Listens, accepts connections, and never says anything on them. */
  async listenMute(): Promise<number> {
    const server = createServer((socket) => socket.on("error", () => {}));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  },
};
