import { Code, type ConnectionEvent, dial, type State } from "@trunkline/runtime";
import { kindsClient } from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import { startKinds } from "../runtime/kinds.js";
import { wireTransports } from "../runtime/transports.js";
import { becomes, dialled, echo, nextEvent, portOf, startProxied, stopProxied } from "./proxied.js";
import { TcpProxy } from "./tcp-proxy.js";

afterEach(stopProxied);

describe.each(wireTransports)("the state of a connection on $name", ({ transport }) => {
  test("goes through what gRPC says, as an iterable and to a function, until it is closed", async () => {
    const { channel, client, proxy } = await startProxied(transport);
    const told: State[] = [];
    const stop = channel.watch((state) => told.push(state));
    const seen: State[] = [];
    const watching = (async () => {
      for await (const state of channel.watch()) seen.push(state);
    })();
    expect(channel.state).toBe("IDLE");
    await client.unary({});
    expect(channel.state).toBe("READY");
    const lost = becomes(channel, "IDLE");
    proxy.reset();
    await lost;
    await client.unary({});
    stop();
    await channel.close();
    await watching;
    expect(told).toEqual(["CONNECTING", "READY", "IDLE", "CONNECTING", "READY"]);
    expect(seen).toEqual(["IDLE", ...told, "SHUTDOWN"]);
    await expect(client.unary({})).rejects.toThrow(/was closed; dial it again/);
  });

  test("connect() makes the connection before a call; waitForReady() waits for it", async () => {
    const { channel, proxy } = await startProxied(transport);
    channel.connect();
    await channel.waitForReady();
    expect(channel.state).toBe("READY");
    await channel.waitForReady({ timeoutMs: 0 });
    expect(proxy.accepted).toBe(1);
  });

  test("waitForReady() ends with the reason why there is no connection", async () => {
    const { channel, proxy } = await startProxied(transport, { backoff: { initialMs: 10, maxMs: 10 } });
    await proxy.stop();
    const failed = nextEvent(channel, "backoff");
    const waiting = channel.waitForReady({ timeoutMs: 500 });
    expect(await failed).toMatchObject({ backoffMs: 10, reason: expect.stringMatching(/ECONNREFUSED/) });
    await expect(waiting).rejects.toMatchObject({
      code: Code.DEADLINE_EXCEEDED,
      details: expect.stringMatching(/is still (TRANSIENT_FAILURE|CONNECTING): .*ECONNREFUSED/),
    });
    const controller = new AbortController();
    const cancelled = channel.waitForReady({ signal: controller.signal });
    controller.abort("enough");
    await expect(cancelled).rejects.toMatchObject({ code: Code.CANCELLED, cause: "enough" });
    const closed = channel.waitForReady();
    await channel.close();
    await expect(closed).rejects.toMatchObject({ code: Code.UNAVAILABLE });
  });

  test("a call fails fast, or waits for a server that comes later", async () => {
    const kinds = await startKinds(transport, echo);
    const proxy = await TcpProxy.start(portOf(kinds));
    const { port } = proxy;
    await proxy.stop();
    const channel = dialled(`127.0.0.1:${port}`, { transport, backoff: { initialMs: 20, maxMs: 20 } });
    const client = kindsClient(channel);
    await expect(client.unary({})).rejects.toMatchObject({ code: Code.UNAVAILABLE });
    const patient = client.unary({ text: "here" }, { waitForReady: true });
    await nextEvent(channel, "backoff");
    const late = await TcpProxy.start(portOf(kinds), port);
    expect(await patient).toMatchObject({ text: "here" });
    await channel.close();
    await late.stop();
  });

  test("events say what happened to the socket, and why; stats count it", async () => {
    const { channel, client, proxy, kinds } = await startProxied(transport);
    const events: ConnectionEvent[] = [];
    channel.onEvent((event) => events.push(event));
    await client.unary({});
    let lost = nextEvent(channel, "disconnected");
    proxy.reset();
    expect(await lost).toMatchObject({ peer: proxy.address, reason: expect.stringMatching(/ECONNRESET/) });
    await client.unary({});
    lost = nextEvent(channel, "disconnected");
    proxy.halfClose();
    expect(await lost).toMatchObject({ reason: "closed by the peer" });
    await client.unary({});
    expect(channel.stats).toMatchObject({ callsStarted: 3, callsSucceeded: 3, reconnects: 2, state: "READY" });
    expect(channel.stats.lastError).toBe("closed by the peer");
    expect(channel.stats.ageMs).toBeGreaterThan(0);
    const goaway = nextEvent(channel, "goaway");
    const stream = client.bidiStream(
      (async function* () {
        yield {};
        await goaway;
      })(),
    );
    const first = stream[Symbol.asyncIterator]();
    await first.next();
    const down = kinds.server.shutdown({ graceMs: 5000 });
    expect(await goaway).toMatchObject({ peer: proxy.address });
    await first.next();
    await down;
    expect(events.map(({ type }) => type).slice(0, 6)).toEqual([
      "connected",
      "disconnected",
      "connected",
      "disconnected",
      "connected",
      "goaway",
    ]);
  });

  test("many handles, one state", async () => {
    const { channel, proxy } = await startProxied(transport);
    const other = dial(proxy.address, { transport, timeoutMs: 1000 });
    await channel.waitForReady();
    expect(other.state).toBe("READY");
    await other.close();
    expect(channel.state).toBe("SHUTDOWN");
  });
});
