/** What docs/transports.md says that a transport cannot do, and what happens then. */
import { getChannelzHandlers } from "@grpc/grpc-js";
import { Code, type DialOptions, dial, insecure, type LoadBalancing, Server, type Transport } from "@trunkline/runtime";
import { kindsClient } from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import { createChannel } from "../../runtime/src/connection/open-channel.js";
import { readSettings } from "../../runtime/src/connection/settings.js";
import { startKinds } from "../runtime/kinds.js";
import { loopback } from "../runtime/loopback.js";
import { wireTransports } from "../runtime/transports.js";
import { echo, nextEvent, startProxied, stopProxied } from "./proxied.js";

afterEach(stopProxied);

const grpcJs = wireTransports.filter(({ name }) => name === "grpc-js");

describe.each(grpcJs)("$name", ({ transport }) => {
  test("a server that is to enforce keepalive says that it cannot", async () => {
    const server = new Server({ transport: "grpc-js", keepaliveEnforcement: { minTimeMs: 1000 } });
    await expect(server.listen("127.0.0.1:0")).rejects.toMatchObject({
      code: Code.UNIMPLEMENTED,
      details: "keepaliveEnforcement: the transport grpc-js cannot enforce how often clients ping (docs/transports.md)",
    });
  });

  test("says of itself what it cannot do", async () => {
    const { grpcJs } = await import("../../runtime/src/transport/grpc-js/grpc-js.js");
    const settings = readSettings("localhost:1", { credentials: insecure() });
    const observer = { onState: () => {}, onEvent: () => {}, onCallEnd: () => {} };
    const channel = await createChannel(grpcJs, { ...settings, credentials: insecure() }, observer);
    expect(channel.capabilities).toEqual({ ping: false, compressionPerCall: false });
    await channel.drain(0);
  });

  test("cannot ping", async () => {
    const { channel } = await startProxied(transport);
    await expect(channel.ping()).rejects.toMatchObject({
      code: Code.UNIMPLEMENTED,
      details: "the transport grpc-js cannot ping",
    });
  });

  const unusable: [string, object[], RegExp][] = [
    ["a policy that it does not know", [{ nonesuch: {} }], /Unrecognized load balancing config name nonesuch/],
    ["one that it cannot read", [{ outlier_detection: { interval: "10s", child_policy: [{ round_robin: {} }] } }], /./],
  ];
  test.each(unusable)("refuses %s", async (_what, loadBalancing, details) => {
    const { client } = await startProxied(transport, { loadBalancing } as DialOptions);
    await expect(client.unary({})).rejects.toMatchObject({
      code: Code.INVALID_ARGUMENT,
      details: expect.stringMatching(/loadBalancing: the transport grpc-js can use none of it/),
    });
    await expect(client.unary({})).rejects.toThrow(details);
  });

  const usable: LoadBalancing[] = [
    "pick_first",
    "round_robin",
    [{ nonesuch: {} }, { round_robin: {} }],
    [{ weighted_round_robin: {} }],
    [{ outlier_detection: { interval: { seconds: 10, nanos: 0 }, child_policy: [{ round_robin: {} }] } }],
  ];
  test.each(usable.map((policy) => [JSON.stringify(policy), policy] as const))(
    "takes %s",
    async (_name, loadBalancing) => {
      const { client } = await startProxied(transport, { loadBalancing });
      expect(await client.unary({ text: "balanced" })).toMatchObject({ text: "balanced" });
    },
  );

  test("keeps the books of channelz only where it is asked to", async () => {
    const books = async (channelz: boolean) => {
      const { channel, proxy } = await startProxied(transport, { channelz });
      await channel.waitForReady();
      const { channel: listed } = await new Promise<{ channel: { data: { target: string } }[] }>((resolve) => {
        const call = { request: { start_channel_id: "0", max_results: "1000" } };
        getChannelzHandlers().GetTopChannels(call as never, (_error, answer) => resolve(answer as never));
      });
      return listed.some(({ data }) => data.target.includes(proxy.address));
    };
    expect([await books(false), await books(true)]).toEqual([false, true]);
  });

  test("makes a new connection instead of probing an idle one", async () => {
    const { client, proxy } = await startProxied(transport, { probeAfterIdleMs: 0 });
    for (let i = 1; i <= 3; i++) {
      const then = performance.now();
      while (performance.now() === then);
      await client.unary({});
      expect(proxy.accepted).toBe(i);
    }
  });

  test("reports an outage once, with the wait before the second attempt", async () => {
    const { channel, proxy } = await startProxied(transport, { backoff: { initialMs: 20, maxMs: 20 } });
    proxy.silence(true);
    await proxy.stop();
    const events: string[] = [];
    channel.onEvent((event) => events.push(event.type));
    await expect(channel.waitForReady({ timeoutMs: 200 })).rejects.toMatchObject({ code: Code.DEADLINE_EXCEEDED });
    expect(events).toEqual(["backoff"]);
  });

  test("sees that a peer sent GOAWAY where calls go on, and not its code; else that it closed", async () => {
    const { channel, client, kinds } = await startProxied(transport);
    const events: string[] = [];
    channel.onEvent((event) => events.push("reason" in event ? `${event.type}: ${event.reason}` : event.type));
    const stream = client.serverStream({})[Symbol.asyncIterator]();
    await stream.next();
    const goaway = nextEvent(channel, "goaway");
    void kinds.server.shutdown({ graceMs: 10_000 });
    await goaway;
    await stream.return?.();
    await nextEvent(channel, "disconnected");
    const other = await startProxied(transport);
    await other.channel.waitForReady();
    const closed = nextEvent(other.channel, "disconnected");
    void other.kinds.server.shutdown();
    expect(await closed).toMatchObject({ reason: "closed by the peer" });
    expect(events).toEqual(["connected", "goaway: the peer takes no more calls", "disconnected: closed by the peer"]);
  });
});

describe("a transport that can ping", () => {
  const pings: number[] = [];
  let answers = true;
  let made = 0;
  const transport: Transport = {
    ...loopback,
    name: "loopback with ping",
    connect(options, observer) {
      made++;
      return Object.assign(loopback.connect(options, observer), {
        capabilities: { ping: true },
        ping: async (deadline: number) => {
          pings.push(deadline - performance.now());
          if (!answers) throw new Error("nobody answers");
          return 1;
        },
      });
    },
  };

  test("has a ping, and an idle connection is probed by it: kept where the peer answers, replaced where not", async () => {
    const { address } = await startKinds(transport, echo);
    const channel = dial(address, { transport, probeAfterIdleMs: 0, connectTimeoutMs: 500 });
    const client = kindsClient(channel);
    await client.unary({});
    const idle = () => {
      const then = performance.now();
      while (performance.now() === then);
    };
    idle();
    expect(await Promise.all([client.unary({ text: "a" }), client.unary({ text: "b" })])).toHaveLength(2);
    expect([made, pings.length]).toEqual([1, 1]);
    expect(pings[0]).toBeLessThanOrEqual(500);
    idle();
    answers = false;
    expect(await client.unary({ text: "c" })).toMatchObject({ text: "c" });
    expect([made, pings.length]).toEqual([2, 2]);
    answers = true;
    expect(await channel.ping()).toBe(1);
    await channel.close();
  });
});
