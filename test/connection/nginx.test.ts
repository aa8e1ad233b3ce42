/**
 * Which of two servers the calls of one client reach, through a real nginx and without: what docs/load-balancing.md
 * says, counted.
 */
import {
  type ClientChannel,
  type ConnectionStats,
  closeAllConnections,
  type DialOptions,
  dial,
} from "@trunkline/runtime";
import { type KindsClient, kindsClient } from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import { startKinds, stopKinds } from "../runtime/kinds.js";
import { wireTransports } from "../runtime/transports.js";
import { findNginx, Nginx } from "./nginx.js";

const found = findNginx();
const missing = "missing" in found ? found.missing : undefined;

// In a run of many files jest does not show the titles of what it skips.
if (missing !== undefined) console.warn(`nginx.test.ts skips what needs nginx: ${missing}`);
const describeWithNginx = missing === undefined ? describe : describe.skip;
const nginxInFront = `nginx in front${missing === undefined ? "" : ` (skipped: ${missing})`}`;

describe.each(wireTransports)("two servers on $name", ({ transport }) => {
  /** Calls that each has answered. */
  const served = [0, 0];
  let servers: string[];
  let nginx: Nginx;

  beforeAll(async () => {
    servers = [];
    for (const i of served.keys()) {
      const { address } = await startKinds(transport, {
        unary: ({ text }) => {
          served[i]!++;
          return { text };
        },
      });
      servers.push(address);
    }
    if ("program" in found) nginx = await Nginx.start(found.program, servers);
  });
  beforeEach(() => served.fill(0));
  afterEach(() => closeAllConnections());
  afterAll(async () => {
    await nginx?.stop();
    await stopKinds();
  });

  const connect = (target: string, options?: DialOptions) => {
    const channel = dial(target, { transport, ...options });
    return { channel, client: kindsClient(channel) };
  };

  /** Calls until both have answered: a new connection reaches them one after the other. */
  async function reachBoth(client: KindsClient): Promise<void> {
    for (let i = 0; i < 10_000 && served.includes(0); i++) await client.unary({});
    expect(served).not.toContain(0);
    served.fill(0);
  }

  describe("with nothing in front", () => {
    const list = () => `ipv4:${servers.join()}`;

    test("pick_first: all calls go to one", async () => {
      const { client } = connect(list());
      await oneByOne(client, 100);
      await atOnce(client, 100);
      expect([...served].sort()).toEqual([0, 200]);
    });

    test("round_robin: both get as many", async () => {
      const { client } = connect(list(), { loadBalancing: "round_robin" });
      await reachBoth(client);
      await oneByOne(client, 100);
      await atOnce(client, 100);
      expect(served).toEqual([100, 100]);
    });
  });

  describeWithNginx(nginxInFront, () => {
    test("layer 7: both get as many calls of one connection", async () => {
      const { client, channel } = connect(nginx.layer7);
      await oneByOne(client, 100);
      await atOnce(client, 100);
      expect(served).toEqual([100, 100]);
      expect(channel.stats).toMatchObject({ channels: 1, reconnects: 0 });
    });

    test("layer 7 ends a connection after 1,000 calls, and none fails", async () => {
      const { client, channel } = connect(nginx.layer7);
      const { callsSucceeded, callsFailed } = await callUntil(1, client, channel);
      expect(Math.abs(served[0]! - served[1]!)).toBeLessThanOrEqual(1);
      expect({ callsSucceeded, callsFailed }).toEqual({ callsSucceeded: served[0]! + served[1]!, callsFailed: 0 });
    });

    test("layer 4: all calls of one connection go to one", async () => {
      const { client, channel } = connect(nginx.layer4);
      await oneByOne(client, 100);
      await atOnce(client, 100);
      expect([...served].sort()).toEqual([0, 200]);
      expect(channel.stats).toMatchObject({ channels: 1, reconnects: 0 });
    });

    test("layer 4, round_robin: there is one address, so all calls go to one", async () => {
      const { client } = connect(`ipv4:${nginx.layer4}`, { loadBalancing: "round_robin" });
      await oneByOne(client, 200);
      expect([...served].sort()).toEqual([0, 200]);
    });

    /** A pool that is whole: a call goes to what is connected before it goes to what is not. */
    async function connectPool(options: DialOptions["pool"]): Promise<KindsClient> {
      const { client, channel } = connect(nginx.layer4, { pool: { size: 4, ...options } });
      await new Promise<void>((resolve) => {
        let connected = 0;
        channel.onEvent(({ type }) => {
          if (type === "connected" && ++connected === 4) resolve();
        });
        channel.connect();
      });
      await client.unary({});
      served.fill(0);
      return client;
    }

    test("layer 4, a pool: both get as many of the calls that are in flight together", async () => {
      await atOnce(await connectPool({}), 200);
      expect(served).toEqual([100, 100]);
    });

    test("layer 4, a pool in turn: both get as many of the calls that follow each other", async () => {
      await oneByOne(await connectPool({ pick: "round-robin" }), 200);
      expect(served).toEqual([100, 100]);
    });

    test("layer 4, maxAgeMs: the calls move from one to the other, and none fails", async () => {
      const { client, channel } = connect(nginx.layer4, { maxAgeMs: 50 });
      const { callsSucceeded, callsFailed } = await callUntil(6, client, channel);
      expect(served).not.toContain(0);
      expect({ callsSucceeded, callsFailed }).toEqual({ callsSucceeded: served[0]! + served[1]!, callsFailed: 0 });
    });
  });
});

async function oneByOne(client: KindsClient, calls: number): Promise<void> {
  for (let i = 0; i < calls; i++) await client.unary({});
}

async function atOnce(client: KindsClient, calls: number): Promise<void> {
  await Promise.all(Array.from({ length: calls }, () => client.unary({})));
}

/** Eight calls at a time, until the connection has been made anew so many times. */
async function callUntil(reconnects: number, client: KindsClient, channel: ClientChannel): Promise<ConnectionStats> {
  const callers = Array.from({ length: 8 }, async () => {
    for (let i = 0; i < 20_000 && channel.stats.reconnects < reconnects; i++) await client.unary({});
  });
  await Promise.all(callers);
  expect(channel.stats.reconnects).toBeGreaterThanOrEqual(reconnects);
  return channel.stats;
}
