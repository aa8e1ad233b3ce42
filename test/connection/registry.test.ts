import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { jest } from "@jest/globals";
import {
  Code,
  closeAllConnections,
  configureConnections,
  connections,
  type DialOptions,
  dial,
  insecure,
  RpcError,
  resetConnectionsForTest,
  tls,
} from "@trunkline/runtime";
import { kindsClient, sharedKindsClient } from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import { wireTransports } from "../runtime/transports.js";
import { echo, nextEvent, portOf, startProxied, stopProxied } from "./proxied.js";

afterEach(async () => {
  await stopProxied();
  await resetConnectionsForTest();
});

describe.each(wireTransports)("one connection per peer on $name", ({ transport }) => {
  test("a thousand concurrent first calls make one", async () => {
    const { client, proxy, channel } = await startProxied(transport);
    const answers = await Promise.all(Array.from({ length: 1000 }, (_, i) => client.unary({ text: `${i}` })));
    expect(answers.map(({ text }) => Number(text)).reduce((sum, one) => sum + one)).toBe(499_500);
    expect(proxy.accepted).toBe(1);
    expect(channel.stats).toMatchObject({ callsStarted: 1000, callsSucceeded: 1000, queued: 0, inFlight: 0 });
  });

  test("credentials and resolvers may be asynchronous: one connection, each asked once", async () => {
    const { proxy, kinds } = await startProxied(transport);
    const asked: string[] = [];
    const options: DialOptions = {
      transport,
      async credentials(target) {
        asked.push(`credentials of ${target}`);
        await new Promise(setImmediate);
        return insecure();
      },
      async resolver(target) {
        asked.push(`address of ${target}`);
        await new Promise(setImmediate);
        return `ipv4:${proxy.address}`;
      },
    };
    const clients = [1, 2, 3].map(() => kindsClient(dial("greeter.example:1", options)));
    await Promise.all(clients.flatMap((client) => [1, 2, 3].map(() => client.unary({}))));
    expect(asked).toEqual(["credentials of dns:///greeter.example:1", "address of dns:///greeter.example:1"]);
    expect(proxy.accepted).toBe(1);
    expect(kinds.address).not.toBe(proxy.address);
  });

  test("a resolver is asked again where nobody answers any more, and so is whoever makes credentials", async () => {
    const [one, two] = [await startProxied(transport), await startProxied(transport)];
    let where = one.proxy.address;
    let asked = 0;
    const channel = dial("greeter.example:1", {
      transport,
      backoff: { initialMs: 10, maxMs: 20 },
      resolver: () => `ipv4:${where}`,
      credentials: () => (++asked === 2 ? tls() : insecure()),
    });
    const client = kindsClient(channel);
    await client.unary({});
    where = two.proxy.address;
    const lost = nextEvent(channel, "disconnected");
    await one.proxy.stop();
    await lost;
    expect(await client.unary({ text: "moved" }, { waitForReady: true })).toMatchObject({ text: "moved" });
    // The second time it made what does not fit.
    expect(asked).toBeGreaterThan(2);
  });

  test("what fails to open is forgotten: its calls fail, and the next call tries again", async () => {
    const { proxy } = await startProxied(transport);
    let attempts = 0;
    const options: DialOptions = {
      transport,
      credentials: async () => {
        if (++attempts === 1) throw new Error("the vault is sealed");
        return attempts === 2 ? ({} as never) : insecure();
      },
    };
    const client = kindsClient(dial(proxy.address, options));
    const both = await Promise.allSettled([client.unary({}), client.unary({})]);
    for (const one of both) {
      expect(one).toMatchObject({ reason: { code: Code.UNAVAILABLE, cause: { message: "the vault is sealed" } } });
    }
    await expect(client.unary({})).rejects.toThrow(/credentials: must be made by tls\(\) or insecure\(\)/);
    await client.unary({});
    expect([attempts, proxy.accepted]).toEqual([3, 1]);
  });

  test("waitForReady() tries again what fails to open, and keeps its deadline", async () => {
    const { proxy } = await startProxied(transport);
    let attempts = 0;
    const make = async () => {
      if (++attempts < 3) throw new Error("the vault is sealed");
      return insecure();
    };
    const backoff = { initialMs: 10, maxMs: 20 };
    await dial(proxy.address, { transport, backoff, credentials: make }).waitForReady();
    expect(attempts).toBe(3);
    const never = dial(proxy.address, { transport, backoff, credentials: () => Promise.reject(new Error("no vault")) });
    await expect(never.waitForReady({ timeoutMs: 100 })).rejects.toMatchObject({
      code: Code.DEADLINE_EXCEEDED,
      details: expect.stringMatching(/is still (IDLE|CONNECTING): .*no vault/),
    });
  });

  test("a connection that is closed while it is being opened is closed when it is open", async () => {
    const { proxy } = await startProxied(transport);
    let open!: () => void;
    const opening = new Promise<void>((resolve) => {
      open = resolve;
    });
    const channel = dial(proxy.address, { transport, credentials: () => opening.then(() => insecure()) });
    const call = kindsClient(channel).unary({});
    const closed = channel.close();
    await expect(call).rejects.toMatchObject({ code: Code.UNAVAILABLE });
    open();
    await closed;
    expect([proxy.accepted, channel.state]).toEqual([0, "SHUTDOWN"]);
    const again = dial(proxy.address, { transport });
    await kindsClient(again).unary({});
    await again.close();
  });

  test("close() during connect and with streams open ends the calls, with UNAVAILABLE", async () => {
    const { proxy, channel, client } = await startProxied(transport);
    proxy.delay(50);
    const connecting = client.unary({});
    await channel.close();
    await expect(connecting).rejects.toMatchObject({ code: Code.UNAVAILABLE });
    proxy.delay(0);
    const again = dial(proxy.address, { transport });
    const stream = kindsClient(again).serverStream({})[Symbol.asyncIterator]();
    await stream.next();
    await again.close();
    const readOn = async () => {
      while (!(await stream.next()).done);
    };
    await expect(readOn()).rejects.toMatchObject({ code: Code.UNAVAILABLE });
  });

  test("connections() lists them, closeAllConnections() closes them", async () => {
    const { proxy, client, kinds } = await startProxied(transport);
    await client.unary({});
    dial("localhost:1", { transport });
    const listed = connections();
    expect(listed.map(({ target }) => target).sort()).toEqual(
      [`dns:///${kinds.address}`, `dns:///${proxy.address}`, "dns:///localhost:1"].sort(),
    );
    expect(listed.find(({ target }) => target.includes(proxy.address))?.stats.callsStarted).toBe(1);
    await closeAllConnections();
    expect(connections()).toEqual([]);
    expect(listed.map(({ state }) => state)).toEqual(["SHUTDOWN", "SHUTDOWN", "SHUTDOWN"]);
    await expect(client.unary({})).rejects.toThrow(/was closed/);
  });

  test("a worker thread has connections of its own", async () => {
    const { proxy, client } = await startProxied(transport);
    await client.unary({});
    const program = new URL("../programs/one-call.ts", import.meta.url).href;
    const loadIt = `import("tsx/esm/api").then(({ register }) => (register(), import(${JSON.stringify(program)})))`;
    const worker = new Worker(loadIt, { eval: true, argv: [proxy.address, transport], stdout: true });
    const [code] = await once(worker, "exit");
    expect([code, proxy.accepted]).toEqual([0, 2]);
  });
});

describe("the rules of connections", () => {
  test("defaults, targets and services; what a dial says wins", async () => {
    const { kinds } = await startProxied("grpc-js");
    const address = `localhost:${portOf(kinds)}`;
    configureConnections({
      defaults: { timeoutMs: 1, maxReceiveMessageBytes: 1000 },
      targets: { [`dns:///${address}`]: { timeoutMs: 5000 } },
      services: { "kinds.v1.Kinds": address },
    });
    expect(await sharedKindsClient().unary({ text: "found" })).toMatchObject({ text: "found" });
    expect(sharedKindsClient()).toBe(sharedKindsClient(address));
    await expect(sharedKindsClient().unary({ text: "x".repeat(2000) })).rejects.toMatchObject({
      code: Code.RESOURCE_EXHAUSTED,
    });
    const roomy = kindsClient(dial(address, { maxReceiveMessageBytes: 10_000 }));
    expect(await roomy.unary({ text: "x".repeat(2000) })).toMatchObject({ text: "x".repeat(2000) });
    await expect(kindsClient(dial("localhost:1")).unary({}, { waitForReady: true })).rejects.toMatchObject({
      code: Code.DEADLINE_EXCEEDED,
    });
  });

  test("the environment names targets, over the rules", async () => {
    const { kinds } = await startProxied("grpc-js", {}, { ...echo });
    configureConnections({ services: { "kinds.v1.Kinds": "localhost:1" } });
    try {
      process.env.TRUNKLINE_TARGET_KINDS_V1_KINDS = kinds.address;
      expect(await sharedKindsClient().unary({ text: "env" })).toMatchObject({ text: "env" });
    } finally {
      delete process.env.TRUNKLINE_TARGET_KINDS_V1_KINDS;
    }
    configureConnections({});
    expect(() => sharedKindsClient()).toThrow(
      /no target is known for kinds\.v1\.Kinds; .*configureConnections.* TRUNKLINE_TARGET_KINDS_V1_KINDS/,
    );
  });

  const bad: [string, unknown, RegExp][] = [
    ["nothing", undefined, /must be given an object/],
    ["an unknown rule", { longConnection: true }, /longConnection: there is no such rule, only longConnections/],
    ["a switch that is none", { longConnections: "no" }, /longConnections: must be true or false, not "no"/],
    ["customOptions", { customOptions: "none" }, /customOptions: must be "long" or "short", not "none"/],
    ["an unreadable target", { targets: { "http://x": {} } }, /scheme "http" is unknown/],
    ["an unreadable target of a service", { services: { "a.B": "a:b:c" } }, /cannot read the target "a:b:c"/],
  ];
  test.each(bad)("%s is refused", (_what, rules, message) => {
    expect(() => configureConnections(rules as never)).toThrow(message);
    expect(() => configureConnections(rules as never)).toThrow(RpcError);
  });

  const options: [string, object, RegExp][] = [
    ["an unknown option", { retries: 3 }, /retries: there is no such dial option/],
    ["TLS options without TLS", { ca: "pem" }, /ca: .* it is one of tls\(\): credentials: tls\(\{ ca \}\)/],
    ["connection", { connection: "medium" }, /connection: must be one of long, short, not "medium"/],
    ["a negative time", { idleTimeoutMs: -1 }, /idleTimeoutMs: must be a number of milliseconds, at least 1, not -1/],
    ["a time that is text", { maxAgeMs: "1h" }, /maxAgeMs: .* not "1h"/],
    ["not a number", { connectTimeoutMs: Number.NaN }, /connectTimeoutMs: .* not NaN/],
    ["keepalive", { keepalive: true }, /keepalive: must be false or \{ timeMs/],
    ["a time in keepalive", { keepalive: { timeMs: 0 } }, /keepalive\.timeMs: .* at least 1, not 0/],
    ["a switch in keepalive", { keepalive: { withoutCalls: 1 } }, /keepalive\.withoutCalls: must be a boolean, not 1/],
    ["backoff", { backoff: { initialMs: 10, maxMs: 5 } }, /backoff: maxMs, 5, is below initialMs, 10/],
    ["a pool upside down", { pool: { min: 3, max: 2 } }, /pool: max, 2, is below min, 3/],
    ["size and max", { pool: { size: 2, max: 3 } }, /pool: size stands for both min and max/],
    ["a pool of none", { pool: { size: 0 } }, /pool\.size: must be a whole number, at least 1, not 0/],
    ["half a stream", { pool: { maxStreamsPerConnection: 1.5 } }, /pool\.maxStreamsPerConnection: .* not 1\.5/],
    ["pool.pick", { pool: { pick: "best" } }, /pool\.pick: must be one of least-loaded, round-robin, random/],
    ["a pool of short connections", { connection: "short", pool: { size: 2 } }, /leave one of the two out/],
    [
      "loadBalancing",
      { loadBalancing: "fair" },
      /loadBalancing: must be "pick_first", "round_robin", "least_request" or/,
    ],
    ["an empty loadBalancingConfig", { loadBalancing: [] }, /loadBalancing: /],
    ["resolver", { resolver: "consul" }, /resolver: must be a function, not "consul"/],
    ["authority", { authority: 1 }, /authority: must be a string, not 1/],
  ];
  test.each(options)("%s is refused at dial", (_what, option, message) => {
    const dialIt = () => dial("localhost:1", option as DialOptions);
    expect(dialIt).toThrow(message);
    expect(dialIt).toThrow(RpcError);
  });

  test("insecure() takes no options of TLS", () => {
    expect(() => (insecure as (options: object) => unknown)({ ca: "pem" })).toThrow(/did you mean tls/);
  });

  test("functions in credentials are equal to themselves only", () => {
    const check = () => undefined;
    const one = tls({ checkServerIdentity: check });
    expect(tls({ checkServerIdentity: check }).key).toBe(one.key);
    expect(tls({ checkServerIdentity: () => undefined }).key).not.toBe(one.key);
  });

  test("a copy of the package that cannot share connections says so when it is loaded", async () => {
    const place = Symbol.for("trunkline.connections");
    const shared = globalThis as { [place]?: unknown };
    const ours = shared[place];
    shared[place] = { version: 0 };
    try {
      jest.resetModules();
      await expect(import("../../runtime/src/connection/registry.js")).rejects.toThrow(
        /two copies of @trunkline\/runtime .* npm ls @trunkline\/runtime/,
      );
      shared[place] = ours;
      jest.resetModules();
      const again = await import("../../runtime/src/connection/registry.js");
      expect(again.registry).toBe(ours);
    } finally {
      shared[place] = ours;
    }
  });
});
