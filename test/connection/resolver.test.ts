/** How often names are looked up, and what becomes of connections when their addresses change. */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { Code, type ConnectionEvent, type DialOptions, insecure, Server } from "@trunkline/runtime";
import {
  kindsClient,
  registerKindsServer,
  UnimplementedKindsServer,
} from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import { Resolution } from "../../runtime/src/connection/resolver/resolution.js";
import { resolverOf } from "../../runtime/src/connection/resolver/resolve.js";
import { startKinds } from "../runtime/kinds.js";
import { DnsServer } from "./dns-server.js";
import { socketTransports } from "./node-http2.js";
import { dialled, echo, holds, nextEvent, portOf, stopProxied } from "./proxied.js";
import { TcpProxy } from "./tcp-proxy.js";

const never = Number.POSITIVE_INFINITY;

describe("a DNS server that a target names", () => {
  let dns: DnsServer;
  beforeEach(async () => {
    dns = await DnsServer.start();
  });
  afterEach(() => dns.stop());

  const namesOf = async (target: string) => (await resolverOf(target, {}).find()).map(({ name }) => name);

  test("is asked for both families, which take turns", async () => {
    dns.addresses = ["10.0.0.1", "::1", "10.0.0.2"];
    const target = `dns://${dns.address}/greeter.test:1`;
    expect(resolverOf(target, {}).changes).toBe(true);
    expect(await namesOf(target)).toEqual(["[::1]:1", "10.0.0.1:1", "10.0.0.2:1"]);
    dns.addresses = ["10.0.0.1"];
    expect(await namesOf(target)).toEqual(["10.0.0.1:1"]);
    dns.addresses = ["::2"];
    expect(await namesOf(target)).toEqual(["[::2]:1"]);
    expect(dns.queries).toBe(6);
  });

  test("that knows no address is named with what it says", async () => {
    await expect(namesOf(`dns://${dns.address}/greeter.test:1`)).rejects.toThrow(
      `the DNS server ${dns.address}: queryA ENODATA greeter.test`,
    );
  });

  test("is not asked for what a proxy looks up", async () => {
    const target = `dns://${dns.address}/greeter.test:1`;
    const [address, ...others] = await resolverOf(target, { grpc_proxy: "http://me@127.0.0.1:3128" }).find();
    const authorization = `Basic ${Buffer.from("me:").toString("base64")}`;
    expect(address).toMatchObject({ name: "127.0.0.1:3128", tunnel: { to: "greeter.test:1", authorization } });
    expect([others, dns.queries]).toEqual([[], 0]);
  });
});

describe("a resolution", () => {
  function resolution(answers: (string[] | Error)[], { initialMs = 60_000, everyMs = never, timeoutMs = 1000 } = {}) {
    const told: (string | string[])[] = [];
    let lookups = 0;
    const find = async () => {
      const answer = answers[Math.min(lookups++, answers.length - 1)]!;
      if (answer instanceof Error) throw answer;
      return answer.map((name) => ({ name, to: { host: name, port: 1 } }));
    };
    const timing = {
      backoff: { initialMs, maxMs: initialMs * 10 },
      connectTimeoutMs: timeoutMs,
      resolveEveryMs: everyMs,
    };
    const made = new Resolution({ find, changes: true }, timing, {
      onAddresses: (addresses) => told.push(addresses.map(({ name }) => name)),
      onUnresolved: (reason, backoffMs) => told.push(`${reason}, ${backoffMs} ms`),
    });
    return { made, told, lookups: () => lookups };
  }

  test("answers from what it knows while that is fresh, and one lookup serves all who ask meanwhile", async () => {
    const { made, told, lookups } = resolution([["a"], ["b"]]);
    made.refresh();
    made.refresh();
    await holds(() => told.length > 0);
    expect([lookups(), told]).toEqual([1, [["a"]]]);
    made.refresh();
    expect([lookups(), told]).toEqual([1, [["a"], ["a"]]]);
    made.stop();
  });

  test("looks again when the shortest backoff is over", async () => {
    const { made, told } = resolution([["a"], ["b"]], { initialMs: 1 });
    made.refresh();
    await holds(() => told.length > 0);
    const then = performance.now();
    await holds(() => performance.now() > then + 1);
    made.refresh();
    await holds(() => told.length > 1);
    expect(told).toEqual([["a"], ["b"]]);
    made.stop();
  });

  test("that fails tries again by itself; later it keeps to what it knew", async () => {
    const { made, told } = resolution([new Error("no"), new Error("never"), [], ["a"], new Error("gone")], {
      initialMs: 1,
    });
    made.refresh();
    await holds(() => told.length === 4);
    expect(told).toEqual(["no, 1 ms", "never, 2 ms", "the name has no addresses, 3 ms", ["a"]]);
    const then = performance.now();
    await holds(() => performance.now() > then + 1);
    made.refresh();
    await holds(() => told.length === 5);
    expect(told[4]).toEqual(["a"]);
    made.stop();
  });

  test("looks again in an interval, until it is stopped", async () => {
    const { made, told, lookups } = resolution([["a"], ["b"], ["c"]], { everyMs: 1 });
    made.refresh();
    await holds(() => told.length >= 3);
    expect(told.slice(0, 3)).toEqual([["a"], ["b"], ["c"]]);
    made.stop();
    const before = lookups();
    made.refresh();
    const then = performance.now();
    await holds(() => performance.now() > then + 5);
    expect(lookups() - before).toBe(0);
  });

  test("does not wait for ever", async () => {
    const silent = createSocket("udp4").bind(0, "127.0.0.1");
    await once(silent, "listening");
    const told: string[] = [];
    const source = resolverOf(`dns://127.0.0.1:${silent.address().port}/greeter.test:1`, {});
    const timing = { backoff: { initialMs: 60_000, maxMs: 60_000 }, connectTimeoutMs: 20, resolveEveryMs: never };
    const made = new Resolution(source, timing, {
      onAddresses: () => {},
      onUnresolved: (reason) => told.push(reason),
    });
    made.refresh();
    await holds(() => told.length > 0);
    expect(told).toEqual(["the name was not resolved within 20 ms"]);
    made.stop();
    silent.close();
  });
});

describe.each(socketTransports)("a name on $name", ({ transport }) => {
  const [first, second, third] = ["127.0.0.1", "127.0.0.2", "127.0.0.3"] as const;
  let dns: DnsServer;
  let servers: Server[];
  let port: number;

  beforeEach(async () => {
    dns = await DnsServer.start([first]);
    servers = [];
    port = 0;
    for (const host of [first, second, third]) {
      const server = new Server();
      const who = { unary: () => ({ text: host }) };
      registerKindsServer(server, Object.assign(new UnimplementedKindsServer(), who));
      ({ port } = await server.listen(`${host}:${port}`));
      servers.push(server);
    }
  });
  afterEach(async () => {
    await stopProxied();
    await Promise.all(servers.map((server) => server.shutdown()));
    await dns.stop();
  });

  function connect(options: DialOptions = {}, to = port) {
    const target = `dns://${dns.address}/greeter.test:${to}`;
    const channel = dialled(target, { transport, credentials: insecure(), ...options });
    const log: string[] = [];
    channel.onEvent((one: ConnectionEvent) => log.push("peer" in one ? `${one.type} ${one.peer}` : one.type));
    const client = kindsClient(channel);
    const answers = async (count: number) => {
      const hosts = new Set<string>();
      for (let i = 0; i < count; i++) hosts.add((await client.unary({})).text);
      return [...hosts].sort();
    };
    return { channel, client, log, answers };
  }

  /** The addresses have been looked up again, and what follows from that has happened. */
  async function lookedUp(): Promise<void> {
    const { queries } = dns;
    await holds(() => dns.queries >= queries + 4);
  }

  test("is not looked up with each of many reconnects", async () => {
    const kinds = await startKinds("grpc-js", echo);
    const proxy = await TcpProxy.start(portOf(kinds));
    const { client, channel } = connect({ backoff: { initialMs: 60_000 } }, proxy.port);
    for (let i = 0; i < 5; i++) {
      await client.unary({});
      const lost = nextEvent(channel, "disconnected");
      proxy.reset();
      await lost;
    }
    expect([proxy.accepted, dns.queries]).toEqual([5, 2]);
    await proxy.stop();
  });

  test("that gets another address beside its own: no connection is touched with pick_first", async () => {
    const { log, answers } = connect({ resolveEveryMs: 10 });
    expect(await answers(1)).toEqual([first]);
    dns.addresses = [second, first];
    await lookedUp();
    expect(await answers(5)).toEqual([first]);
    expect(log).toEqual([`connected ${first}:${port}`]);
  });

  test("that moves: pick_first follows when the new connection is there, and keeps the old one until then", async () => {
    const { channel, log, answers } = connect({ resolveEveryMs: 10 });
    expect(await answers(1)).toEqual([first]);
    // Nobody is there.
    dns.addresses = ["127.0.0.4"];
    await lookedUp();
    expect(await answers(5)).toEqual([first]);
    dns.addresses = [second];
    while (log.length < 3) expect((await answers(1)).length).toBe(1);
    expect(log).toEqual([`connected ${first}:${port}`, `connected ${second}:${port}`, `disconnected ${first}:${port}`]);
    expect(await answers(5)).toEqual([second]);
    expect(channel.stats).toMatchObject({ callsFailed: 0, state: "READY" });
  });

  test("whose addresses come in another order is where it was: nothing is tried before its time", async () => {
    dns.addresses = ["127.0.0.4", "127.0.0.5"];
    const { client, log } = connect({ resolveEveryMs: 10, backoff: { initialMs: 60_000 } });
    await expect(client.unary({})).rejects.toMatchObject({ code: Code.UNAVAILABLE });
    dns.addresses = ["127.0.0.5", "127.0.0.4"];
    await lookedUp();
    await lookedUp();
    expect(log).toEqual(["backoff"]);
  });

  test("that moves while nobody is there: pick_first does not wait for its turn to try again", async () => {
    dns.addresses = ["127.0.0.4"];
    const { channel, client } = connect({ resolveEveryMs: 10, backoff: { initialMs: 60_000 } });
    await expect(client.unary({})).rejects.toMatchObject({
      details: expect.stringMatching(/ECONNREFUSED 127\.0\.0\.4/),
    });
    expect(channel.state).toBe("TRANSIENT_FAILURE");
    dns.addresses = [second];
    expect(await client.unary({}, { waitForReady: true })).toMatchObject({ text: second });
  });

  test("that gets and loses addresses: round_robin connects to the new, and leaves the others as they are", async () => {
    dns.addresses = [first, second];
    const { channel, log, answers } = connect({ resolveEveryMs: 10, loadBalancing: "round_robin" });
    channel.connect();
    await holds(() => log.length === 2);
    dns.addresses = [second, third];
    while (log.length < 4) await answers(1);
    expect(log.slice(2).sort()).toEqual([`connected ${third}:${port}`, `disconnected ${first}:${port}`]);
    expect(await answers(6)).toEqual([second, third]);
    expect(channel.stats).toMatchObject({ callsFailed: 0, state: "READY" });
  });

  test("that moves as a whole: round_robin keeps the old connections until there is a new one", async () => {
    dns.addresses = [first, second];
    const { channel, log, answers } = connect({ resolveEveryMs: 10, loadBalancing: "round_robin" });
    channel.connect();
    await holds(() => log.length === 2);
    dns.addresses = ["127.0.0.4"];
    await nextEvent(channel, "backoff");
    expect(await answers(6)).toEqual([first, second]);
    dns.addresses = [third];
    while (!log.includes(`connected ${third}:${port}`)) await answers(1);
    await holds(() => log.filter((one) => one.startsWith("disconnected")).length === 2);
    expect(await answers(3)).toEqual([third]);
    expect(channel.stats).toMatchObject({ callsFailed: 0, state: "READY" });
  });

  test("that cannot be looked up any more is where it was", async () => {
    const { client, channel, answers } = connect({ backoff: { initialMs: 1, maxMs: 10 } });
    expect(await answers(1)).toEqual([first]);
    const lost = nextEvent(channel, "disconnected");
    await servers[0]!.shutdown();
    await lost;
    dns.addresses = [];
    await expect(client.unary({})).rejects.toMatchObject({
      code: Code.UNAVAILABLE,
      details: `no connection could be made: connect ECONNREFUSED ${first}:${port}`,
    });
  });
});
