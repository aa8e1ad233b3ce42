import {
  Code,
  configureConnections,
  type DialOptions,
  dial,
  insecure,
  RpcError,
  resetConnectionsForTest,
} from "@trunkline/runtime";
import { kindsClient } from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import { wireTransports } from "../runtime/transports.js";
import { echo, holds, type Proxied, startProxied, stopProxied } from "./proxied.js";

afterEach(async () => {
  await stopProxied();
  await resetConnectionsForTest();
});

const ends: { [end: string]: (proxied: Proxied) => Promise<unknown> } = {
  success: ({ client }) => client.unary({}),
  error: ({ client }) => expect(client.unary({ text: "fail" })).rejects.toMatchObject({ code: Code.NOT_FOUND }),
  async cancellation({ client }) {
    const controller = new AbortController();
    const call = client.unary({ text: "hang" }, { signal: controller.signal });
    controller.abort();
    await expect(call).rejects.toMatchObject({ code: Code.CANCELLED });
  },
  deadline: ({ client }) =>
    expect(client.unary({ text: "hang" }, { timeoutMs: 100 })).rejects.toMatchObject({ code: Code.DEADLINE_EXCEEDED }),
  async "a stream's own end"({ client }) {
    for await (const _ of client.bidiStream([{}, {}]));
  },
  async "leaving a stream"({ client }) {
    for await (const _ of client.serverStream({})) break;
  },
  "a client's stream": ({ client }) => client.clientStream([{}, {}]),
};

const methods = {
  ...echo,
  unary: ({ text = "" }: { text?: string }) => {
    if (text === "fail") throw new RpcError(Code.NOT_FOUND, "as the test wants it");
    return text === "hang" ? new Promise<never>(() => {}) : { text };
  },
};

describe.each(wireTransports)("a short connection on $name", ({ transport }) => {
  test.each(Object.entries(ends))("is closed after its call: %s", async (_end, call) => {
    const proxied = await startProxied(transport, { connection: "short" }, { ...methods });
    const { proxy, channel } = proxied;
    await call(proxied);
    await holds(() => proxy.open === 0);
    await call(proxied);
    await holds(() => proxy.open === 0);
    // A call that is cancelled at once may never have connected.
    expect(proxy.accepted).toBeLessThanOrEqual(2);
    expect(channel.state).toBe("IDLE");
    expect(channel.stats).toMatchObject({ inFlight: 0, queued: 0, channels: 0 });
  });

  test("each call has its own, at the same time too", async () => {
    const { proxy, client } = await startProxied(transport, { connection: "short" }, { ...methods });
    await Promise.all([1, 2, 3].map(() => client.unary({})));
    expect(proxy.accepted).toBe(3);
    await holds(() => proxy.open === 0);
  });

  test("a thousand leave no socket and no timer", async () => {
    const { proxy, client } = await startProxied(transport, { connection: "short" }, { ...methods });
    await client.unary({});
    await holds(() => proxy.open === 0);
    const before = process.getActiveResourcesInfo().length;
    for (let i = 0; i < 20; i++) await Promise.all(Array.from({ length: 50 }, () => client.unary({})));
    await holds(() => proxy.open === 0);
    expect(proxy.accepted).toBe(1001);
    await holds(() => process.getActiveResourcesInfo().length <= before);
  });

  test("close() refuses later calls", async () => {
    const { channel, client } = await startProxied(transport, { connection: "short" }, { ...methods });
    await channel.close();
    await expect(client.unary({})).rejects.toThrow(/was closed; dial it again/);
    await expect(channel.waitForReady()).rejects.toThrow(/are short: each call makes its own/);
  });

  const custom: [string, DialOptions, DialOptions][] = [
    ["credentials", { credentials: insecure() }, {}],
    ["a limit", { maxReceiveMessageBytes: 1000 }, {}],
    ["defaults of calls, which are no options of the connection", {}, { timeoutMs: 5000, interceptors: [] }],
  ];
  test.each(custom)('customOptions: "short": %s', async (_what, short, long) => {
    const { proxy } = await startProxied(transport);
    configureConnections({ customOptions: "short", defaults: { transport } });
    const isCustom = Object.keys(short).length > 0;
    const client = kindsClient(dial(proxy.address, { ...short, ...long }));
    await client.unary({});
    await client.unary({});
    expect(proxy.accepted).toBe(isCustom ? 2 : 1);
  });

  test("longConnections: false makes all short, and the environment overrules it", async () => {
    const { proxy } = await startProxied(transport);
    const twice = async (options: DialOptions = {}) => {
      const before = proxy.accepted;
      const client = kindsClient(dial(proxy.address, { transport, ...options }));
      await client.unary({});
      await client.unary({});
      return proxy.accepted - before;
    };
    configureConnections({ longConnections: false });
    expect(await twice()).toBe(2);
    expect(await twice({ connection: "long", pool: { size: 2 } })).toBe(2);
    try {
      process.env.TRUNKLINE_LONG_CONNECTIONS = "on";
      expect(await twice()).toBe(1);
      configureConnections({});
      process.env.TRUNKLINE_LONG_CONNECTIONS = "off";
      expect(await twice()).toBe(2);
      process.env.TRUNKLINE_LONG_CONNECTIONS = "perhaps";
      expect(() => dial(proxy.address)).toThrow(/TRUNKLINE_LONG_CONNECTIONS: must be on or off, not "perhaps"/);
    } finally {
      delete process.env.TRUNKLINE_LONG_CONNECTIONS;
    }
  });
});
