/** How calls are spread over the addresses of a target, by the channel of a transport that only speaks on sockets. */
import { jest } from "@jest/globals";
import { Code, type ConnectionEvent, type DialOptions, type LoadBalancing, RpcError, Server } from "@trunkline/runtime";
import {
  type KindsServer,
  kindsClient,
  registerKindsServer,
  UnimplementedKindsServer,
} from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import { inTurn, leastRequest } from "../../runtime/src/connection/load-balancing/choose.js";
import { readPolicy } from "../../runtime/src/connection/load-balancing/read-policy.js";
import { shuffledInTurn } from "../../runtime/src/connection/load-balancing/shuffle.js";
import { type Address, pathAddress, tcpAddress } from "../../runtime/src/connection/resolver/address.js";
import type { SocketConnection } from "../../runtime/src/contract.js";
import { seeded } from "../fuzz/target.js";
import { event } from "../runtime/kinds.js";
import { socketTransports } from "./node-http2.js";
import { becomes, dialled, holds, nextEvent, stopProxied } from "./proxied.js";
import { TcpProxy } from "./tcp-proxy.js";

const servers: Server[] = [];
afterEach(async () => {
  jest.restoreAllMocks();
  await stopProxied();
  await Promise.all(servers.splice(0).map((server) => server.shutdown()));
});

/** Answers with its own address. */
async function serve(address = "127.0.0.1:0", methods: Partial<KindsServer> = {}, options = {}) {
  const server = new Server(options);
  servers.push(server);
  const who = { unary: () => ({ text: bound.address }), ...methods };
  registerKindsServer(server, Object.assign(new UnimplementedKindsServer(), who));
  const bound = await server.listen(address);
  return { server, address: bound.address };
}

async function portOfServed(): Promise<number> {
  return Number((await serve()).address.split(":")[1]);
}

/** Chance, the same each time. */
function chanceOf(seed: number): void {
  jest.spyOn(Math, "random").mockImplementation(seeded(seed).next);
}

/** The peers that are connected, each as often as that has happened. */
function watchConnected(channel: ReturnType<typeof dialled>): string[] {
  const peers: string[] = [];
  channel.onEvent((one: ConnectionEvent) => one.type === "connected" && peers.push(one.peer));
  return peers;
}

async function all(count: number): Promise<string[]> {
  return (await Promise.all(Array.from({ length: count }, () => serve()))).map(({ address }) => address);
}

describe.each(socketTransports)("on $name", ({ name: named, transport }) => {
  function connect(addresses: readonly string[], options: DialOptions = {}) {
    const backoff = { initialMs: 10, maxMs: 20 };
    const channel = dialled(`ipv4:${addresses.join()}`, { transport, backoff, ...options });
    return { channel, client: kindsClient(channel) };
  }

  describe("pick_first", () => {
    test("sends all calls to the first address, with one connection", async () => {
      const addresses = await all(3);
      const { channel, client } = connect(addresses);
      const peers = watchConnected(channel);
      for (let i = 0; i < 10; i++) expect(await client.unary({})).toMatchObject({ text: addresses[0] });
      expect(peers).toEqual([addresses[0]]);
    });

    test("goes to the next address when the first has gone, and stays there when it is back", async () => {
      const [first, second] = [await serve(), await serve()];
      const { channel, client } = connect([first.address, second.address]);
      expect(await client.unary({})).toMatchObject({ text: first.address });
      const lost = becomes(channel, "IDLE");
      await first.server.shutdown();
      await lost;
      expect(await client.unary({})).toMatchObject({ text: second.address });
      await serve(first.address);
      for (let i = 0; i < 5; i++) expect(await client.unary({})).toMatchObject({ text: second.address });
    });
  });

  describe("pick_first with shuffleAddressList", () => {
    const shuffling = { loadBalancing: [{ pick_first: { shuffleAddressList: true } }] };

    test("begins with another address for each of many connections, which then has all calls", async () => {
      const addresses = await all(3);
      chanceOf(1);
      const { client } = connect(addresses, { ...shuffling, connection: "short" });
      const answers: string[] = [];
      for (let i = 0; i < 60; i++) answers.push((await client.unary({})).text);
      for (const address of addresses) expect(answers.filter((one) => one === address).length).toBeGreaterThan(10);
      const long = connect(addresses, shuffling).client;
      const { text } = await long.unary({});
      for (let i = 0; i < 10; i++) expect(await long.unary({})).toMatchObject({ text });
    });

    test("keeps the order of addresses that are not found anew, when it connects again", async () => {
      const proxies = await Promise.all([0, 1].map(async () => TcpProxy.start(await portOfServed())));
      const { channel, client } = connect(
        proxies.map(({ port }) => `127.0.0.1:${port}`),
        shuffling,
      );
      for (let i = 0; i < 12; i++) {
        await client.unary({});
        const lost = nextEvent(channel, "disconnected");
        for (const proxy of proxies) proxy.reset();
        await lost;
      }
      expect(proxies.map(({ accepted }) => accepted).sort((a, b) => a - b)).toEqual([0, 12]);
      await Promise.all(proxies.map((proxy) => proxy.stop()));
    });
  });

  describe("round_robin", () => {
    test("spreads calls evenly, in turn", async () => {
      const addresses = await all(3);
      const { channel, client } = connect(addresses, { loadBalancing: "round_robin" });
      const peers = watchConnected(channel);
      channel.connect();
      await holds(() => peers.length === 3);
      const answers: string[] = [];
      for (let i = 0; i < 9; i++) answers.push((await client.unary({})).text);
      expect(answers.slice(0, 3).sort()).toEqual([...addresses].sort());
      expect(answers.slice(3)).toEqual([...answers.slice(0, 3), ...answers.slice(0, 3)]);
      expect(peers.sort()).toEqual([...addresses].sort());
    });

    test("goes on with those that are there, is READY all the while, and takes one back that returns", async () => {
      const [first, second] = [await serve(), await serve()];
      const { channel, client } = connect([first.address, second.address], { loadBalancing: "round_robin" });
      const peers = watchConnected(channel);
      channel.connect();
      await holds(() => peers.length === 2);
      const states: string[] = [];
      channel.watch((state) => states.push(state));
      const lost = nextEvent(channel, "disconnected");
      await first.server.shutdown();
      await lost;
      for (let i = 0; i < 5; i++) expect(await client.unary({})).toMatchObject({ text: second.address });
      await serve(first.address);
      await holds(() => peers.length === 3);
      const answers = new Set([(await client.unary({})).text, (await client.unary({})).text]);
      expect(answers).toEqual(new Set([first.address, second.address]));
      expect(states).toEqual([]);
    });

    test("fails calls at once while no address can be reached, but for those that want to wait", async () => {
      const { address, server } = await serve();
      await server.shutdown();
      const { channel, client } = connect([address], { loadBalancing: "round_robin" });
      await expect(client.unary({})).rejects.toMatchObject({
        code: Code.UNAVAILABLE,
        details: `no connection could be made: connect ECONNREFUSED ${address}`,
      });
      expect(channel.state).toBe("TRANSIENT_FAILURE");
      const patient = client.unary({}, { waitForReady: true });
      await nextEvent(channel, "backoff");
      // Also while it tries again.
      expect(channel.state).toBe("TRANSIENT_FAILURE");
      await serve(address);
      expect(await patient).toMatchObject({ text: address });
    });
  });

  describe("a server that takes only some calls at a time", () => {
    test("has the others wait, in their order, or go to an address that has room", async () => {
      const began: string[] = [];
      const gates = [event(), event(), event()];
      const unary: KindsServer["unary"] = async ({ text = "" }) => {
        began.push(text);
        await gates[began.length - 1]?.happened;
        return { text };
      };
      const one = await serve("127.0.0.1:0", { unary }, { maxConcurrentStreamsPerConnection: 1 });
      const { channel, client } = connect([one.address]);
      await channel.waitForReady();
      const calls = ["a", "b", "c"].map((text) => client.unary({ text }));
      for (const [i, gate] of gates.entries()) {
        await holds(() => began.length > i);
        expect(began).toEqual(["a", "b", "c"].slice(0, i + 1));
        gate.happen();
      }
      expect((await Promise.all(calls)).map(({ text }) => text)).toEqual(["a", "b", "c"]);
      const other = await serve();
      const both = connect([one.address, other.address], { loadBalancing: "round_robin" });
      const peers = watchConnected(both.channel);
      both.channel.connect();
      await holds(() => peers.length === 2);
      const full = event();
      gates[3] = full;
      const waiting = both.client.unary({ text: "long" });
      const next = both.client.unary({ text: "long" });
      await holds(() => began.length === 4);
      const answers = await Promise.all(Array.from({ length: 5 }, () => both.client.unary({ text: "x" })));
      expect(answers.map(({ text }) => text)).toEqual(Array(5).fill(other.address));
      full.happen();
      expect([(await waiting).text, (await next).text].sort()).toEqual([other.address, "long"].sort());
    });

    test("a call that waits can be cancelled, and reaches its deadline", async () => {
      const gate = event();
      const { address } = await serve(
        "127.0.0.1:0",
        { unary: async () => gate.happened.then(() => ({})) },
        { maxConcurrentStreamsPerConnection: 1 },
      );
      const { channel, client } = connect([address]);
      await channel.waitForReady();
      const first = client.unary({});
      const controller = new AbortController();
      const cancelled = client.unary({}, { signal: controller.signal });
      const late = client.unary({}, { timeoutMs: 20 });
      controller.abort();
      await expect(cancelled).rejects.toMatchObject({ code: Code.CANCELLED });
      await expect(late).rejects.toMatchObject({
        code: Code.DEADLINE_EXCEEDED,
        details: expect.stringMatching(/waited for a connection: there are as many calls on each as its peer takes/),
      });
      expect(channel.stats).toMatchObject({ inFlight: 1 });
      gate.happen();
      await first;
      expect(channel.stats).toMatchObject({ inFlight: 0, callsFailed: 2, callsSucceeded: 1 });
    });
  });

  describe("a policy", () => {
    const usable: LoadBalancing[] = [
      "pick_first",
      "round_robin",
      "least_request",
      [{ least_request_experimental: { choiceCount: 3 } }],
      [{ least_request: {} }],
      [{ pick_first: { shuffleAddressList: true } }],
      [{ nonesuch: {} }, { round_robin: {} }],
      [{ least_request: { choiceCount: 1 } }, { pick_first: {} }],
    ];
    test.each(usable.map((policy) => [JSON.stringify(policy), policy] as const))("can be %s", async (_name, policy) => {
      const [address] = await all(1);
      const { client } = connect([address!], { loadBalancing: policy });
      expect(await client.unary({})).toMatchObject({ text: address });
    });

    test.each<[object[], RegExp]>([
      [
        [{ pick_first: { shuffleAddressList: "yes" } }],
        /pick_first\.shuffleAddressList: must be true or false, not "yes"/,
      ],
      [[{ nonesuch: {} }], /there is no policy nonesuch, only pick_first, round_robin, least_request/],
      [[{ a: {} }, { b: {} }], /there is no policy a, .*; there is no policy b/],
      [[{ toString: {} }], /there is no policy toString/],
      [[{}], /an entry names one policy/],
      [[{ round_robin: {}, pick_first: {} }], /an entry names one policy/],
      [
        [{ least_request: { choiceCount: 1 } }],
        /least_request\.choiceCount: must be a whole number, at least 2, not 1/,
      ],
      [[{ least_request_experimental: { choiceCount: "2" } }], /least_request_experimental\.choiceCount: .*, not "2"/],
    ])("cannot be %j", async (policy, details) => {
      const { client } = connect(["127.0.0.1:1"], { loadBalancing: policy as unknown as LoadBalancing });
      const failure = RpcError.from(await client.unary({}).catch((error) => error));
      expect(failure).toMatchObject({ code: Code.INVALID_ARGUMENT, details: expect.stringMatching(details) });
      expect(failure.details).toMatch(`loadBalancing: the transport ${named} can use none of it: `);
      expect(() => readPolicy(policy as unknown as LoadBalancing, "x")).toThrow(/the transport x can use none of it/);
    });
  });
});

describe("the order of shuffled addresses", () => {
  const named = (...hosts: string[]) => hosts.map((host) => tcpAddress(host, 1));
  const hosts = (addresses: readonly Address[]) => addresses.map(({ name }) => name.slice(0, -2)).join(" ");
  /** How often each order came. */
  const count = (times: number, addresses: readonly Address[]) => {
    const counts = new Map<string, number>();
    for (let i = 0; i < times; i++) {
      const order = hosts(shuffledInTurn(addresses));
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    return counts;
  };

  test("is each as often as any other", () => {
    chanceOf(2);
    const counts = count(24_000, named("10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"));
    expect(counts.size).toBe(24);
    // Of 1,000 each, the deviation is 31: five of them are over one time in a million.
    for (const times of counts.values()) expect(Math.abs(times - 1000)).toBeLessThan(155);
  });

  test("has the families in turn, beginning with that of any address, and each address of it in any order", () => {
    chanceOf(3);
    const counts = count(3000, named("10.0.0.1", "10.0.0.2", "::1"));
    expect([...counts.keys()].sort()).toEqual([
      "10.0.0.1 [::1] 10.0.0.2",
      "10.0.0.2 [::1] 10.0.0.1",
      "[::1] 10.0.0.1 10.0.0.2",
      "[::1] 10.0.0.2 10.0.0.1",
    ]);
    // As often as one in three of all is IPv6, and not as one in two families is.
    const withIPv6First = [...counts].filter(([order]) => order.startsWith("[")).reduce((sum, [, n]) => sum + n, 0);
    expect(Math.abs(withIPv6First - 1000)).toBeLessThan(130);
  });

  test("leaves what was found as it is, and has nothing else in it", () => {
    const found = named("10.0.0.1", "::1", "10.0.0.2");
    expect(new Set(shuffledInTurn(found))).toEqual(new Set(found));
    expect(hosts(found)).toBe("10.0.0.1 [::1] 10.0.0.2");
    expect(shuffledInTurn([])).toEqual([]);
    const path = [pathAddress("/run/x.sock")];
    expect(shuffledInTurn(path)).toEqual(path);
  });
});

describe("the choice of a connection", () => {
  const connection = (callsInFlight: number, hasRoom = true) => ({ callsInFlight, hasRoom }) as SocketConnection;

  test("in turn: none that is full, and none where all are", () => {
    const choose = inTurn();
    const [a, full, b] = [connection(0), connection(0, false), connection(0)];
    const chosen = new Set(Array.from({ length: 6 }, () => choose([a, full, b])));
    expect(chosen).toEqual(new Set([a, b]));
    expect(choose([full])).toBeUndefined();
    expect(choose([])).toBeUndefined();
  });

  test("least_request: the less busy of those that chance takes", () => {
    const choose = leastRequest(2);
    const ready = [connection(5), connection(3), connection(1), connection(0, false)];
    const takes = (...picks: number[]) => {
      const random = jest.spyOn(Math, "random");
      for (const pick of picks) random.mockReturnValueOnce((pick + 0.5) / ready.length);
      return choose(ready)?.callsInFlight;
    };
    expect(takes(0, 1)).toBe(3);
    expect(takes(1, 0)).toBe(3);
    expect(takes(0, 0)).toBe(5);
    expect(takes(3, 0)).toBe(5);
    // Chance has taken the full one only: of the others, the least busy.
    expect(takes(3, 3)).toBe(1);
    expect(choose([connection(0, false)])).toBeUndefined();
    expect(choose([])).toBeUndefined();
  });
});
