/** Health checks where a channel is made of connections: the peer of each is asked, as gRFC A17 has it. */
import { type ConnectionEvent, type DialOptions, insecure, Server } from "@trunkline/runtime";
import { type Health, registerHealth } from "@trunkline/runtime/health";
import {
  KindsDesc,
  kindsClient,
  registerKindsServer,
  UnimplementedKindsServer,
} from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import { DnsServer } from "./dns-server.js";
import { dialled, holds, nextEvent, stopProxied } from "./proxied.js";

const { serviceName } = KindsDesc;
const [first, second, third] = ["127.0.0.1", "127.0.0.2", "127.0.0.3"] as const;
let dns: DnsServer;
let servers: Server[];
let health: Record<string, Health>;
let port: number;

beforeEach(async () => {
  dns = await DnsServer.start([first, second]);
  servers = [];
  health = {};
  port = 0;
  for (const host of [first, second, third]) {
    const server = new Server();
    const who = { unary: () => ({ text: host }) };
    registerKindsServer(server, Object.assign(new UnimplementedKindsServer(), who));
    health[host] = registerHealth(server);
    ({ port } = await server.listen(`${host}:${port}`));
    servers.push(server);
  }
});
afterEach(async () => {
  await stopProxied();
  await Promise.all(servers.map((server) => server.shutdown()));
  await dns.stop();
});

function connect(options: DialOptions = {}) {
  const target = `dns://${dns.address}/greeter.test:${port}`;
  const all = {
    transport: "http2",
    credentials: insecure(),
    resolveEveryMs: 10,
    healthCheck: { serviceName },
  } as const;
  const channel = dialled(target, { ...all, ...options });
  const log: string[] = [];
  channel.onEvent((one: ConnectionEvent) => {
    log.push("peer" in one ? `${one.type} ${one.peer}` : one.type === "health" ? `serving: ${one.serving}` : one.type);
  });
  const client = kindsClient(channel);
  const answers = async (count: number) => {
    const hosts = new Set<string>();
    for (let i = 0; i < count; i++) hosts.add((await client.unary({})).text);
    return [...hosts].sort();
  };
  return { channel, client, log, answers };
}

const count = (log: readonly string[], what: string) => log.filter((one) => one.startsWith(what)).length;

test("round_robin gives calls to the addresses that are healthy, and to each as soon as it is", async () => {
  health[first]!.set(serviceName, "NOT_SERVING");
  const { channel, client, log, answers } = connect({ loadBalancing: "round_robin" });
  channel.connect();
  await holds(() => count(log, "serving") === 2);
  expect(await answers(6)).toEqual([second]);
  health[first]!.set(serviceName, "SERVING");
  await holds(() => count(log, "serving: true") === 2);
  expect(await answers(6)).toEqual([first, second]);
  for (const host of [first, second]) health[host]!.set(serviceName, "NOT_SERVING");
  await holds(() => count(log, "serving: false") === 3);
  await expect(client.unary({})).rejects.toMatchObject({
    details: `the server's health service says NOT_SERVING of ${serviceName}`,
  });
  expect(channel.state).toBe("TRANSIENT_FAILURE");
  // The connections stay.
  expect([count(log, "connected"), count(log, "disconnected")]).toEqual([2, 0]);
});

test("an address that is no more loses its connection, whatever watches there", async () => {
  const { channel, log, answers } = connect({ loadBalancing: "round_robin" });
  channel.connect();
  await holds(() => count(log, "serving: true") === 2);
  const left = nextEvent(channel, "disconnected");
  dns.addresses = [second];
  expect(await left).toMatchObject({ peer: `${first}:${port}` });
  expect(await answers(3)).toEqual([second]);
  expect(channel.stats).toMatchObject({ callsFailed: 0, inFlight: 0 });
});

test("pick_first follows a name that moves when the new peer is healthy, and not before", async () => {
  dns.addresses = [first];
  health[third]!.set(serviceName, "NOT_SERVING");
  const { channel, log, answers } = connect();
  expect(await answers(1)).toEqual([first]);
  dns.addresses = [third];
  await holds(() => log.includes("serving: false"));
  expect(await answers(5)).toEqual([first]);
  expect(channel.state).toBe("READY");
  const left = nextEvent(channel, "disconnected");
  health[third]!.set(serviceName, "SERVING");
  expect(await left).toMatchObject({ peer: `${first}:${port}` });
  expect(await answers(5)).toEqual([third]);
  // Back, before what it was to move to is healthy.
  health[second]!.set(serviceName, "NOT_SERVING");
  dns.addresses = [second];
  await holds(() => count(log, "serving: false") === 2);
  const given = nextEvent(channel, "disconnected");
  dns.addresses = [third];
  expect(await given).toMatchObject({ peer: `${second}:${port}` });
  expect(await answers(5)).toEqual([third]);
  expect(channel.stats).toMatchObject({ callsFailed: 0 });
});

test("the new peer takes over as it is where the old one goes", async () => {
  dns.addresses = [first];
  health[second]!.set(serviceName, "NOT_SERVING");
  const { channel, client, log, answers } = connect();
  expect(await answers(1)).toEqual([first]);
  dns.addresses = [second];
  await holds(() => log.includes("serving: false"));
  const gone = nextEvent(channel, "disconnected");
  await servers[0]!.shutdown();
  await gone;
  expect(channel.state).toBe("TRANSIENT_FAILURE");
  const patient = client.unary({}, { waitForReady: true });
  health[second]!.set(serviceName, "SERVING");
  expect(await patient).toMatchObject({ text: second });
  expect(await answers(3)).toEqual([second]);
  expect(count(log, "connected")).toBe(2);
});
