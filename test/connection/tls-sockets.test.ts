/** What a connection sees of its sockets, through TLS. */
import { readFileSync } from "node:fs";
import { Code, type DialOptions, Server, serverTls, tls } from "@trunkline/runtime";
import {
  kindsClient,
  registerKindsServer,
  UnimplementedKindsServer,
} from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import { wireTransports } from "../runtime/transports.js";
import { dialled, echo, nextEvent, stopProxied } from "./proxied.js";
import { TcpProxy } from "./tcp-proxy.js";

const pem = (name: string) => readFileSync(`fixtures/tls/${name}`);
const stops: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  await stopProxied();
  for (const stop of stops.splice(0)) await stop();
});

describe.each(wireTransports)("TLS on $name", ({ transport }) => {
  async function start(options: DialOptions = {}) {
    const server = new Server({ transport });
    registerKindsServer(server, Object.assign(new UnimplementedKindsServer(), echo));
    const credentials = serverTls({ cert: pem("server.pem"), key: pem("server.key") });
    const { port } = await server.listen("127.0.0.1:0", { credentials });
    const proxy = await TcpProxy.start(port);
    stops.push(
      () => proxy.stop(),
      () => server.shutdown(),
    );
    const channel = dialled(`localhost:${proxy.port}`, {
      transport,
      credentials: tls({ ca: pem("ca.pem") }),
      ...options,
    });
    return { proxy, channel, client: kindsClient(channel) };
  }

  test("events come as without it", async () => {
    const { channel, client, proxy } = await start();
    const connected = nextEvent(channel, "connected");
    await client.unary({});
    expect(await connected).toMatchObject({ peer: expect.stringMatching(new RegExp(`:${proxy.port}$`)) });
    const lost = nextEvent(channel, "disconnected");
    proxy.reset();
    expect(await lost).toMatchObject({ reason: expect.stringMatching(/ECONNRESET|closed by the peer/) });
    expect(await client.unary({ text: "again" })).toMatchObject({ text: "again" });
  });

  test("a peer that says nothing in the handshake is given up", async () => {
    const { client, proxy } = await start({ connectTimeoutMs: 100, backoff: { initialMs: 20, maxMs: 20 } });
    proxy.silence(true);
    await expect(client.unary({})).rejects.toMatchObject({
      code: Code.UNAVAILABLE,
      details: expect.stringMatching(/said nothing for 100 ms|before secure TLS connection was established/),
    });
    proxy.silence(false);
    expect(await client.unary({ text: "well" }, { waitForReady: true })).toMatchObject({ text: "well" });
  });

  test("a certificate that is not trusted is the reason", async () => {
    const { channel, client } = await start({ credentials: tls() });
    const backoff = nextEvent(channel, "backoff");
    await expect(client.unary({})).rejects.toMatchObject({ code: Code.UNAVAILABLE });
    expect(await backoff).toMatchObject({ reason: expect.stringMatching(/certificate|self.signed|issuer/i) });
  });

  test("whom a resolver finds has to be whom was dialled", async () => {
    const { proxy } = await start();
    const found = (name: string) =>
      dialled(`${name}:443`, {
        transport,
        credentials: tls({ ca: pem("ca.pem") }),
        resolver: () => `ipv4:127.0.0.1:${proxy.port}`,
      });
    expect(await kindsClient(found("localhost")).unary({ text: "it is" })).toMatchObject({ text: "it is" });
    await expect(kindsClient(found("elsewhere.example")).unary({})).rejects.toMatchObject({ code: Code.UNAVAILABLE });
  });
});
