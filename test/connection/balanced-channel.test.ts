/** The channel that the runtime makes of a transport that only speaks on sockets: ours, and one that others might write. */
import { AsyncLocalStorage } from "node:async_hooks";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, connect as connectTcp, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer as createTlsServer, type TLSSocket } from "node:tls";
import {
  Code,
  type ConnectionEvent,
  type DialOptions,
  insecure,
  Server,
  type State,
  serverTls,
  type TlsOptions,
  type Transport,
  tls,
} from "@trunkline/runtime";
import {
  KindsDesc,
  type KindsServer,
  kindsClient,
  registerKindsServer,
  UnimplementedKindsServer,
} from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import { createChannel } from "../../runtime/src/connection/open-channel.js";
import { readSettings } from "../../runtime/src/connection/settings.js";
import { loadTransport } from "../../runtime/src/transport/transports.js";
import { event, startKinds } from "../runtime/kinds.js";
import { nodeHttp2, socketTransports } from "./node-http2.js";
import { becomes, dialled, echo, holds, nextEvent, portOf, stopProxied } from "./proxied.js";
import { TcpProxy } from "./tcp-proxy.js";

const stops: (() => unknown)[] = [];
afterEach(async () => {
  await stopProxied();
  for (const stop of stops.splice(0).reverse()) await stop();
});

/** Listens on a free port of this machine, for a server that is none. */
async function accept(onSocket: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on("error", () => {}));
    onSocket(socket);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  stops.push(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test("a transport for servers alone makes no connections, and says so", async () => {
  const { name, serve } = nodeHttp2;
  const client = kindsClient(dialled("localhost:1", { transport: { name, serve } as Transport }));
  await expect(client.unary({})).rejects.toMatchObject({
    code: Code.INVALID_ARGUMENT,
    details: expect.stringMatching(
      /transport: node-http2 is for servers alone: it has neither connect\(\) nor speak\(\)/,
    ),
  });
});

describe.each(socketTransports)("on $name", ({ transport }) => {
  const quick = { initialMs: 10, maxMs: 25 };

  function connect(target: string, options: DialOptions = {}) {
    const channel = dialled(target, { transport, backoff: quick, ...options });
    const events: ConnectionEvent[] = [];
    const states: State[] = [];
    channel.onEvent((one) => events.push(one));
    channel.watch((state) => states.push(state));
    return { channel, client: kindsClient(channel), events, states };
  }

  async function serve(methods: Partial<KindsServer> = echo) {
    return startKinds("grpc-js", methods);
  }

  describe("a target", () => {
    test("can be a unix socket", async () => {
      const folder = await mkdtemp(join(tmpdir(), "trunkline-"));
      stops.push(() => rm(folder, { recursive: true }));
      const path = join(folder, "kinds.sock");
      const server = new Server();
      registerKindsServer(server, Object.assign(new UnimplementedKindsServer(), echo));
      await server.listen(`unix:${path}`);
      stops.push(() => server.shutdown());
      const { client, events } = connect(`unix:${path}`);
      expect(await client.unary({ text: "here" })).toMatchObject({ text: "here" });
      expect(events).toEqual([{ type: "connected", peer: `unix:${path}` }]);
      await expect(connect(`unix:${path}.other`).client.unary({})).rejects.toMatchObject({
        details: `no connection could be made: connect ENOENT ${path}.other`,
      });
    });

    (process.platform === "linux" ? test : test.skip)("can be an abstract socket", async () => {
      const kinds = await serve();
      const name = `trunkline-${process.pid}-${Math.random()}`;
      const server = createServer((near) => {
        const far = connectTcp(portOf(kinds), "127.0.0.1");
        near.pipe(far).pipe(near);
        near.on("error", () => far.destroy());
        far.on("error", () => near.destroy());
      }).listen(`\0${name}`);
      await once(server, "listening");
      stops.push(() => server.close());
      const { client, events } = connect(`unix-abstract:${name}`);
      expect(await client.unary({ text: "here" })).toMatchObject({ text: "here" });
      expect(events).toEqual([{ type: "connected", peer: `unix-abstract:${name}` }]);
      await expect(connect("unix-abstract:trunkline-nobody").client.unary({})).rejects.toMatchObject({
        details: "no connection could be made: connect ECONNREFUSED @trunkline-nobody",
      });
    });

    test("can be a name that the socket looks up", async () => {
      const kinds = await serve();
      const { client, events } = connect(`passthrough:///localhost:${portOf(kinds)}`);
      expect(await client.unary({ text: "here" })).toMatchObject({ text: "here" });
      expect(events).toEqual([{ type: "connected", peer: kinds.address }]);
      const nobody = connect("passthrough:///nobody.invalid:1", { credentials: insecure() });
      await expect(nobody.client.unary({})).rejects.toMatchObject({
        details: expect.stringMatching(/^no connection could be made: getaddrinfo E\w+ nobody\.invalid$/),
      });
    });

    test("cannot be a name that nobody knows: calls fail with that, until somebody does", async () => {
      const { client, events, channel } = connect("nobody.invalid:1", { credentials: insecure() });
      const reason = expect.stringMatching(/^getaddrinfo E\w+ nobody\.invalid$/);
      await expect(client.unary({})).rejects.toMatchObject({
        code: Code.UNAVAILABLE,
        details: expect.stringMatching(/^no connection could be made: getaddrinfo E\w+ nobody\.invalid$/),
      });
      expect(channel.state).toBe("TRANSIENT_FAILURE");
      await nextEvent(channel, "backoff");
      expect(events.slice(0, 2)).toEqual([
        { type: "backoff", reason, backoffMs: 10 },
        { type: "backoff", reason, backoffMs: 16 },
      ]);
    });
  });

  describe("TLS", () => {
    const pem = (name: string) => readFileSync(`fixtures/tls/${name}`);
    const ca = pem("ca.pem");

    async function serveTls(address = "127.0.0.1:0") {
      const server = new Server();
      registerKindsServer(server, Object.assign(new UnimplementedKindsServer(), echo));
      const credentials = serverTls({ cert: pem("server.pem"), key: pem("server.key") });
      const { port } = await server.listen(address, { credentials });
      stops.push(() => server.shutdown());
      return port;
    }

    /** A TLS server that counts the sessions that are taken up again, and speaks through to a server in plaintext. */
    async function terminate(port: number, options: object = {}) {
      const handshakes: boolean[] = [];
      const server = createTlsServer(
        { cert: pem("server.pem"), key: pem("server.key"), ALPNProtocols: ["h2"], ...options },
        (near: TLSSocket) => {
          handshakes.push(near.isSessionReused());
          const far = connectTcp(port, "127.0.0.1");
          near.pipe(far).pipe(near);
          near.on("error", () => far.destroy());
          far.on("error", () => near.destroy()).on("close", () => near.destroy());
        },
      ).listen(0, "127.0.0.1");
      server.on("tlsClientError", () => {});
      await once(server, "listening");
      stops.push(() => server.close());
      return { port: (server.address() as AddressInfo).port, handshakes };
    }

    test("checks the name of the target, an address too, or the one that it is told", async () => {
      const port = await serveTls();
      const call = (target: string, options: TlsOptions = {}) =>
        connect(target, { credentials: tls({ ca, ...options }) }).client.unary({ text: target });
      for (const target of [`localhost:${port}`, `127.0.0.1:${port}`, `ipv4:127.0.0.1:${port}`]) {
        expect(await call(target)).toMatchObject({ text: target });
      }
      expect(await call(`127.0.0.1:${port}`, { serverName: "server.test" })).toMatchObject({});
      await expect(call(`127.0.0.1:${port}`, { serverName: "other.test" })).rejects.toMatchObject({
        code: Code.UNAVAILABLE,
        details: expect.stringMatching(
          /no connection could be made: 127\.0\.0\.1:\d+: Hostname\/IP does not match .*other\.test/,
        ),
      });
      const seen: string[] = [];
      const checkServerIdentity = (host: string) => {
        seen.push(host);
        return undefined;
      };
      expect(await call(`127.0.0.1:${port}`, { serverName: "other.test", checkServerIdentity })).toMatchObject({});
      expect(seen).toEqual(["other.test"]);
    });

    test("takes the session with a peer up again, but where somebody checks certificates", async () => {
      const kinds = await serve();
      const proxy = await TcpProxy.start(portOf(kinds));
      stops.push(() => proxy.stop());
      const reused = async (options: TlsOptions) => {
        const { port, handshakes } = await terminate(proxy.port);
        const { client, channel } = connect(`localhost:${port}`, { credentials: tls({ ca, ...options }) });
        await client.unary({});
        const lost = nextEvent(channel, "disconnected");
        proxy.reset();
        await lost;
        await client.unary({});
        return handshakes;
      };
      expect(await reused({})).toEqual([false, true]);
      expect(await reused({ checkServerIdentity: () => undefined })).toEqual([false, false]);
    });

    test.each([
      ["does not speak TLS", {}, /: it does not speak TLS$/],
      [
        "knows no ALPN",
        { ALPNProtocols: undefined },
        /: it does not agree to speak HTTP\/2 \(ALPN h2\): it is no gRPC server/,
      ],
      ["wants HTTP/1.1", { ALPNProtocols: ["http/1.1"] }, /: it does not agree to speak HTTP\/2 \(ALPN h2\)/],
      [
        "wants an old version",
        { maxVersion: "TLSv1.1", minVersion: "TLSv1", ciphers: "DEFAULT@SECLEVEL=0" },
        /protocol version|unsupported protocol/,
      ],
    ])("to a peer that %s fails with that", async (what, options, details) => {
      const kinds = await serve();
      const { port } =
        what === "does not speak TLS" ? { port: await speakHttp1() } : await terminate(portOf(kinds), options);
      const { client } = connect(`localhost:${port}`, { credentials: tls({ ca }) });
      await expect(client.unary({})).rejects.toMatchObject({
        code: Code.UNAVAILABLE,
        details: expect.stringMatching(details),
      });
    });

    async function speakHttp1(): Promise<number> {
      const address = await accept((socket) => socket.on("data", () => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")));
      return Number(address.split(":")[1]);
    }

    test("with a certificate that cannot be read is a mistake of who dials", async () => {
      const { client } = connect("localhost:1", { credentials: tls({ cert: "none", key: "none" }) });
      await expect(client.unary({})).rejects.toMatchObject({
        code: Code.INVALID_ARGUMENT,
        details: expect.stringMatching(/tls\(\): ca, cert or key cannot be used: /),
      });
    });
  });

  describe("a connection that cannot be made", () => {
    test("is tried again, each time after a longer wait", async () => {
      const { channel, events, states } = connect("127.0.0.1:1");
      channel.connect();
      await holds(() => events.length === 4);
      const reason = "connect ECONNREFUSED 127.0.0.1:1";
      expect(events).toEqual([10, 16, 25, 25].map((backoffMs) => ({ type: "backoff", reason, backoffMs })));
      // Also while it tries again, so that no call waits for what has just failed.
      expect(states).toEqual(["CONNECTING", "TRANSIENT_FAILURE"]);
    });

    test("begins with the shortest wait again after one that could", async () => {
      const kinds = await serve();
      const proxy = await TcpProxy.start(portOf(kinds));
      const { port } = proxy;
      await proxy.stop();
      const { channel, client, events } = connect(`127.0.0.1:${port}`);
      channel.connect();
      await holds(() => events.length === 3);
      const again = await TcpProxy.start(portOf(kinds), port);
      await client.unary({}, { waitForReady: true });
      const lost = nextEvent(channel, "disconnected");
      await again.stop();
      await lost;
      events.length = 0;
      const failed = nextEvent(channel, "backoff");
      channel.connect();
      expect(await failed).toMatchObject({ backoffMs: 10 });
    });

    test("because the peer closes it is told with its address", async () => {
      const address = await accept((socket) => socket.destroy());
      const { client } = connect(address);
      await expect(client.unary({})).rejects.toMatchObject({
        code: Code.UNAVAILABLE,
        details: expect.stringMatching(`^no connection could be made: ${address}: `),
      });
    });

    test("in time is given up, and its socket is closed", async () => {
      const sockets: Socket[] = [];
      const address = await accept((socket) => sockets.push(socket.resume()));
      const { client } = connect(address, { connectTimeoutMs: 50, backoff: { initialMs: 60_000 } });
      await expect(client.unary({})).rejects.toMatchObject({
        details: `no connection could be made: ${address} accepted the connection and said nothing for 50 ms`,
      });
      if (!sockets[0]!.closed) await once(sockets[0]!, "close");
    });

    test("is given up with the last handle", async () => {
      const sockets: Socket[] = [];
      const address = await accept((socket) => sockets.push(socket.resume()));
      const { channel, client } = connect(address);
      const waiting = client.unary({});
      await holds(() => sockets.length === 1);
      const closed = channel.close();
      await expect(waiting).rejects.toMatchObject({ code: Code.UNAVAILABLE });
      await closed;
      if (!sockets[0]!.closed) await once(sockets[0]!, "close");
    });
  });

  test("a server that drops whom it has just accepted is connected to twice, and then after waits", async () => {
    const settings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);
    let accepted = 0;
    const address = await accept((socket) => {
      accepted++;
      socket.resume().end(settings);
    });
    const { channel, events } = connect(address, { backoff: { initialMs: 60_000 }, loadBalancing: "round_robin" });
    const failed = nextEvent(channel, "backoff");
    channel.connect();
    expect(await failed).toMatchObject({ reason: expect.stringMatching(`^${address}: `) });
    expect(events.map(({ type }) => type)).toEqual([
      "connected",
      "disconnected",
      "connected",
      "disconnected",
      "backoff",
    ]);
    expect([accepted, channel.state]).toEqual([2, "TRANSIENT_FAILURE"]);
  });

  test("a connection keeps no values of who wanted it first, nor hands them to others", async () => {
    const storage = new AsyncLocalStorage<string>();
    const { address } = await serve();
    const { client, channel } = connect(address);
    const seen = new Set<string | undefined>();
    const onHeaders = () => seen.add(storage.getStore());
    channel.onEvent(() => seen.add(storage.getStore()));
    await storage.run("first", () => client.unary({}));
    await storage.run("second", () => client.unary({}, { onHeaders }));
    await storage.run("third", () => channel.close());
    expect(seen.size).toBeGreaterThan(0);
    expect([...seen].filter((one) => one !== undefined && one !== "second")).toEqual([]);
  });

  describe("a channel that is drained", () => {
    async function open(methods: Partial<KindsServer>, { streams = 100, target = "" } = {}) {
      const server = new Server({ maxConcurrentStreamsPerConnection: streams });
      registerKindsServer(server, Object.assign(new UnimplementedKindsServer(), methods));
      const { address } = await server.listen("127.0.0.1:0");
      stops.push(() => server.shutdown({ graceMs: 0 }));
      const settings = readSettings(target || address, { backoff: quick });
      const log: string[] = [];
      const observer = {
        onState: (state: State) => log.push(state),
        onEvent: ({ type }: ConnectionEvent) => log.push(type),
        onCallEnd: (code: Code) => log.push(`call ${code}`),
      };
      const loaded = await loadTransport(transport);
      const channel = await createChannel(loaded, { ...settings, credentials: insecure() }, observer);
      stops.push(() => channel.drain(0));
      const start = (waitForReady = false) => {
        const ended = event<string>();
        const sink = {
          onHeaders: () => {},
          onMessage: () => {},
          onWritable: () => {},
          onEnd: ({ code, details }: { code: Code; details: string }) => {
            log.push(`end ${code}`);
            ended.happen(details);
          },
        };
        const spec = { method: KindsDesc.methods.unary, deadline: Number.POSITIVE_INFINITY, attempt: 0, only: {} };
        channel.start({ ...spec, waitForReady }, sink).read(1);
        return ended.happened;
      };
      return { channel, log, start };
    }

    test("takes no more calls, and closes when those that it has have ended", async () => {
      const gate = event();
      const arrived = event();
      const { channel, log, start } = await open({
        async unary() {
          arrived.happen();
          await gate.happened;
          return {};
        },
      });
      const ended = start();
      await arrived.happened;
      const drained = channel.drain(Number.POSITIVE_INFINITY);
      expect(() => start()).toThrow("UNAVAILABLE: the connection was closed");
      gate.happen();
      await ended;
      await drained;
      expect(log).toEqual(["CONNECTING", "READY", "connected", "end 0", "call 0", "SHUTDOWN", "disconnected"]);
      expect(channel.state).toBe("SHUTDOWN");
    });

    test("still gives those that wait their turn, and cuts all after the grace", async () => {
      const gate = event();
      const arrived = event();
      const { channel, log, start } = await open(
        {
          async unary() {
            arrived.happen();
            await gate.happened;
            return {};
          },
        },
        { streams: 1 },
      );
      const first = start();
      const second = start();
      await arrived.happened;
      const drained = channel.drain(Number.POSITIVE_INFINITY);
      gate.happen();
      await first;
      await second;
      await drained;
      expect(log.filter((one) => one.startsWith("end") || one.startsWith("call"))).toEqual([
        "end 0",
        "call 0",
        "end 0",
        "call 0",
      ]);
      const stuck = await open({ unary: () => new Promise<never>(() => {}) }, { streams: 1 });
      const calls = [stuck.start(), stuck.start()];
      await holds(() => stuck.channel.state === "READY");
      void stuck.channel.drain(Number.POSITIVE_INFINITY);
      // It may be told again.
      await stuck.channel.drain(20);
      expect((await Promise.all(calls)).every((details) => /closed/.test(details))).toBe(true);
      expect(stuck.log.filter((one) => one.startsWith("call"))).toEqual([
        `call ${Code.UNAVAILABLE}`,
        `call ${Code.UNAVAILABLE}`,
      ]);
    });

    test("ends calls that wait for a connection, and stops to look for one", async () => {
      const { channel, log, start } = await open(echo, { target: "127.0.0.1:1" });
      expect(await start()).toBe("no connection could be made: connect ECONNREFUSED 127.0.0.1:1");
      const patient = start(true);
      await channel.drain(0);
      expect(await patient).toBe("the connection was closed");
      const told = log.length;
      await new Promise(setImmediate);
      expect(log.slice(told)).toEqual(["SHUTDOWN"]);
      expect(log.filter((one) => one.startsWith("call"))).toEqual(["call 14", "call 14"]);
      expect(() => channel.connect()).not.toThrow();
    });
  });

  test("a ping is answered by all that calls may go to, or is not", async () => {
    const [one, other] = [await serve(), await serve()];
    const proxy = await TcpProxy.start(portOf(other));
    stops.push(() => proxy.stop());
    const { channel, events } = connect(`ipv4:${one.address},${proxy.address}`, { loadBalancing: "round_robin" });
    channel.connect();
    await holds(() => events.length === 2);
    expect(await channel.ping()).toBeGreaterThan(0);
    proxy.blackHole();
    await expect(channel.ping({ timeoutMs: 50 })).rejects.toMatchObject({ code: Code.DEADLINE_EXCEEDED });
  });

  test("after GOAWAY the next call goes to a new connection, and those that are on the old end there", async () => {
    const gate = event();
    const arrived = event();
    const kinds = await serve({
      async unary({ text = "" }) {
        if (text === "long") {
          arrived.happen();
          await gate.happened;
        }
        return { text };
      },
    });
    const proxy = await TcpProxy.start(portOf(kinds));
    stops.push(() => proxy.stop());
    const { channel, client, states } = connect(proxy.address);
    const long = client.unary({ text: "long" });
    await arrived.happened;
    const goaway = nextEvent(channel, "goaway");
    const down = kinds.server.shutdown({ graceMs: 10_000 });
    await goaway;
    await becomes(channel, "IDLE");
    proxy.redirect(portOf(await serve()));
    expect(await client.unary({ text: "next" })).toMatchObject({ text: "next" });
    gate.happen();
    expect(await long).toMatchObject({ text: "long" });
    await down;
    expect(states).toEqual(["CONNECTING", "READY", "IDLE", "CONNECTING", "READY"]);
  });
});
