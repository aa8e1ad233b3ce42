/** Names whose addresses change: a DNS server of our own, and two servers on the same port of two loopback addresses. */
import { jest } from "@jest/globals";
import { Code, type DialOptions, insecure, Server } from "@trunkline/runtime";
import {
  type KindsClient,
  kindsClient,
  registerKindsServer,
  UnimplementedKindsServer,
} from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import { wireTransports } from "../runtime/transports.js";
import { DnsServer } from "./dns-server.js";
import { becomes, dialled, holds, stopProxied } from "./proxied.js";

// Makes grpc-js ask the DNS server that a target names. It reads this when it is loaded, which the first dial does.
process.env.GRPC_NODE_USE_ALTERNATIVE_RESOLVER = "true";

const first = "127.0.0.1";
const second = "127.0.0.2";

describe.each(wireTransports)("a name on $name", ({ transport }) => {
  let dns: DnsServer;
  let servers: Record<typeof first | typeof second, Server>;
  let port: number;

  beforeEach(async () => {
    dns = await DnsServer.start();
    servers = { [first]: serverAt(first), [second]: serverAt(second) };
    ({ port } = await servers[first].listen(`${first}:0`));
    await servers[second].listen(`${second}:${port}`);
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await stopProxied();
    await Promise.all(Object.values(servers).map((server) => server.shutdown()));
    await dns.stop();
  });

  /** Answers with its own address. */
  function serverAt(host: string): Server {
    const server = new Server({ transport });
    registerKindsServer(server, Object.assign(new UnimplementedKindsServer(), { unary: () => ({ text: host }) }));
    return server;
  }

  function connect(options: DialOptions = {}) {
    const target = `dns://${dns.address}/greeter.test:${port}`;
    const channel = dialled(target, { transport, credentials: insecure(), ...options });
    return { channel, client: kindsClient(channel) };
  }

  /** What process warnings are about, from now on. */
  function watchWarnings(): unknown[][] {
    return jest.spyOn(process, "emitWarning").mockImplementation(() => {}).mock.calls;
  }

  test("with two addresses: round_robin spreads the calls evenly, and warns of nothing", async () => {
    const warnings = watchWarnings();
    dns.addresses = [first, second];
    const { client, channel } = connect({ loadBalancing: "round_robin" });
    await reaches(client, first);
    await reaches(client, second);
    const served = { [first]: 0, [second]: 0 };
    for (let i = 0; i < 100; i++) served[(await client.unary({})).text as keyof typeof served]++;
    expect(served).toEqual({ [first]: 50, [second]: 50 });
    expect(channel.stats.callsFailed).toBe(0);
    expect(warnings).toEqual([]);
  });

  test("with one address: round_robin warns, once for all connections to it; pick_first does not", async () => {
    const warnings = watchWarnings();
    dns.addresses = [first];
    await connect({ resolveEveryMs: 10 }).client.unary({});
    expect(warnings).toEqual([]);
    for (const resolveEveryMs of [10, 20]) {
      await connect({ loadBalancing: "round_robin", resolveEveryMs }).client.unary({});
    }
    const before = dns.queries;
    await holds(() => dns.queries >= before + 20);
    expect(warnings).toEqual([
      [
        expect.stringMatching(/^round_robin has one address for dns:.*greeter\.test:\d+: all calls go to it\./),
        { type: "TrunklineWarning", code: "TRUNKLINE_ONE_ADDRESS" },
      ],
    ]);
  });

  test("that moves: with resolveEveryMs the calls move, there and back, and none fails", async () => {
    dns.addresses = [first];
    const { client, channel } = connect({ resolveEveryMs: 100 });
    expect(await client.unary({})).toMatchObject({ text: first });
    for (const host of [second, first]) {
      dns.addresses = [host];
      await Promise.all(Array.from({ length: 8 }, () => reaches(client, host)));
      for (let i = 0; i < 20; i++) expect(await client.unary({})).toMatchObject({ text: host });
    }
    expect(channel.stats).toMatchObject({ callsFailed: 0, reconnects: 2, channels: 1 });
  });

  test("that gets one more address: with round_robin and resolveEveryMs it gets calls, and none fails", async () => {
    watchWarnings();
    dns.addresses = [first];
    const { client, channel } = connect({ loadBalancing: "round_robin", resolveEveryMs: 100 });
    expect(await client.unary({})).toMatchObject({ text: first });
    dns.addresses = [first, second];
    await reaches(client, second);
    expect(channel.stats.callsFailed).toBe(0);
  });

  test("that moves when its server goes away: a call that waits reaches the next", async () => {
    dns.addresses = [first];
    const { client } = connect({ backoff: { initialMs: 20, maxMs: 20 } });
    expect(await client.unary({})).toMatchObject({ text: first });
    await servers[first].shutdown();
    dns.addresses = [second];
    expect(await client.unary({}, { waitForReady: true })).toMatchObject({ text: second });
  });

  test("that moves when its server goes away: with resolveEveryMs the calls follow", async () => {
    dns.addresses = [first];
    const { client, channel } = connect({ resolveEveryMs: 100 });
    expect(await client.unary({})).toMatchObject({ text: first });
    await servers[first].shutdown();
    dns.addresses = [second];
    await reachesAfterFailures(client, second);
    const { callsFailed } = channel.stats;
    expect(await client.unary({}, { waitForReady: true })).toMatchObject({ text: second });
    expect(channel.stats).toMatchObject({ callsFailed, state: "READY" });
  });

  test("that moves while the connection is idle: the next call looks it up anew", async () => {
    dns.addresses = [first];
    const { client, channel } = connect({ idleTimeoutMs: 50 });
    expect(await client.unary({})).toMatchObject({ text: first });
    await becomes(channel, "IDLE");
    dns.addresses = [second];
    expect(await client.unary({})).toMatchObject({ text: second });
  });

  test("with an IPv6 address that nobody listens on: calls fail with it, and go to the next there is", async () => {
    dns.addresses = ["::1"];
    const { client } = connect({ resolveEveryMs: 100 });
    await expect(client.unary({})).rejects.toMatchObject({ details: expect.stringMatching(/connect E\w+ ::1:\d+/) });
    dns.addresses = ["::1", first];
    await reachesAfterFailures(client, first);
  });
});

/** Calls until this server answers. */
async function reaches(client: KindsClient, host: string): Promise<void> {
  while ((await client.unary({})).text !== host);
}

/** The same, where nobody may be there to answer. */
async function reachesAfterFailures(client: KindsClient, host: string): Promise<void> {
  while (true) {
    const [outcome] = await Promise.allSettled([client.unary({})]);
    if (outcome.status === "rejected") expect(outcome.reason).toMatchObject({ code: Code.UNAVAILABLE });
    else if (outcome.value.text === host) return;
    await new Promise(setImmediate);
  }
}
