/** What clients do wrong, by malice or by accident, and what a server makes of it. It lives, whatever they do. */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2";
import { connect, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { connect as connectTls } from "node:tls";
import { promisify } from "node:util";
import { jest } from "@jest/globals";
import { Code, Server, type ServerOptions, serverTls } from "@trunkline/runtime";
import type { KindsServer } from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import { KindsDesc, kindsClient } from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import { dialled, echo, holds, nextEvent, stopProxied } from "../connection/proxied.js";
import { TcpProxy } from "../connection/tcp-proxy.js";
import { attack, callAttacks, connectionAttacks, wrongWith } from "./attacks.js";
import { closed } from "./closed.js";
import { impatientServers } from "./impatient-servers.js";
import { event, startKinds, stopKinds } from "./kinds.js";
import { RawCalls } from "./raw-calls.js";
import { Flag, FrameType, frame, opening } from "./raw-frames.js";
import { wireTransports } from "./transports.js";

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
  await stopProxied();
  await stopKinds();
});

function session(address: string): ClientHttp2Session {
  const made = connectHttp2(`http://${address}`, { maxSendHeaderBlockLength: 10_000_000 });
  made.on("error", () => {}); // Its streams tell.
  stops.unshift(() => made.destroy());
  return made;
}

/** A connection as TCP has it. */
function tcp(address: string): Socket {
  const socket = connect(Number(address.split(":").at(-1)), "127.0.0.1");
  socket.on("error", () => {}).resume();
  stops.unshift(() => socket.destroy());
  return socket;
}

const metadata = (count: number, bytes: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`x-${i}`, "~".repeat(bytes)]));

describe.each(wireTransports)("a server on $name", ({ transport }) => {
  const start = (options: ServerOptions = {}, methods: Partial<KindsServer> = echo) =>
    startKinds(transport, methods, options);
  const impatient = impatientServers(transport);

  describe("lives on, after", () => {
    test.each(connectionAttacks)("$name", async ({ run, expected }) => {
      const { address, client, server } = await start({ transport: impatient });
      await client.unary({});
      expect(await run(Number(address.split(":").at(-1)))).toMatch(expected);
      await expect(client.unary({ text: "honest" })).resolves.toMatchObject({ text: "honest" });
      // Nothing is kept of it.
      await holds(() => server.stats().openConnections === 1);
    });

    test.each(callAttacks)("a call with $name, on the same connection", async (call) => {
      const { address, client, server } = await start();
      const hostile = session(address);
      expect(wrongWith(call, await attack(hostile, call))).toBeUndefined();
      const honest = { name: "an honest call", body: Buffer.alloc(5), expected: { "grpc-status": "0" } };
      expect(wrongWith(honest, await attack(hostile, honest))).toBeUndefined();
      await client.unary({});
      expect(server.stats().acceptedConnections).toBe(2);
      for (const { inFlight } of server.stats().services[0]!.methods) expect(inFlight).toBe(0);
    });

    test("an answer that its client does not wait for: what it still sends is refused", async () => {
      const { address } = await start({}, { clientStream: () => ({ text: "enough" }) });
      const headers = { ":path": KindsDesc.methods.clientStream.path };
      const call = { name: "early", headers, body: Buffer.alloc(5), staysOpen: true, expected: { "grpc-status": "0" } };
      const ended = await attack(session(address), call);
      expect(wrongWith(call, ended)).toBeUndefined();
      expect(ended.rstCode).toBe(0); // NO_ERROR: RFC 9113, section 8.1
    });

    test("a thousand of all of them, with a heap that does not grow", async () => {
      const program = ["--import", "tsx", "test/programs/hostile-clients.ts", "1000", String(transport)];
      // Rejected, with what it printed, where it finds anything wrong.
      const { stdout } = await promisify(execFile)(process.execPath, program, { timeout: 60_000 });
      expect(stdout).toMatch(/^1000 attacks in /);
    }, 60_000);
  });

  test("a connection that was given up is closed in TLS too, and an honest one is not asked for ever", async () => {
    const pem = (name: string) => readFileSync(`fixtures/tls/${name}`);
    const server = new Server({ transport: impatient });
    const credentials = serverTls({ cert: pem("server.pem"), key: pem("server.key") });
    const { port } = await server.listen("127.0.0.1:0", { credentials });
    stops.push(() => server.shutdown());
    const secured = () => {
      const options = { port, host: "127.0.0.1", servername: "localhost", ca: pem("ca.pem"), ALPNProtocols: ["h2"] };
      const socket = connectTls(options).on("error", () => {});
      stops.unshift(() => socket.destroy());
      return socket;
    };
    const honest = secured();
    const pings: Buffer[] = [];
    honest.on("data", (bytes: Buffer) => {
      if (bytes[3] !== FrameType.ping || bytes[4] === Flag.ack) return;
      pings.push(bytes);
      honest.write(frame(FrameType.ping, Flag.ack, 0, bytes.subarray(9, 17)));
    });
    honest.write(Buffer.concat([opening, frame(FrameType.settings, Flag.ack, 0, Buffer.alloc(0))]));
    await once(honest, "data");
    const hostile = secured();
    hostile.resume().write(Buffer.concat([opening, frame(FrameType.data, 0, 0, Buffer.alloc(5))]));
    await closed(hostile);
    await holds(() => server.stats().openConnections === 1);
    expect(honest.destroyed).toBe(false);
    // Where it is grpc-js that has to look, it looks once.
    expect(pings).toHaveLength(transport === "grpc-js" ? 1 : 0);
  });

  describe("bounds connections:", () => {
    test("more than maxConnections are closed when they come, until there is room", async () => {
      const { address, client, server } = await start({ maxConnections: 3 });
      await client.unary({});
      const within = [tcp(address), tcp(address)];
      await holds(() => server.stats().openConnections === 3);
      for (let i = 0; i < 5; i++) await closed(tcp(address));
      expect(server.stats()).toMatchObject({ openConnections: 3, acceptedConnections: 3, refusedConnections: 5 });
      const late = dialled(address, { transport, backoff: { initialMs: 10, maxMs: 10 } });
      await expect(kindsClient(late).unary({}, { timeoutMs: 5000, retry: false })).rejects.toMatchObject({
        code: Code.UNAVAILABLE,
      });
      await expect(client.unary({ text: "within" })).resolves.toMatchObject({ text: "within" });
      within[0]!.destroy();
      await expect(kindsClient(late).unary({ text: "room" }, { waitForReady: true })).resolves.toMatchObject({
        text: "room",
      });
      expect(server.stats().openConnections).toBe(3);
    });

    test("many that are idle cost nobody a call, and shutdown closes them", async () => {
      const { address, client, server } = await start();
      const idle = Array.from({ length: 300 }, () => tcp(address));
      for (const socket of idle) socket.write(opening);
      await holds(() => server.stats().openConnections === 300);
      await expect(client.unary({ text: "quick" })).resolves.toMatchObject({ text: "quick" });
      const ends = idle.map(closed);
      await server.shutdown({ graceMs: 60_000 });
      await Promise.all(ends);
      await holds(() => server.stats().openConnections === 0);
    });

    test("one that reads nothing of its answer does not outlive shutdown", async () => {
      const { address, server } = await start();
      const stalled = new RawCalls(address, { initialWindowSize: 0 });
      stops.unshift(() => stalled.close());
      const { ended } = stalled.start(KindsDesc.methods.serverStream.path);
      await holds(() => server.stats().services[0]!.methods[1]!.inFlight === 1);
      const { cutCalls } = await server.shutdown({ graceMs: 50 });
      expect(cutCalls).toBe(1);
      await ended;
      await holds(() => server.stats().openConnections === 0);
    });

    test("without file descriptors it refuses, and goes on when there are some again", async () => {
      const program = 'ulimit -n 128 && exec "$0" --import tsx test/programs/listen.ts 127.0.0.1:0';
      const child = spawn("bash", ["-c", program, process.execPath], { stdio: ["pipe", "pipe", "inherit"] });
      stops.push(async () => {
        child.stdin.end();
        if (child.exitCode === null) await once(child, "close");
      });
      const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
      const address: string = (await lines.next()).value;
      await lines.next();
      const stats = async () => {
        child.stdin.write("\n");
        return JSON.parse((await lines.next()).value);
      };
      const honest = kindsClient(dialled(address, { transport }));
      await honest.unary({});
      const many = Array.from({ length: 200 }, () => tcp(address));
      let open = many.length;
      for (const socket of many) socket.once("close", () => open--);
      for (const socket of many) socket.write(opening);
      for (;;) {
        const { acceptedConnections, refusedConnections } = await stats();
        if (acceptedConnections + refusedConnections === 201) break;
      }
      const { openConnections, refusedConnections, freeFileDescriptors } = await stats();
      expect(refusedConnections).toBeGreaterThan(100);
      expect(freeFileDescriptors).toBeGreaterThanOrEqual(16);
      await holds(() => open === openConnections - 1);
      await expect(honest.unary({})).resolves.toMatchObject({ text: "here" });
      for (const socket of many) socket.destroy();
      while ((await stats()).openConnections > 1);
      const late = dialled(address, { transport, backoff: { initialMs: 10, maxMs: 10 } });
      await expect(kindsClient(late).unary({}, { waitForReady: true })).resolves.toMatchObject({ text: "here" });
    });
  });

  describe("bounds metadata:", () => {
    /** What its own client adds is less than this. */
    const own = 200;

    test("over twice maxMetadataBytes for certain, within it never", async () => {
      const random = jest.spyOn(Math, "random");
      stops.push(() => random.mockRestore());
      const { client, server } = await start({ maxMetadataBytes: 1000 });
      const refused = {
        code: Code.RESOURCE_EXHAUSTED,
        details: expect.stringMatching(/^the call's metadata of \d+ bytes is over maxMetadataBytes, 1000$/),
      };
      for (const draw of [0, 0.999_999]) {
        random.mockReturnValue(draw);
        await client.unary({}, { metadata: metadata(1, 1000 - own) });
        await expect(client.unary({}, { metadata: metadata(1, 2000) })).rejects.toMatchObject(refused);
        const between = client.unary({}, { metadata: metadata(1, 1500 - own) });
        if (draw === 0) await expect(between).rejects.toMatchObject(refused);
        else await between;
      }
      await client.unary({});
      expect(server.stats().acceptedConnections).toBe(1);
    });

    const tooMuch = (headers: { readonly [name: string]: string }) => {
      return { name: "too much", headers, body: Buffer.alloc(5), expected: {} };
    };

    const served = { headers: { "grpc-status": "0" } };

    test("more fields than node:http2 takes: there the call is refused, and the connection lives", async () => {
      const { address } = await start({ maxMetadataBytes: 10_000_000 });
      const hostile = session(address);
      // ENHANCE_YOUR_CALM, which is RESOURCE_EXHAUSTED in PROTOCOL-HTTP2.
      const answer = transport === "grpc-js" ? { rstCode: 11 } : served;
      expect(await attack(hostile, tooMuch(metadata(200, 1)))).toMatchObject(answer);
      expect(await attack(hostile, tooMuch({}))).toMatchObject(served);
    });

    test.each([
      ["one field", metadata(1, 100_000), 9], // COMPRESSION_ERROR
      ["all of them", metadata(20, 10_000), 2], // INTERNAL_ERROR
    ])(
      "longer than 64 KiB in %s: on node:http2 it costs its own connection, and no other",
      async (_what, headers, code) => {
        const { address, client, server } = await start({ maxMetadataBytes: 10_000_000, transport: impatient });
        await client.unary({});
        const hostile = session(address);
        if (transport !== "grpc-js") {
          expect(await attack(hostile, tooMuch(headers))).toMatchObject(served);
          return;
        }
        const goaway = once(hostile, "goaway");
        await attack(hostile, tooMuch(headers));
        expect((await goaway)[0]).toBe(code);
        await expect(client.unary({ text: "honest" })).resolves.toMatchObject({ text: "honest" });
        await holds(() => server.stats().openConnections === 1);
      },
    );
  });

  test("maxConcurrentStreamsPerConnection: a further call waits, and is served", async () => {
    const held: (() => void)[] = [];
    let started = 0;
    const { client, server } = await start(
      { maxConcurrentStreamsPerConnection: 10 },
      {
        async unary(request) {
          started++;
          if (request.text === "last") return request;
          const { happened, happen } = event();
          held.push(happen);
          await happened;
          return request;
        },
      },
    );
    // The limit comes with the connection: calls of before do not know it.
    const first = client.unary({ text: "last" });
    await first;
    const calls = Array.from({ length: 10 }, () => client.unary({}));
    await holds(() => held.length === 10);
    const eleventh = client.unary({ text: "last" });
    const other = kindsClient(dialled(server.stats().addresses[0]!, { transport, connection: "short" }));
    await other.unary({ text: "last" });
    expect(started).toBe(12); // The eleventh is not among them.
    held[0]!();
    await expect(eleventh).resolves.toMatchObject({ text: "last" });
    for (const goOn of held) goOn();
    await Promise.all(calls);
    expect(server.stats().acceptedConnections).toBe(2);
  });

  test("maxConnectionIdleMs closes a connection without calls, and not one with a call", async () => {
    const { happened, happen } = event();
    const { client, server, channel } = await start(
      { maxConnectionIdleMs: 1000 },
      {
        unary: (request) => request,
        async *serverStream(request) {
          yield request;
          await happened;
          yield request;
        },
      },
    );
    const stream = client.serverStream({ text: "long" })[Symbol.asyncIterator]();
    await stream.next();
    const other = dialled(server.stats().addresses[0]!, { transport, authority: "another.connection" });
    await kindsClient(other).unary({});
    expect(server.stats().openConnections).toBe(2);
    await holds(() => server.stats().openConnections === 1);
    happen();
    expect(await stream.next()).toMatchObject({ value: { text: "long" } });
    expect((await stream.next()).done).toBe(true);
    await holds(() => server.stats().openConnections === 0);
    await expect(client.unary({ text: "again" })).resolves.toMatchObject({ text: "again" });
    await channel.close();
  });

  test("maxConnectionAgeMs: connections come and go, and no call is lost", async () => {
    const { client, server } = await start({ maxConnectionAgeMs: 50, maxConnectionAgeGraceMs: 10_000 });
    let calls = 0;
    const callOn = async () => {
      for (; server.stats().acceptedConnections < 6; calls++) await client.unary({ number: 1n }, { retry: false });
    };
    await Promise.all([callOn(), callOn(), callOn()]);
    expect(calls).toBeGreaterThan(6);
  });

  test("maxConnectionAgeGraceMs ends what goes on for longer", async () => {
    const { client } = await start(
      { maxConnectionAgeMs: 50, maxConnectionAgeGraceMs: 50 },
      { unary: () => new Promise(() => {}) },
    );
    await expect(client.unary({}, { retry: false })).rejects.toMatchObject({ code: Code.UNAVAILABLE });
  });

  test("keepalive: a client in a black hole is closed, and its call cancelled", async () => {
    const { happened: aborted, happen: abort } = event<unknown>();
    const { happened: started, happen: begin } = event();
    const { address, server } = await start(
      { keepalive: { timeMs: 100, timeoutMs: 100 } },
      {
        unary: (_request, call) => {
          call.signal.addEventListener("abort", () => abort(call.signal.reason));
          begin();
          return new Promise(() => {});
        },
      },
    );
    const proxy = await TcpProxy.start(Number(address.split(":").at(-1)));
    stops.push(() => proxy.stop());
    const channel = dialled(proxy.address, { transport });
    const call = kindsClient(channel).unary({}, { retry: false });
    call.catch(() => {});
    await started;
    proxy.blackHole();
    await expect(aborted).resolves.toMatchObject({ code: Code.CANCELLED });
    await holds(() => server.stats().openConnections === 0);
    const lost = nextEvent(channel, "disconnected");
    proxy.reset();
    await lost;
    await expect(call).rejects.toMatchObject({ code: Code.UNAVAILABLE });
  });

  test("keepalive: a client that answers is left alone", async () => {
    const { client, server } = await start({ keepalive: { timeMs: 20, timeoutMs: 1000 } });
    await client.unary({});
    const stream = client.serverStream({ text: "on" })[Symbol.asyncIterator]();
    const until = performance.now() + 300; // Fifteen pings.
    while (performance.now() < until) expect(await stream.next()).toMatchObject({ value: { text: "on" } });
    await stream.return!();
    expect(server.stats().acceptedConnections).toBe(1);
  });
});
