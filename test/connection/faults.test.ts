/** What networks and servers do to a connection, and what its calls must live through. */

import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { Code, type ConnectionDiagnostic, RpcError, Server } from "@trunkline/runtime";
import { registerKindsServer, UnimplementedKindsServer } from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import { startKinds } from "../runtime/kinds.js";
import { wireTransports } from "../runtime/transports.js";
import { echo, holds, nextEvent, portOf, startProxied, stopProxied } from "./proxied.js";

afterEach(stopProxied);

describe.each(wireTransports)("on $name", ({ transport }) => {
  test("a server that is killed and started again", async () => {
    const { client, proxy, channel, kinds } = await startProxied(transport, { backoff: { initialMs: 20, maxMs: 50 } });
    await client.unary({});
    const lost = nextEvent(channel, "disconnected");
    const refused = nextEvent(channel, "backoff");
    await kinds.server.shutdown();
    await lost;
    await expect(client.unary({})).rejects.toMatchObject({ code: Code.UNAVAILABLE });
    await refused;
    const patient = client.unary({ text: "patient" }, { waitForReady: true });
    proxy.redirect(portOf(await startKinds(transport, echo)));
    expect(await patient).toMatchObject({ text: "patient" });
    expect(await client.unary({ text: "next" })).toMatchObject({ text: "next" });
  });

  test("10,000 calls across 20 reconnects: each ends, and fails only as what may have been processed", async () => {
    const handled = new Map<string, number>();
    const unary = ({ text = "" }) => {
      handled.set(text, (handled.get(text) ?? 0) + 1);
      return { text };
    };
    const { client, proxy, channel } = await startProxied(
      transport,
      { backoff: { initialMs: 5, maxMs: 20 } },
      { ...echo, unary },
    );
    const calls = 10_000;
    let next = 0;
    let done = 0;
    let resets = 0;
    const failed: RpcError[] = [];
    const caller = async () => {
      while (next < calls) {
        const text = `${next++}`;
        try {
          await client.unary({ text }, { timeoutMs: 15_000, waitForReady: true });
        } catch (error) {
          failed.push(RpcError.from(error));
        }
        done++;
        if (done >= ((resets + 1) * calls) / 21 && resets < 20) {
          resets++;
          proxy.reset();
        }
      }
    };
    await Promise.all(Array.from({ length: 50 }, caller));
    expect(done).toBe(calls);
    expect(proxy.accepted).toBe(21);
    // Those that were on the wire when it was cut, and no others.
    expect(failed.length).toBeLessThanOrEqual(20 * 50);
    expect(failed.filter(({ code }) => code !== Code.UNAVAILABLE)).toEqual([]);
    expect([...handled.values()].filter((times) => times !== 1)).toEqual([]);
    expect(channel.stats).toMatchObject({ inFlight: 0, queued: 0, callsStarted: calls, callsFailed: failed.length });
  }, 60_000); // Seconds of work, of which a busy machine makes twenty and more.

  test("calls that may be done twice all succeed across reconnects", async () => {
    const { client, proxy, channel } = await startProxied(transport, { backoff: { initialMs: 5, maxMs: 20 } });
    const retry = {
      maxAttempts: 5,
      initialBackoffMs: 10,
      maxBackoffMs: 100,
      backoffMultiplier: 2,
      codes: [Code.UNAVAILABLE],
    };
    const calls = 2000;
    let next = 0;
    let done = 0;
    const caller = async () => {
      while (next < calls) {
        const text = `${next++}`;
        expect(await client.unary({ text }, { timeoutMs: 15_000, retry })).toMatchObject({ text });
        if (++done % (calls / 10) === 0 && done < calls) proxy.reset();
      }
    };
    await Promise.all(Array.from({ length: 50 }, caller));
    expect(proxy.accepted).toBe(10);
    expect(channel.stats.callsFailed).toBeGreaterThan(0);
  });

  test("a slow network", async () => {
    const { client, proxy } = await startProxied(transport);
    proxy.delay(30);
    const began = performance.now();
    expect(await Promise.all([1, 2, 3].map(() => client.unary({})))).toHaveLength(3);
    expect(performance.now() - began).toBeGreaterThan(60);
  });

  test("half-closed connections are left", async () => {
    const { client, proxy, channel } = await startProxied(transport);
    for (let i = 1; i <= 3; i++) {
      await client.unary({});
      expect(proxy.accepted).toBe(i);
      const lost = nextEvent(channel, "disconnected");
      proxy.halfClose();
      await lost;
    }
    await holds(() => proxy.open === 0);
  });

  test("nothing is left of a connection that was closed", async () => {
    const server = new Server({ transport });
    registerKindsServer(server, Object.assign(new UnimplementedKindsServer(), echo));
    await server.listen("127.0.0.1:0");
    const before = process.getActiveResourcesInfo().length;
    const { client, channel, proxy } = await startProxied(transport, { maxAgeMs: 20, idleTimeoutMs: 1000 });
    while (proxy.accepted < 4) await client.unary({});
    const stream = client.serverStream({})[Symbol.asyncIterator]();
    await stream.next();
    await channel.close();
    await expect(stream.next().then(() => stream.next())).rejects.toMatchObject({ code: Code.UNAVAILABLE });
    await stopProxied();
    await holds(() => process.getActiveResourcesInfo().length <= before);
    await server.shutdown();
  });

  test("diagnostics_channel tells of connections and of calls", async () => {
    const seen: string[] = [];
    const onConnection = (message: unknown) => {
      const { type, target } = message as ConnectionDiagnostic;
      seen.push(`${type} ${target}`);
    };
    const onCall = (message: unknown) => {
      const { method, code } = message as { method: { path: string }; code: Code };
      seen.push(`${method.path} ${code}`);
    };
    subscribe("trunkline:connection", onConnection);
    subscribe("trunkline:call", onCall);
    try {
      const { client, channel } = await startProxied(transport);
      await client.unary({});
      expect(seen).toEqual([`connected ${channel.target}`, "/kinds.v1.Kinds/Unary 0"]);
    } finally {
      unsubscribe("trunkline:connection", onConnection);
      unsubscribe("trunkline:call", onCall);
    }
  });
});

test.each(wireTransports)("TRUNKLINE_TRACE prints them: $name", async ({ transport }) => {
  const { kinds } = await startProxied(transport);
  const { spawn } = await import("node:child_process");
  const child = spawn(process.execPath, ["--import", "tsx", "test/programs/one-call.ts", kinds.address, transport], {
    env: { ...process.env, TRUNKLINE_TRACE: "connection,call,everything" },
  });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const [code] = await once(child, "close");
  const target = `dns:///${kinds.address}`;
  expect(code).toBe(0);
  const lines = stderr
    .trim()
    .replace(/trunkline \S+Z /g, "")
    .replace(/\d+\.\d ms/, "N ms")
    .split("\n");
  expect(lines).toEqual([
    "TRUNKLINE_TRACE knows connection, call, not everything",
    `connection ${target} connected ${kinds.address}`,
    `call /kinds.v1.Kinds/Unary ${kinds.address} OK N ms`,
  ]);
});
