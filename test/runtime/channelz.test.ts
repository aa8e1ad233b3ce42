/** The channelz service: what it shows of connections, servers and sockets, how it is paged, and that it keeps nothing. */
import { execFile } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { credentials, loadPackageDefinition, type ServiceClientConstructor } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { jest } from "@jest/globals";
import {
  Code,
  dial,
  RpcError,
  resetConnectionsForTest,
  Server,
  type ServerOptions,
  serverTls,
  tls,
} from "@trunkline/runtime";
import {
  type Channel,
  ChannelState,
  type ChannelzClient,
  channelzClient,
  registerChannelz,
  type Server as ServerMessage,
  type Socket,
  TraceSeverity,
} from "@trunkline/runtime/channelz";
import { registerHealth } from "@trunkline/runtime/health";
import {
  kindsClient,
  registerKindsServer,
  UnimplementedKindsServer,
} from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import { EventTrace } from "../../runtime/src/event-trace.js";
import { wallClockOf } from "../../runtime/src/wall-clock.js";
import { Authority } from "./certificates.js";
import { event } from "./kinds.js";
import { transports, wireTransports } from "./transports.js";

type TransportOption = NonNullable<ServerOptions["transport"]>;

const listening: Server[] = [];
afterEach(async () => {
  await resetConnectionsForTest();
  for (const server of listening.splice(0)) await server.shutdown();
});

/** A server of its own that shows the process, as the documentation has it, and a client of it. */
async function startChannelz(transport: TransportOption): Promise<{ channelz: ChannelzClient; address: string }> {
  const server = new Server({ transport });
  registerChannelz(server);
  listening.push(server);
  const { address } = await server.listen("127.0.0.1:0");
  return { channelz: channelzClient(dial(address, { transport })), address };
}

/** What is looked at. Its unary method fails where it is told to. */
async function startServer(
  transport: TransportOption,
  address = "127.0.0.1:0",
  options: Parameters<Server["listen"]>[1] = {},
): Promise<{ server: Server; address: string }> {
  const server = new Server({ transport });
  const unary = ({ text }: { text: string }) => {
    if (text === "fail") throw new RpcError(Code.ABORTED, "as told");
    return { text, number: 0n };
  };
  registerKindsServer(server, Object.assign(new UnimplementedKindsServer(), { unary }));
  listening.push(server);
  return { server, address: (await server.listen(address, options)).address };
}

/** Resolves when it holds, looked at in every turn of the event loop. */
async function holds(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise(setImmediate);
}

const first = { startChannelId: 0n, startServerId: 0n, startSocketId: 0n, maxResults: 0n };

/** What a connection is called. */
const targetOf = (address: string) => (address.startsWith("unix:") ? address : `dns:///${address}`);

async function channelTo(channelz: ChannelzClient, address: string): Promise<Channel> {
  const { channel } = await channelz.getTopChannels(first);
  return channel.find(({ data }) => data?.target === targetOf(address))!;
}

async function serverAt(channelz: ChannelzClient, address: string): Promise<ServerMessage> {
  const { server } = await channelz.getServers(first);
  return server.find(({ ref }) => ref?.name === address)!;
}

/** The sockets of a connection that has one channel. */
async function clientSockets(channelz: ChannelzClient, address: string): Promise<Socket[]> {
  const { subchannelRef } = await channelTo(channelz, address);
  const { subchannel } = await channelz.getSubchannel({ subchannelId: subchannelRef[0]!.subchannelId });
  return sockets(
    channelz,
    subchannel!.socketRef.map(({ socketId }) => socketId),
  );
}

async function serverSockets(channelz: ChannelzClient, address: string): Promise<Socket[]> {
  const serverId = (await serverAt(channelz, address)).ref!.serverId;
  const { socketRef } = await channelz.getServerSockets({ ...first, serverId });
  return sockets(
    channelz,
    socketRef.map(({ socketId }) => socketId),
  );
}

function sockets(channelz: ChannelzClient, ids: readonly bigint[]): Promise<Socket[]> {
  return Promise.all(ids.map(async (socketId) => (await channelz.getSocket({ socketId, summary: false })).socket!));
}

/** Never left out: grpcdebug could not read it. */
const never = { seconds: 0n, nanos: 0 };

const millis = (timestamp: { seconds: bigint; nanos: number } | undefined) =>
  Number(timestamp!.seconds) * 1000 + timestamp!.nanos / 1e6;

describe.each(transports)("channelz on $name", ({ transport, isWire }) => {
  test("shows a connection: its target, its state, its calls, and the channel that they are on", async () => {
    const { channelz } = await startChannelz(transport);
    const { address } = await startServer(transport);
    const client = kindsClient(dial(address, { transport }));
    const before = Date.now();
    await client.unary({ text: "one" });
    await client.unary({ text: "two" });
    await expect(client.unary({ text: "fail" })).rejects.toThrow();
    const after = Date.now();

    const channel = await channelTo(channelz, address);
    const target = targetOf(address);
    expect(channel.ref).toEqual({ channelId: expect.any(BigInt), name: target });
    const counted = { callsStarted: 3n, callsSucceeded: 2n, callsFailed: 1n };
    expect(channel.data).toMatchObject({ target, state: { state: ChannelState.READY }, ...counted });
    // The clocks may differ by a millisecond.
    expect(millis(channel.data?.lastCallStartedTimestamp)).toBeGreaterThanOrEqual(before - 1);
    expect(millis(channel.data?.lastCallStartedTimestamp)).toBeLessThanOrEqual(after + 1);
    expect(await channelz.getChannel({ channelId: channel.ref!.channelId })).toEqual({ channel });
    expect(channel).toMatchObject({ channelRef: [], socketRef: [], subchannelRef: [{ name: target }] });

    const { subchannelId } = channel.subchannelRef[0]!;
    const { subchannel } = await channelz.getSubchannel({ subchannelId });
    expect(subchannel?.ref?.subchannelId).toBe(subchannelId);
    expect(subchannel?.data).toMatchObject({ target, state: { state: ChannelState.READY }, ...counted });
    expect(subchannel).toMatchObject({ channelRef: [], subchannelRef: [] });
    expect(subchannel?.socketRef).toHaveLength(isWire ? 1 : 0);
  });

  test("shows a connection that has not been used: nothing but its target", async () => {
    const { channelz } = await startChannelz(transport);
    dial("127.0.0.1:1", { transport });
    const { data, subchannelRef } = await channelTo(channelz, "127.0.0.1:1");
    expect(data).toMatchObject({ callsStarted: 0n, state: { state: ChannelState.IDLE } });
    expect(data?.lastCallStartedTimestamp).toEqual(never);
    expect(data?.trace).toMatchObject({ numEventsLogged: 0n, events: [] });
    expect(subchannelRef).toEqual([]);
  });

  test("shows the channels of a pool, each with its own calls", async () => {
    const { channelz } = await startChannelz(transport);
    const { address } = await startServer(transport);
    const channel = dial(address, { transport, pool: { size: 3, pick: "round-robin" } });
    await channel.waitForReady();
    await holds(() => channel.stats.channels === 3);
    const { subchannelRef } = await channelTo(channelz, address);
    expect(new Set(subchannelRef.map(({ subchannelId }) => subchannelId)).size).toBe(3);
    for (let i = 0; i < 6; i++) await kindsClient(channel).unary({ text: "" });
    const found = await Promise.all(subchannelRef.map((ref) => channelz.getSubchannel(ref)));
    const started = found.map(({ subchannel }) => Number(subchannel?.data?.callsStarted));
    expect(started.reduce((sum, one) => sum + one)).toBe(6);
    expect((await channelTo(channelz, address)).data?.callsStarted).toBe(6n);
  });

  test("shows a server: its calls, where it listens, and the connections that it has", async () => {
    const { channelz } = await startChannelz(transport);
    const { address } = await startServer(transport);
    expect((await serverAt(channelz, address)).data).toMatchObject({
      callsStarted: 0n,
      lastCallStartedTimestamp: never,
    });
    const client = kindsClient(dial(address, { transport }));
    const before = Date.now();
    await client.unary({ text: "one" });
    await expect(client.unary({ text: "fail" })).rejects.toThrow();

    const found = await serverAt(channelz, address);
    expect(found.data).toMatchObject({ callsStarted: 2n, callsSucceeded: 1n, callsFailed: 1n });
    expect(millis(found.data?.lastCallStartedTimestamp)).toBeGreaterThanOrEqual(before - 1);
    expect(found.data?.trace?.events).toMatchObject([
      { description: `listens on ${address}`, severity: TraceSeverity.CT_INFO },
    ]);
    const { serverId } = found.ref!;
    expect(await channelz.getServer({ serverId })).toEqual({ server: found });
    expect(found.listenSocket).toHaveLength(isWire ? 1 : 0);
    const { socketRef, end } = await channelz.getServerSockets({ ...first, serverId });
    expect([socketRef.length, end]).toEqual([isWire ? 1 : 0, true]);
  });

  test("has one series of identifiers, and each thing keeps its own", async () => {
    const { channelz } = await startChannelz(transport);
    const { address } = await startServer(transport);
    await dial(address, { transport }).waitForReady();
    const all = async () => {
      const { channel } = await channelz.getTopChannels(first);
      const { server } = await channelz.getServers(first);
      const accepted = await Promise.all(
        server.map(async ({ ref }) => channelz.getServerSockets({ ...first, serverId: ref!.serverId })),
      );
      const below = await Promise.all(
        channel.flatMap(({ subchannelRef }) => subchannelRef.map((ref) => channelz.getSubchannel(ref))),
      );
      return [
        ...channel.map(({ ref }) => ref!.channelId),
        ...server.map(({ ref }) => ref!.serverId),
        ...server.flatMap(({ listenSocket }) => listenSocket.map(({ socketId }) => socketId)),
        ...accepted.flatMap(({ socketRef }) => socketRef.map(({ socketId }) => socketId)),
        ...below.map(({ subchannel }) => subchannel!.ref!.subchannelId),
        ...below.flatMap(({ subchannel }) => subchannel!.socketRef.map(({ socketId }) => socketId)),
      ];
    };
    const ids = await all();
    // Two connections with a channel each, two servers; on a wire, as many sockets of each kind.
    expect(ids).toHaveLength(isWire ? 12 : 6);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.every((id) => id > 0n)).toBe(true);
    expect(await all()).toEqual(ids);
  });

  test("tells of what is not there that it is not, also by the identifier of another kind", async () => {
    const { channelz, address } = await startChannelz(transport);
    const { channelId } = (await channelTo(channelz, address)).ref!;
    const { serverId } = (await serverAt(channelz, address)).ref!;
    const absent = (what: string, id: bigint) => ({
      code: Code.NOT_FOUND,
      details: `there is no ${what} ${id} here, or no longer`,
    });
    for (const id of [0n, -1n, serverId, 2n ** 53n + 1n, 2n ** 63n - 1n]) {
      await expect(channelz.getChannel({ channelId: id })).rejects.toMatchObject(absent("channel", id));
      await expect(channelz.getSubchannel({ subchannelId: id })).rejects.toMatchObject(absent("subchannel", id));
      await expect(channelz.getSocket({ socketId: id, summary: true })).rejects.toMatchObject(absent("socket", id));
    }
    await expect(channelz.getServer({ serverId: channelId })).rejects.toMatchObject(absent("server", channelId));
    await expect(channelz.getServerSockets({ ...first, serverId: channelId })).rejects.toMatchObject(
      absent("server", channelId),
    );
  });

  test("pages channels: from an identifier on, so many, until the end", async () => {
    const { channelz } = await startChannelz(transport);
    for (let port = 1; port <= 6; port++) dial(`127.0.0.1:${port}`, { transport });
    const all = (await channelz.getTopChannels(first)).channel.map(({ ref }) => ref!.channelId);
    expect(all).toHaveLength(7);
    expect(all).toEqual([...all].sort((a, b) => Number(a - b)));

    const pages: bigint[][] = [];
    for (let startChannelId = 0n, atEnd = false; !atEnd; ) {
      const { channel, end } = await channelz.getTopChannels({ startChannelId, maxResults: 3n });
      pages.push(channel.map(({ ref }) => ref!.channelId));
      startChannelId = pages.at(-1)!.at(-1)! + 1n;
      atEnd = end;
      // What comes between two pages has a higher identifier than all that were there.
      if (pages.length === 1) dial("127.0.0.1:7", { transport });
    }
    expect(pages.map(({ length }) => length)).toEqual([3, 3, 2]);
    expect(pages.flat().slice(0, 7)).toEqual(all);

    const last = pages.flat().at(-1)!;
    expect(await channelz.getTopChannels({ startChannelId: last + 1n, maxResults: 3n })).toEqual({
      channel: [],
      end: true,
    });
    expect(await channelz.getTopChannels({ startChannelId: last, maxResults: 1n })).toMatchObject({
      channel: [{ ref: { channelId: last } }],
      end: true,
    });
    expect((await channelz.getTopChannels({ startChannelId: -5n, maxResults: 2n ** 40n })).channel).toHaveLength(8);
    await expect(channelz.getTopChannels({ startChannelId: 0n, maxResults: -1n })).rejects.toMatchObject({
      code: Code.INVALID_ARGUMENT,
      details: "max_results: must not be negative, as -1 is",
    });
  });

  test("pages servers, and has a longest page", async () => {
    const { channelz } = await startChannelz(transport);
    for (let i = 0; i < 3; i++) await startServer(transport);
    const page = await channelz.getServers({ startServerId: 0n, maxResults: 3n });
    expect([page.server.length, page.end]).toEqual([3, false]);
    const startServerId = page.server[2]!.ref!.serverId + 1n;
    const rest = await channelz.getServers({ startServerId, maxResults: 3n });
    expect([rest.server.length, rest.end]).toEqual([1, true]);

    for (let port = 1; port <= 250; port++) dial(`127.0.0.1:${port}`, { transport });
    const usual = await channelz.getTopChannels(first);
    expect([usual.channel.length, usual.end]).toEqual([100, false]);
    const longest = await channelz.getTopChannels({ startChannelId: 0n, maxResults: 1000n });
    expect([longest.channel.length, longest.end]).toEqual([200, false]);
  });

  test("shows no more what is closed", async () => {
    const { channelz } = await startChannelz(transport);
    const { address, server } = await startServer(transport);
    const channel = dial(address, { transport });
    await channel.waitForReady();
    const { ref, subchannelRef } = await channelTo(channelz, address);
    const { serverId } = (await serverAt(channelz, address)).ref!;
    const [socket] = isWire ? await clientSockets(channelz, address) : [];
    await channel.close();
    await expect(channelz.getChannel({ channelId: ref!.channelId })).rejects.toMatchObject({ code: Code.NOT_FOUND });
    await expect(channelz.getSubchannel(subchannelRef[0]!)).rejects.toMatchObject({ code: Code.NOT_FOUND });
    if (socket !== undefined) {
      const request = { socketId: socket.ref!.socketId, summary: false };
      await expect(channelz.getSocket(request)).rejects.toMatchObject({ code: Code.NOT_FOUND });
    }
    await holds(async () => (await channelz.getServerSockets({ ...first, serverId })).socketRef.length === 0);
    await server.shutdown();
    await expect(channelz.getServer({ serverId })).rejects.toMatchObject({ code: Code.NOT_FOUND });
    expect(await serverAt(channelz, address)).toBeUndefined();
  });

  test("takes calls without a deadline where the server does not, unless told otherwise", async () => {
    const ask = async (requireDeadline?: boolean) => {
      const server = new Server({ transport, requireDeadline: true });
      registerChannelz(server, requireDeadline === undefined ? {} : { requireDeadline });
      listening.push(server);
      const { address } = await server.listen("127.0.0.1:0");
      return channelzClient(dial(address, { transport })).getServers(first);
    };
    await expect(ask()).resolves.toMatchObject({ end: true });
    await expect(ask(true)).rejects.toMatchObject({ code: Code.INVALID_ARGUMENT });
  });

  test("shows what the other copy of the package has, under the same identifiers", async () => {
    const { channelz } = await startChannelz(transport);
    const { address } = await startServer(transport);
    dial(address, { transport });
    const { ref } = await channelTo(channelz, address);
    await jest.isolateModulesAsync(async () => {
      const other = await import("@trunkline/runtime");
      expect(other.Server).not.toBe(Server);
      const { registerChannelz: register, channelzClient: client } = await import("@trunkline/runtime/channelz");
      const server = new other.Server({ transport });
      register(server);
      try {
        const { address: own } = await server.listen("127.0.0.1:0");
        const seen = client(other.dial(own, { transport }));
        expect((await channelTo(seen, address)).ref).toEqual(ref);
        expect((await serverAt(channelz, own)).data).toMatchObject({ callsSucceeded: 1n });
      } finally {
        await server.shutdown();
      }
    });
  });
});

describe.each(transports)("the trace on $name", ({ transport }) => {
  test("of a connection tells what has happened to it, and which of its channels it was", async () => {
    const { channelz } = await startChannelz(transport);
    const { address, server } = await startServer(transport);
    const channel = dial(address, { transport, backoff: { initialMs: 1, maxMs: 1 } });
    await channel.waitForReady();
    const [backoff, again] = [event(), event()];
    channel.onEvent(({ type }) => {
      if (type === "backoff") backoff.happen();
    });
    await server.shutdown();
    // It is told of that some turns later.
    await holds(() => channel.state !== "READY");
    channel.connect();
    await backoff.happened;
    await holds(() => channel.state === "TRANSIENT_FAILURE");
    channel.watch((state) => state === "READY" && again.happen());
    await startServer(transport, address);
    await again.happened;

    const { data, subchannelRef } = await channelTo(channelz, address);
    const events = data!.trace!.events;
    const of = (text: RegExp) => events.filter(({ description }) => text.test(description));
    expect(of(/^channel opened$/)).toMatchObject([{ severity: TraceSeverity.CT_INFO }]);
    expect(of(/^connected to 127\.0\.0\.1:\d+$/)).toHaveLength(2);
    expect(of(/^disconnected from 127\.0\.0\.1:\d+: closed by the peer$/)).toMatchObject([
      { severity: TraceSeverity.CT_WARNING },
    ]);
    expect(of(/^could not connect, next attempt in about \d+ ms: .*ECONNREFUSED/)[0]).toMatchObject({
      severity: TraceSeverity.CT_WARNING,
    });
    expect(of(/^is TRANSIENT_FAILURE$/)[0]).toMatchObject({ severity: TraceSeverity.CT_WARNING });
    expect(of(/^is READY$/)).toMatchObject([{ severity: TraceSeverity.CT_INFO }, { severity: TraceSeverity.CT_INFO }]);
    const times = [data!.trace!.creationTimestamp, ...events.map(({ timestamp }) => timestamp)].map(millis);
    expect(times).toEqual([...times].sort((a, b) => a - b));

    const { subchannelId } = subchannelRef[0]!;
    const ofChannel = of(/connected/);
    expect(ofChannel.every(({ childRef }) => childRef?.$case === "subchannelRef")).toBe(true);
    expect(ofChannel.at(-1)?.childRef?.value).toMatchObject({ subchannelId });
    const { subchannel } = await channelz.getSubchannel({ subchannelId });
    const own = subchannel!.data!.trace!.events;
    expect(own.every(({ childRef }) => childRef === undefined)).toBe(true);
    expect(own.map(({ description }) => description)).toEqual(expect.arrayContaining([expect.stringMatching(/^conn/)]));
  });

  test("of a server tells that it shuts down; it listens no more, and its calls go on", async () => {
    const { channelz } = await startChannelz(transport);
    const server = new Server({ transport });
    const [began, end] = [event(), event()];
    const unary = async () => {
      began.happen();
      await end.happened;
      return { text: "", number: 0n };
    };
    registerKindsServer(server, Object.assign(new UnimplementedKindsServer(), { unary }));
    const { address } = await server.listen("127.0.0.1:0");
    const call = kindsClient(dial(address, { transport })).unary({});
    await began.happened;
    const stopped = server.shutdown({ graceMs: 10_000 });
    const { data, listenSocket } = await serverAt(channelz, address);
    expect(listenSocket).toEqual([]);
    expect(data).toMatchObject({ callsStarted: 1n, callsSucceeded: 0n });
    expect(data?.trace?.events.map(({ description }) => description)).toEqual([
      `listens on ${address}`,
      "begins to shut down",
      "takes no more calls; those in flight may end within 10000 ms",
    ]);
    end.happen();
    await call;
    await stopped;
  });

  test("has the last 30 events and the number of all", async () => {
    const { channelz } = await startChannelz(transport);
    const { address } = await startServer(transport);
    const client = kindsClient(dial(address, { transport, connection: "short" }));
    await client.unary({ text: "" });
    const early = (await channelTo(channelz, address)).data!.trace!;
    expect(early.numEventsLogged).toBe(BigInt(early.events.length));
    for (let i = 0; i < 20; i++) await client.unary({ text: "" });
    const { events, numEventsLogged } = (await channelTo(channelz, address)).data!.trace!;
    expect(events).toHaveLength(30);
    expect(Number(numEventsLogged)).toBeGreaterThanOrEqual(60);
    expect(millis(events[0]?.timestamp)).toBeGreaterThanOrEqual(millis(early.events[0]?.timestamp));
    expect(events).not.toContainEqual(early.events[0]);
  });

  test("of a connection that asks for its peer's health tells what it is", async () => {
    const { channelz } = await startChannelz(transport);
    const server = new Server({ transport });
    const health = registerHealth(server);
    listening.push(server);
    const { address } = await server.listen("127.0.0.1:0");
    const channel = dial(address, { transport, healthCheck: { serviceName: "" } });
    await channel.waitForReady();
    const seen = event();
    channel.onEvent((one) => one.type === "health" && !one.serving && seen.happen());
    health.set("", "NOT_SERVING");
    await seen.happened;
    const { data } = await channelTo(channelz, address);
    const about = data!.trace!.events.filter(({ description }) => /health|serving/i.test(description));
    expect(about.map(({ severity }) => severity)).toEqual([TraceSeverity.CT_INFO, TraceSeverity.CT_WARNING]);
  });

  test("of a connection that cannot be opened at all says why", async () => {
    const { channelz } = await startChannelz(transport);
    const credentials = () => Promise.reject(new Error("the vault is sealed"));
    const channel = dial("127.0.0.1:1", { transport, credentials });
    await expect(kindsClient(channel).unary({})).rejects.toThrow("the vault is sealed");
    const { data } = await channelTo(channelz, "127.0.0.1:1");
    expect(data?.trace?.events).toContainEqual(
      expect.objectContaining({
        severity: TraceSeverity.CT_ERROR,
        description: "the connection could not be opened: the vault is sealed",
      }),
    );
  });
});

test("a trace keeps no description that a peer has made long", () => {
  const trace = new EventTrace();
  trace.add("warning", "x".repeat(100_000));
  expect(trace.events[0]?.description).toHaveLength(500);
});

test("a time stays what it is, unless the clock is set", () => {
  const at = performance.now();
  const told = wallClockOf(at);
  expect(Math.abs(told - Date.now())).toBeLessThan(1000);
  for (let i = 0; i < 10_000; i++) expect(wallClockOf(at)).toBe(told);
  const { now } = Date;
  const standStill = () => {
    const until = performance.now() + 20;
    while (performance.now() < until);
  };
  const clock = jest.spyOn(Date, "now");
  try {
    // The process stands still before the clock is read, and after.
    clock.mockImplementation(() => {
      standStill();
      const read = now();
      standStill();
      return read;
    });
    expect(wallClockOf(at)).toBe(told);
    clock.mockImplementation(() => now() - 3_600_000);
    expect(Math.abs(wallClockOf(at) - (told - 3_600_000))).toBeLessThanOrEqual(10);
  } finally {
    clock.mockRestore();
  }
});

describe.each(wireTransports)("sockets on $name", ({ transport }) => {
  const loopback = (port: number) => ({
    address: { $case: "tcpipAddress", value: { ipAddress: Buffer.from([127, 0, 0, 1]), port } },
  });

  const portOf = (socket: Socket | undefined) =>
    socket?.local?.address?.$case === "tcpipAddress" ? socket.local.address.value.port : 0;

  test("are the two ends of one connection", async () => {
    const { channelz } = await startChannelz(transport);
    const { address } = await startServer(transport);
    const channel = dial(address, { transport });
    await channel.waitForReady();
    const [ours] = await clientSockets(channelz, address);
    const [theirs] = await serverSockets(channelz, address);
    const port = Number(address.split(":")[1]);
    const from = portOf(ours);
    expect(ours).toMatchObject({ local: loopback(from), remote: loopback(port), security: undefined });
    expect(theirs).toMatchObject({ local: loopback(port), remote: loopback(from), security: undefined });
    expect(ours?.ref?.name).toBe(`127.0.0.1:${from} -> 127.0.0.1:${port}`);
    expect(theirs?.ref?.name).toBe(`127.0.0.1:${port} -> 127.0.0.1:${from}`);
    // Not known, and so not said.
    expect(ours?.data).toEqual({ ...theirs?.data, option: [] });
    expect(ours?.data).toMatchObject({ streamsStarted: 0n, localFlowControlWindow: undefined });

    const { listenSocket } = await serverAt(channelz, address);
    const [listening] = await sockets(channelz, [listenSocket[0]!.socketId]);
    expect(listenSocket[0]?.name).toBe(address);
    expect(listening).toMatchObject({ local: loopback(port), remote: undefined, ref: listenSocket[0] });
  });

  test("of a server are listed in pages", async () => {
    const { channelz } = await startChannelz(transport);
    const { address } = await startServer(transport);
    const channel = dial(address, { transport, pool: { size: 5 } });
    channel.connect();
    await holds(async () => (await serverSockets(channelz, address)).length === 5);
    const { serverId } = (await serverAt(channelz, address)).ref!;
    const page = await channelz.getServerSockets({ serverId, startSocketId: 0n, maxResults: 2n });
    expect([page.socketRef.length, page.end]).toEqual([2, false]);
    const startSocketId = page.socketRef[1]!.socketId + 1n;
    const rest = await channelz.getServerSockets({ serverId, startSocketId, maxResults: 3n });
    expect([rest.socketRef.length, rest.end]).toEqual([3, true]);
    expect(rest.socketRef[0]!.socketId).toBeGreaterThan(page.socketRef[1]!.socketId);
  });

  test("of IPv6 have 16 bytes", async () => {
    const { channelz } = await startChannelz(transport);
    const { address } = await startServer(transport, "[::1]:0");
    await dial(address, { transport }).waitForReady();
    const [ours] = await clientSockets(channelz, address);
    const bytes = Buffer.from([...new Array<number>(15).fill(0), 1]);
    expect(ours?.remote?.address).toMatchObject({ $case: "tcpipAddress", value: { ipAddress: bytes } });
    expect(ours?.ref?.name).toMatch(/^\[::1\]:\d+ -> \[::1\]:\d+$/);
  });

  test("of a unix socket have its path where Node.js knows it", async () => {
    const folder = mkdtempSync(join(tmpdir(), "channelz-"));
    try {
      const { channelz } = await startChannelz(transport);
      const path = join(folder, "server.sock");
      const { address } = await startServer(transport, `unix:${path}`);
      await dial(address, { transport }).waitForReady();
      const [ours] = await clientSockets(channelz, address);
      const [theirs] = await serverSockets(channelz, address);
      const unix = (filename: string) => ({ address: { $case: "udsAddress", value: { filename } } });
      expect(ours).toMatchObject({ local: undefined, remote: unix(path) });
      expect(theirs).toMatchObject({ local: undefined, remote: unix("") });
      const { listenSocket } = await serverAt(channelz, address);
      const [listening] = await sockets(channelz, [listenSocket[0]!.socketId]);
      expect(listening).toMatchObject({ local: unix(path), ref: { name: `unix:${path}` } });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("that are encrypted show their cipher suite and the certificates of both ends", async () => {
    const pem = (name: string) => readFileSync(`fixtures/tls/${name}`);
    const der = (name: string) => Buffer.from(new X509Certificate(pem(name)).raw);
    const { channelz } = await startChannelz(transport);
    const server = { cert: pem("server.pem"), key: pem("server.key"), clientCa: pem("ca.pem") };
    const { address } = await startServer(transport, "127.0.0.1:0", { credentials: serverTls(server) });
    const mutual = tls({ ca: pem("ca.pem"), cert: pem("client.pem"), key: pem("client.key") });
    const target = address.replace("127.0.0.1", "localhost");
    const channel = dial(target, { transport, credentials: mutual });
    await kindsClient(channel).unary({});
    const [ours] = await clientSockets(channelz, target);
    const [theirs] = await serverSockets(channelz, address);
    const security = (localCertificate: Buffer, remoteCertificate: Buffer) => {
      const cipherSuite = { $case: "standardName", value: expect.stringMatching(/^TLS_[A-Z0-9_]+$/) };
      return { model: { $case: "tls", value: { cipherSuite, localCertificate, remoteCertificate } } };
    };
    expect(ours?.security).toEqual(security(der("client.pem"), der("server.pem")));
    expect(theirs?.security).toEqual(security(der("server.pem"), der("client.pem")));
    await channel.close();
    await holds(async () => (await serverSockets(channelz, address)).length === 0);
  });

  test("that are encrypted show no certificate that nobody has verified", async () => {
    const pem = (name: string) => readFileSync(`fixtures/tls/${name}`);
    const stranger = new Authority();
    try {
      const { channelz } = await startChannelz(transport);
      const keys = { cert: pem("server.pem"), key: pem("server.key"), clientCa: pem("ca.pem") };
      const { address } = await startServer(transport, "127.0.0.1:0", {
        credentials: serverTls({ ...keys, requireClientCertificate: false }),
      });
      const { cert, key } = stranger.issue();
      const credentials = tls({ ca: pem("ca.pem"), cert, key });
      await kindsClient(dial(address.replace("127.0.0.1", "localhost"), { transport, credentials })).unary({});
      const [theirs] = await serverSockets(channelz, address);
      const shown = (socket: Socket | undefined) =>
        socket?.security?.model?.$case === "tls" ? socket.security.model.value : undefined;
      expect(shown(theirs)?.localCertificate).toEqual(Buffer.from(new X509Certificate(keys.cert).raw));
      expect(shown(theirs)?.remoteCertificate).toHaveLength(0);
      const [ours] = await clientSockets(channelz, address.replace("127.0.0.1", "localhost"));
      expect(shown(ours)?.localCertificate).toEqual(Buffer.from(new X509Certificate(cert).raw));
    } finally {
      stranger.remove();
    }
  });

  test("of 1,000 connections that were made and closed leave nothing", async () => {
    const { channelz } = await startChannelz(transport);
    const { address, server } = await startServer(transport);
    const channel = dial(address, { transport, connection: "short" });
    const client = kindsClient(channel);
    for (let round = 0; round < 20; round++) {
      await Promise.all(Array.from({ length: 50 }, () => client.unary({})));
    }
    const { serverId } = (await serverAt(channelz, address)).ref!;
    await holds(() => server.stats().openConnections === 0);
    expect(server.stats().acceptedConnections).toBe(1000);
    expect(await channelz.getServerSockets({ ...first, serverId })).toEqual({ socketRef: [], end: true });
    for (const { sockets } of server.observed.bound) expect([...sockets!.accepted]).toEqual([]);
    await holds(async () => (await channelTo(channelz, address)).subchannelRef.length === 0);
    const { data } = await channelTo(channelz, address);
    expect(data).toMatchObject({ callsStarted: 1000n, callsSucceeded: 1000n });
    expect(data?.trace?.events).toHaveLength(30);
    expect(Number(data?.trace?.numEventsLogged)).toBeGreaterThanOrEqual(3000);

    const oldId = (await channelTo(channelz, address)).ref!.channelId;
    for (let i = 0; i < 1000; i++) {
      const one = dial(address, { transport, authority: `host-${i}` });
      if (i % 100 === 0) await channelz.getTopChannels(first);
      await one.close();
    }
    expect((await channelz.getTopChannels(first)).channel).toHaveLength(2);
    await channel.close();
    dial(address, { transport });
    const newId = (await channelTo(channelz, address)).ref!.channelId;
    expect(newId).toBeGreaterThan(oldId);
  }, 120_000);
});

// ── Clients that nobody here wrote ──────────────────────────────────────────────────────────────────────────────────

describe.each(wireTransports)("channelz on $name is read", ({ transport }) => {
  /** Something of everything: a connection that was used, its server, and what is to be found out about them. */
  async function populate() {
    const { channelz, address: at } = await startChannelz(transport);
    const { address } = await startServer(transport);
    const client = kindsClient(dial(address, { transport }));
    await client.unary({ text: "" });
    await expect(client.unary({ text: "fail" })).rejects.toThrow();
    const channel = await channelTo(channelz, address);
    const server = await serverAt(channelz, address);
    return {
      at,
      address,
      target: targetOf(address),
      port: Number(address.split(":")[1]),
      channelId: String(channel.ref?.channelId),
      subchannelId: String(channel.subchannelRef[0]?.subchannelId),
      serverId: String(server.ref?.serverId),
      listenId: String(server.listenSocket[0]?.socketId),
    };
  }

  test("by buf curl, as JSON", async () => {
    const { at, address, target, port, channelId, subchannelId, serverId, listenId } = await populate();
    const call = async (method: string, request: object) => {
      const buf = "node_modules/@bufbuild/buf/bin/buf";
      const schema = ["--schema", "runtime/proto", "--protocol", "grpc", "--http2-prior-knowledge"];
      const url = `http://${at}/grpc.channelz.v1.Channelz/${method}`;
      const { stdout } = await promisify(execFile)(buf, ["curl", ...schema, "-d", JSON.stringify(request), url]);
      return JSON.parse(stdout) as unknown;
    };
    const time = expect.stringMatching(/^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
    const data = {
      state: { state: "READY" },
      target,
      trace: { numEventsLogged: expect.stringMatching(/^\d+$/), creationTimestamp: time, events: expect.any(Array) },
      callsStarted: "2",
      callsSucceeded: "1",
      callsFailed: "1",
      lastCallStartedTimestamp: time,
    };
    const channel = {
      ref: { channelId, name: target },
      data,
      subchannelRef: [{ subchannelId, name: target }],
    };
    const ofProcess = (await call("GetTopChannels", {})) as { channel: unknown[]; end: boolean };
    expect(ofProcess).toEqual({ channel: expect.arrayContaining([channel]), end: true });
    expect(ofProcess.channel).toHaveLength(2);
    expect(await call("GetTopChannels", { start_channel_id: channelId, max_results: 1 })).toEqual({
      channel: [channel],
      end: true,
    });
    expect(await call("GetChannel", { channelId })).toEqual({ channel });

    const { subchannel } = (await call("GetSubchannel", { subchannelId })) as {
      subchannel: { socketRef: { socketId: string; name: string }[] };
    };
    expect(subchannel).toEqual({ ref: { subchannelId, name: target }, data, socketRef: [expect.any(Object)] });

    const loopback = (onPort: unknown) => ({ tcpipAddress: { ipAddress: "fwAAAQ==", port: onPort } });
    const { socketId } = subchannel.socketRef[0]!;
    expect(await call("GetSocket", { socketId })).toEqual({
      socket: {
        ref: { socketId, name: expect.stringMatching(`^127.0.0.1:\\d+ -> ${address}$`) },
        data: {},
        local: loopback(expect.any(Number)),
        remote: loopback(port),
      },
    });

    const server = {
      ref: { serverId, name: address },
      data: {
        trace: {
          numEventsLogged: "1",
          creationTimestamp: time,
          events: [{ description: `listens on ${address}`, severity: "CT_INFO", timestamp: time }],
        },
        callsStarted: "2",
        callsSucceeded: "1",
        callsFailed: "1",
        lastCallStartedTimestamp: time,
      },
      listenSocket: [{ socketId: listenId, name: address }],
    };
    expect(await call("GetServers", { start_server_id: serverId })).toEqual({ server: [server], end: true });
    expect(await call("GetServer", { serverId })).toEqual({ server });
    expect(await call("GetSocket", { socketId: listenId, summary: true })).toEqual({
      socket: { ref: { socketId: listenId, name: address }, data: {}, local: loopback(port) },
    });
    expect(await call("GetServerSockets", { serverId })).toEqual({
      socketRef: [{ socketId: expect.any(String), name: expect.stringMatching(`^${address} -> 127.0.0.1:\\d+$`) }],
      end: true,
    });
    await expect(call("GetChannel", { channelId: serverId })).rejects.toMatchObject({
      stderr: expect.stringMatching(/not_found[\s\S]*there is no channel \d+ here, or no longer/),
    });
  }, 60_000);

  test("by grpc-js, with the proto that comes with it", async () => {
    const { at, address, target, channelId, subchannelId, serverId, listenId } = await populate();
    const options = { keepCase: true, longs: String, enums: String, defaults: true, oneofs: true };
    const proto = loadSync("node_modules/@grpc/grpc-js/proto/channelz.proto", options);
    const { Channelz } = (loadPackageDefinition(proto) as unknown as Loaded).grpc.channelz.v1;
    const client = new Channelz(at, credentials.createInsecure());
    const call = (method: string, request: object) =>
      promisify(client[method] as Unary).call(client, request) as Promise<Record<string, unknown>>;
    try {
      const counted = { calls_started: "2", calls_succeeded: "1", calls_failed: "1" };
      expect(await call("GetTopChannels", { start_channel_id: channelId })).toMatchObject({
        channel: [{ ref: { channel_id: channelId, name: target }, data: { state: { state: "READY" }, ...counted } }],
        end: true,
      });
      const { channel } = await call("GetChannel", { channel_id: channelId });
      expect(channel).toMatchObject({ subchannel_ref: [{ subchannel_id: subchannelId }] });
      const { subchannel } = await call("GetSubchannel", { subchannel_id: subchannelId });
      expect(subchannel).toMatchObject({ data: { target, ...counted }, socket_ref: [{}] });
      expect(await call("GetServers", { start_server_id: serverId })).toMatchObject({
        server: [{ ref: { server_id: serverId }, data: counted, listen_socket: [{ socket_id: listenId }] }],
      });
      const { socket_ref } = await call("GetServerSockets", { server_id: serverId });
      expect(socket_ref).toHaveLength(1);
      expect(await call("GetSocket", { socket_id: listenId })).toMatchObject({
        socket: { local: { address: "tcpip_address", tcpip_address: { port: Number(address.split(":")[1]) } } },
      });
    } finally {
      client.close();
    }
  });
});

type Unary = (request: object, callback: (error: Error | null, response?: object) => void) => void;
interface Loaded {
  readonly grpc: { readonly channelz: { readonly v1: { readonly Channelz: ServiceClientConstructor } } };
}
