import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { dial, Server, serverTls, tls } from "@trunkline/runtime";
import {
  kindsClient,
  registerKindsServer,
  UnimplementedKindsServer,
} from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import { event } from "./kinds.js";
import { wireTransports } from "./transports.js";

const pem = (name: string) => readFileSync(`fixtures/tls/${name}`);

async function serve(transport: (typeof wireTransports)[0]["transport"], text: string) {
  const server = new Server({ transport });
  registerKindsServer(server, Object.assign(new UnimplementedKindsServer(), { unary: () => ({ text }) }));
  const credentials = serverTls({ cert: pem("server.pem"), key: pem("server.key") });
  const { port } = await server.listen("127.0.0.1:0", { credentials });
  return { server, port };
}

describe.each(wireTransports)("on $name", ({ transport }) => {
  test("a client whose TLS is being agreed on when its server begins to stop loses no call", async () => {
    const [old, young] = [await serve(transport, "old"), await serve(transport, "young")];
    const accepted = event();
    const release = event();
    let connections = 0;
    /** Its first connection goes to the old server, and says nothing until it may. */
    const proxy = createServer((near) => {
      const isFirst = connections++ === 0;
      const far = connect(isFirst ? old.port : young.port, "127.0.0.1");
      far.on("error", () => {}).pipe(near.on("error", () => {}));
      if (isFirst) far.once("connect", () => accepted.happen());
      void (isFirst ? release.happened : Promise.resolve()).then(() => near.pipe(far));
    }).listen(0, "127.0.0.1");
    await once(proxy, "listening");
    const target = `localhost:${(proxy.address() as AddressInfo).port}`;
    const channel = dial(target, { transport, credentials: tls({ ca: pem("ca.pem") }) });
    const call = kindsClient(channel).unary({}, { timeoutMs: 15_000 });
    await accepted.happened;
    // What the system has accepted is not yet the server's.
    while (old.server.stats().openConnections === 0) await new Promise((resolve) => setImmediate(resolve));
    const stopped = old.server.shutdown({ graceMs: 10_000 });
    release.happen();
    expect(["old", "young"]).toContain((await call).text);
    expect(await stopped).toEqual({ cutCalls: 0 });
    expect(await kindsClient(channel).unary({}, { timeoutMs: 15_000 })).toMatchObject({ text: "young" });
    await channel.close();
    await young.server.shutdown();
    proxy.close();
  });
});
