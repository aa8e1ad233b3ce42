/** What docs/transports.md says of the transport http2: what it can, what it cannot, and what happens then. */

import { readFileSync } from "node:fs";
import { Code, dial, insecure, type LoadBalancing, Server, serverTls, tls, wasCompressed } from "@trunkline/runtime";
import {
  kindsClient,
  registerKindsServer,
  UnimplementedKindsServer,
} from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import { createChannel } from "../../runtime/src/connection/open-channel.js";
import { readSettings } from "../../runtime/src/connection/settings.js";
import { http2 } from "../../runtime/src/transport/http2/http2.js";
import { echo, nextEvent, startProxied, stopProxied } from "./proxied.js";

afterEach(stopProxied);

const transport = "http2";

test("says of itself what it can do", async () => {
  const settings = readSettings("localhost:1", { credentials: insecure() });
  const observer = { onState: () => {}, onEvent: () => {}, onCallEnd: () => {} };
  const channel = await createChannel(http2, { ...settings, credentials: insecure() }, observer);
  expect(channel.capabilities).toEqual({ ping: true, compressionPerCall: true });
  await channel.drain(0);
});

test("pings, and an idle connection is probed by that: it stays the same", async () => {
  const { channel, client, proxy } = await startProxied(transport, { probeAfterIdleMs: 0 });
  await client.unary({});
  expect(await channel.ping()).toBeGreaterThan(0);
  for (let i = 0; i < 3; i++) {
    const then = performance.now();
    while (performance.now() === then);
    await client.unary({});
  }
  expect(proxy.accepted).toBe(1);
});

test.each<[string, LoadBalancing]>([
  ["weighted_round_robin", [{ weighted_round_robin: {} }]],
  ["outlier_detection", [{ outlier_detection: { child_policy: [{ round_robin: {} }] } }]],
])("knows no %s", async (name, loadBalancing) => {
  const { client } = await startProxied(transport, { loadBalancing });
  await expect(client.unary({})).rejects.toMatchObject({
    code: Code.INVALID_ARGUMENT,
    details: expect.stringMatching(
      `loadBalancing: the transport http2 can use none of it: there is no policy ${name}, only`,
    ),
  });
});

test("asks no control plane", async () => {
  const channel = dial("xds:///greeter", { transport, credentials: insecure() });
  await expect(kindsClient(channel).unary({})).rejects.toMatchObject({
    code: Code.INVALID_ARGUMENT,
    details: expect.stringMatching(/only the transport grpc-js asks a control plane; dial with transport: "grpc-js"/),
  });
  await channel.close();
});

test("tells of each wait for the next attempt, without its jitter", async () => {
  const { channel, proxy } = await startProxied(transport, { backoff: { initialMs: 20, maxMs: 30 } });
  await proxy.stop();
  const waits: number[] = [];
  const third = new Promise<void>((resolve) => {
    channel.onEvent((event) => {
      if (event.type === "backoff" && waits.push(event.backoffMs) === 3) resolve();
    });
  });
  await expect(channel.waitForReady({ timeoutMs: 2000 })).rejects.toMatchObject({ code: Code.DEADLINE_EXCEEDED });
  await third;
  expect(waits.slice(0, 3)).toEqual([20, 30, 30]);
});

test("sees a GOAWAY where calls are in flight", async () => {
  const { channel, client, kinds } = await startProxied(transport);
  const stream = client.serverStream({})[Symbol.asyncIterator]();
  await stream.next();
  const goaway = nextEvent(channel, "goaway");
  void kinds.server.shutdown({ graceMs: 10_000 });
  expect(await goaway).toMatchObject({ reason: "the peer takes no more calls" });
  await stream.return?.();
});

test("compresses responses, and says which messages were, over TLS too", async () => {
  const pem = (name: string) => readFileSync(`fixtures/tls/${name}`);
  const server = new Server({ transport, compression: "gzip" });
  registerKindsServer(server, Object.assign(new UnimplementedKindsServer(), echo));
  const credentials = serverTls({ cert: pem("server.pem"), key: pem("server.key") });
  const { port } = await server.listen("127.0.0.1:0", { credentials });
  const channel = dial(`localhost:${port}`, { transport, credentials: tls({ ca: pem("ca.pem") }) });
  const client = kindsClient(channel);
  expect(wasCompressed(await client.unary({ text: "x".repeat(5000) }, { compression: "gzip" }))).toBe(true);
  expect(wasCompressed(await client.unary({ text: "short" }))).toBe(false);
  await channel.close();
  await server.shutdown();
});
