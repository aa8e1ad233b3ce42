/**
 * What is done to servers and clients on purpose: within its limit nothing happens, over it the attacker loses its
 * connection. An honest client on another connection notices nothing, and the memory that an attacker costs is bounded.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:http2";
import { join } from "node:path";
import { jest } from "@jest/globals";
import { type ClientChannel, Code, dial } from "@trunkline/runtime";
import { type KindsClient, KindsDesc, kindsClient } from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import { bundle } from "../programs/program.js";
import { startKinds, stopKinds } from "../runtime/kinds.js";
import { frame, headerBlock, preface } from "../runtime/raw-frames.js";
import type { Report } from "./attacked-server.js";
import { string } from "./hpack-blocks.js";
import * as raw from "./raw-peer.js";

const { ack, continuation, data, endHeaders, endStream, goaway, headers, message, nothing, paddedFlag } = raw;
const { ping, priority, request, rstStream, settings, settingsOf, uint32, windowUpdate } = raw;

const unary = KindsDesc.methods.unary.path;
const clientStream = KindsDesc.methods.clientStream.path;

const calm = "GOAWAY ENHANCE_YOUR_CALM";
/** What a peer may cost that keeps to what it is told, or not. */
const mostBytes = 2 * 1024 * 1024;

const stops: (() => unknown)[] = [];
const stopAll = async () => {
  jest.useRealTimers();
  for (const stop of stops.splice(0)) await stop();
  await stopKinds();
};
afterEach(stopAll);

/** Time stands still; what happens on sockets does not. */
const fakeTimers = () =>
  jest.useFakeTimers({ doNotFake: ["Date", "hrtime", "nextTick", "performance", "queueMicrotask", "setImmediate"] });

/** Until there are so many timers, or the peer is gone. */
const timers = async (peer: raw.RawPeer, count: number) => {
  while (!peer.isClosed && jest.getTimerCount() !== count) await new Promise(setImmediate);
};

/** Frames of so many streams, the first with number 1. */
const streams = (count: number, frames: (streamId: number) => Buffer): Buffer =>
  Buffer.concat(Array.from({ length: count }, (_, i) => frames(2 * i + 1)));
const times = (count: number, bytes: Buffer): Buffer => Buffer.concat(Array.from({ length: count }, () => bytes));

const block = headerBlock(raw.requestFields(unary));
const open = request(1, clientStream);
/** A request of `unary`, for an answer of so many bytes. */
const asking = (bytes: number) => message(Buffer.concat([Buffer.of(0x10), varint(bytes)]));
/** A call whose client says that its request has ended. */
const called = (streamId: number, path: string, body: Buffer = message()) =>
  Buffer.concat([request(streamId, path), frame(data, endStream, streamId, body)]);

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest & 127) | 128);
  bytes.push(rest);
  return Buffer.from(bytes);
}

interface Flood {
  readonly name: string;
  /** Nothing comes of it. */
  readonly within: readonly Buffer[];
  readonly over: readonly Buffer[];
  /** What the attacker hears last. */
  readonly end: string;
}

const floods: readonly Flood[] = [
  {
    name: "rapid reset (CVE-2023-44487)",
    within: [streams(500, (id) => Buffer.concat([request(id, clientStream), frame(rstStream, 0, id, uint32(8))]))],
    over: [streams(5000, (id) => Buffer.concat([request(id, clientStream), frame(rstStream, 0, id, uint32(8))]))],
    end: calm,
  },
  {
    name: "calls that the server is made to reset (CVE-2025-8671)",
    within: [],
    over: [streams(5000, (id) => Buffer.concat([request(id, clientStream), frame(windowUpdate, 0, id, uint32(0))]))],
    end: calm,
  },
  {
    name: "CONTINUATION in crumbs (CVE-2024-27316)",
    within: [
      frame(headers, 0, 1, block.subarray(0, 10)),
      ...Array.from({ length: 50 }, (_, i) => frame(continuation, 0, 1, block.subarray(10 + i, 11 + i))),
      frame(continuation, endHeaders, 1, block.subarray(60)),
    ],
    over: [frame(headers, 0, 1, nothing), times(10_000, frame(continuation, 0, 1, Buffer.of(0x82)))],
    end: calm,
  },
  {
    name: "CONTINUATION with nothing in it (CVE-2019-9518)",
    within: [],
    over: [frame(headers, 0, 1, block), times(10_000, frame(continuation, 0, 1, nothing))],
    end: calm,
  },
  {
    name: "CONTINUATION with much in it",
    within: [],
    over: [frame(headers, 0, 1, block), times(50, frame(continuation, 0, 1, Buffer.alloc(16_384, 0x82)))],
    end: calm,
  },
  {
    name: "SETTINGS (CVE-2019-9515)",
    within: [times(1000, raw.emptySettings)],
    over: [times(10_000, raw.emptySettings)],
    end: calm,
  },
  {
    name: "SETTINGS with very many in them",
    within: [frame(settings, 0, 0, Buffer.concat(Array.from({ length: 100 }, () => settingsOf([4, 65_535]))))],
    over: [frame(settings, 0, 0, Buffer.concat(Array.from({ length: 10_000 }, () => settingsOf([4, 65_535]))))],
    end: calm,
  },
  {
    name: "PING (CVE-2019-9512)",
    within: [times(1000, frame(ping, 0, 0, Buffer.alloc(8)))],
    over: [times(10_000, frame(ping, 0, 0, Buffer.alloc(8)))],
    end: calm,
  },
  {
    name: "answers to pings that were not sent",
    within: [times(1000, frame(ping, ack, 0, Buffer.alloc(8)))],
    over: [times(10_000, frame(ping, ack, 0, Buffer.alloc(8)))],
    end: calm,
  },
  {
    name: "PRIORITY (CVE-2019-9513)",
    within: [times(1000, frame(priority, 0, 3, Buffer.alloc(5)))],
    over: [times(10_000, frame(priority, 0, 3, Buffer.alloc(5)))],
    end: calm,
  },
  {
    name: "frames that nobody knows",
    within: [times(1000, frame(0xbe, 0, 0, nothing))],
    over: [times(10_000, frame(0xbe, 0, 0, nothing))],
    end: calm,
  },
  {
    name: "empty DATA (CVE-2019-9518)",
    within: [open, times(1000, frame(data, 0, 1, nothing))],
    over: [open, times(10_000, frame(data, 0, 1, nothing))],
    end: calm,
  },
  {
    name: "DATA that is all padding",
    within: [open, times(1000, frame(data, paddedFlag, 1, Buffer.of(0)))],
    over: [open, times(10_000, frame(data, paddedFlag, 1, Buffer.of(0)))],
    end: calm,
  },
  {
    name: "WINDOW_UPDATE of the connection",
    within: [times(1000, frame(windowUpdate, 0, 0, uint32(1)))],
    over: [times(10_000, frame(windowUpdate, 0, 0, uint32(1)))],
    end: calm,
  },
  {
    name: "WINDOW_UPDATE of a stream",
    within: [open, times(1000, frame(windowUpdate, 0, 1, uint32(1)))],
    over: [open, times(10_000, frame(windowUpdate, 0, 1, uint32(1)))],
    end: calm,
  },
  {
    name: "data dribble (CVE-2019-9511)",
    within: [],
    over: [
      frame(settings, 0, 0, settingsOf([4, 0])),
      called(1, unary, asking(100_000)),
      times(20_000, frame(windowUpdate, 0, 1, uint32(1))),
    ],
    end: calm,
  },
  {
    name: "DATA of calls that are over",
    within: [],
    over: [request(1, clientStream), frame(rstStream, 0, 1, uint32(8)), times(10_000, frame(data, 0, 1, Buffer.of(0)))],
    end: calm,
  },
  {
    name: "RST_STREAM of calls that are over",
    within: [open, times(1000, frame(rstStream, 0, 1, uint32(8)))],
    over: [open, times(10_000, frame(rstStream, 0, 1, uint32(8)))],
    end: calm,
  },
  {
    name: "header lists that are malformed",
    within: [],
    over: [streams(5000, (id) => frame(headers, endHeaders | endStream, id, headerBlock({ ":method": "POST" })))],
    end: calm,
  },
  {
    name: "calls past the limit of streams",
    within: [streams(1000, (id) => request(id, clientStream))],
    over: [streams(5000, (id) => request(id, clientStream))],
    end: calm,
  },
];

/** The other end of an attack; it counts what a connection costs. */
class Victim {
  readonly #child: ChildProcess;
  port = 0;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static async start(file: string): Promise<Victim> {
    const child = fork(file, { execArgv: ["--expose-gc"] });
    await once(child, "message");
    const victim = new Victim(child);
    victim.port = (await victim.report()).port;
    return victim;
  }

  async report(): Promise<Report> {
    const reported = once(this.#child, "message");
    this.#child.send("report");
    return (await reported)[0] as Report;
  }

  /** Until it has noticed that so many connections are left, and no call of theirs. */
  async emptied(connections: number): Promise<Report> {
    for (;;) {
      const report = await this.report();
      if (report.stats.openConnections <= connections) return report;
    }
  }

  async stop(): Promise<void> {
    const exit = once(this.#child, "exit");
    this.#child.kill();
    await exit;
  }
}

describe("a server", () => {
  let victim: Victim;
  let directory: string;
  let honest: ClientChannel;
  let client: KindsClient;

  beforeAll(async () => {
    mkdirSync("test/tmp", { recursive: true });
    directory = mkdtempSync(join("test/tmp", "attacks-"));
    victim = await Victim.start(await bundle("test/http2/attacked-server.ts", join(directory, "attacked-server.mjs")));
    honest = dial(`127.0.0.1:${victim.port}`, { transport: "http2" });
    client = kindsClient(honest);
    await client.unary({});
  });

  /** What a connection has cost, for whoever reads along. */
  const figures: string[] = [];

  afterAll(async () => {
    if (figures.length > 0) console.info(figures.join("\n"));
    await honest.close();
    await victim.stop();
    rmSync(directory, { recursive: true });
  });

  const attacker = (opening?: Buffer) => {
    const peer = raw.RawPeer.toServer(victim.port, opening);
    stops.push(() => peer.close());
    return peer;
  };

  /** Calls of an honest client, one after the other, each of which has its answer soon. */
  const honestCalls = async (count: number) => {
    for (let i = 0; i < count; i++) await client.unary({ number: 3n }, { timeoutMs: 2000, retry: false });
  };

  afterEach(async () => {
    await stopAll();
    const { stats } = await victim.emptied(1);
    // The one connection of the honest client is the one that it began with.
    expect(stats.openConnections).toBe(1);
    expect(stats.services[0]!.methods.reduce((sum, { inFlight }) => sum + inFlight, 0)).toBe(0);
    await honestCalls(1);
  });

  test.each(floods.filter(({ within }) => within.length > 0))("bears, within the limit, $name", async ({ within }) => {
    const peer = attacker();
    peer.write(...within);
    expect(await peer.outcome()).toBe("lives");
    await peer.close();
  });

  test.each(floods)("ends the connection over $name, and no other", async ({ over, end }) => {
    const peer = attacker();
    peer.write(...over);
    const [said] = await Promise.all([peer.outcome(), honestCalls(20)]);
    expect(said.split(", ").at(-1)).toBe(end);
    await peer.closed;
  });

  test("resets a call whose DATA is over its window", async () => {
    const peer = attacker();
    // Nobody reads it.
    peer.write(open, times(100, frame(data, 0, 1, times(20, message(Buffer.alloc(100))))));
    await peer.outcome();
    expect(peer.complaints[0]).toBe("RST_STREAM 1 FLOW_CONTROL_ERROR");
  });

  test("ends a connection that reads none of the answers to few bytes, which no window bounds", async () => {
    const peer = attacker();
    peer.socket.pause();
    // A path of 4,000 bytes goes into the table, and is one byte from then on; the answer tells that there is none such.
    const { ":path": _, ...fields } = raw.requestFields("");
    const [long, others] = [Buffer.concat([Buffer.of(0x44), string(`/${"x".repeat(3000)}`)]), headerBlock(fields)];
    peer.write(frame(headers, endHeaders | endStream, 1, Buffer.concat([long, others])));
    const again = Buffer.concat([Buffer.of(0xbe), others]);
    let stream = 3;
    const honestToo = honestCalls(20);
    while (!peer.socket.destroyed) {
      const some = streams(200, (id) => frame(headers, endHeaders | endStream, stream + id - 1, again));
      stream += 400;
      await new Promise<void>((resolve) => {
        peer.socket.write(some, () => resolve());
        peer.socket.once("close", () => resolve());
      });
    }
    await honestToo;
    expect(stream).toBeGreaterThan(1000);
  });

  test("bears garbage behind a good call, of which the answer still comes", async () => {
    const peer = attacker();
    expect(await peer.call(1, unary)).toBe("0");
    peer.write(Buffer.alloc(4096, 0xff));
    expect(await peer.end()).toBe("GOAWAY FRAME_SIZE_ERROR");
  });

  const bombName = Buffer.concat([Buffer.of(0x40), string("x-bomb"), string("b".repeat(4000))]);
  const manyStreams = (frames: (streamId: number) => Buffer) => [streams(1000, frames)];

  /** What a connection is made to hold by `frames`, each time as much as it bears. */
  const holds: readonly (readonly [name: string, frames: readonly Buffer[], outcome: RegExp, messageBytes: number])[] =
    [
      ["nothing but the opening", [], /^lives$/, 0],
      ["half a frame of 128 KiB", [frame(goaway, 0, 0, Buffer.alloc(100_000), 128 * 1024)], /^$/, 0],
      ["half a header block", [frame(headers, 0, 1, Buffer.alloc(16_000, 0x82), 16_001)], /^$/, 0],
      [
        "a header block of a field that stands for 4,000 bytes, 10,000 times (HPACK bomb)",
        [frame(headers, endHeaders, 1, Buffer.concat([block, bombName, Buffer.alloc(10_000, 0xbe)]))],
        /^(lives|RST_STREAM 1 NO_ERROR)$/,
        0,
      ],
      ["a header list over the limit", [request(1, unary, endHeaders, { "x-long": "x".repeat(20_000) })], /./, 0],
      ["1,000 calls that wait for their clients", manyStreams((id) => request(id, clientStream)), /^lives$/, 0],
      [
        "1,000 calls with 6 KiB of metadata",
        manyStreams((id) => request(id, clientStream, endHeaders, { "x-long": "x".repeat(6000) })),
        /./,
        0,
      ],
      [
        "1,000 calls that announce a message of 4 MiB",
        manyStreams((id) =>
          Buffer.concat([request(id, clientStream), frame(data, 0, id, message(nothing, 4_000_000))]),
        ),
        /./,
        0,
      ],
      ["empty messages that nobody reads", [open, times(12, frame(data, 0, 1, times(1000, message())))], /^lives$/, 0],
      [
        "1,000 calls of which each is sent 1 KB that nobody reads",
        manyStreams((id) =>
          Buffer.concat([request(id, clientStream), frame(data, 0, id, message(Buffer.alloc(1000)))]),
        ),
        /./,
        0,
      ],
      [
        "1,000 answers that have no window, besides the messages",
        [frame(settings, 0, 0, settingsOf([4, 0])), streams(1000, (id) => called(id, unary, asking(1000)))],
        /^lives$/,
        1_000_000,
      ],
    ];

  test.each(holds)("spends less than 2 MiB on %s", async (name, frames, outcome, messageBytes) => {
    const count = 4;
    const before = (await victim.emptied(1)).bytes;
    const peers = Array.from({ length: count }, () => attacker());
    for (const peer of peers) {
      peer.write(...frames);
      // What is not whole cannot be followed by a ping.
      if (outcome.source === "^$") await new Promise<void>((resolve) => peer.socket.write(nothing, () => resolve()));
      else expect(await peer.outcome()).toMatch(outcome);
    }
    const { bytes } = await victim.report();
    const each = (bytes - before) / count - messageBytes;
    figures.push(`${name}: ${(each / 1024).toFixed(0)} KiB`);
    expect(each).toBeLessThan(mostBytes);
  });

  /** What keeps to its windows, as node:http2 does, and sends as much as they have. */
  const sends: readonly (readonly [name: string, calls: number, path: string, body: Buffer, messageBytes: number])[] = [
    [
      "a message of 4 MiB of which the last byte does not come, besides its bytes",
      1,
      unary,
      message(Buffer.alloc(4 * 1024 * 1024 - 1), 4 * 1024 * 1024),
      4 * 1024 * 1024,
    ],
    [
      "100 calls, each with all that its window takes and nobody reads",
      100,
      clientStream,
      times(65, message(Buffer.alloc(1000))),
      0,
    ],
  ];

  test.each(sends)("spends less than 2 MiB on %s", async (name, calls, path, body, messageBytes) => {
    const count = 4;
    const before = (await victim.emptied(1)).bytes;
    for (let i = 0; i < count; i++) {
      const session = connect(`http://127.0.0.1:${victim.port}`).on("error", () => {});
      stops.push(() => session.destroy());
      await once(session, "connect");
      const fields = { ":method": "POST", ":path": path, "content-type": "application/grpc", te: "trailers" };
      for (let call = 0; call < calls; call++)
        session
          .request(fields)
          .on("error", () => {})
          .write(body);
      // What is given back for what has come makes room for more: one round trip is not enough.
      for (let trip = 0; trip < 200; trip++) {
        const failure = await new Promise((resolve) => session.ping(Buffer.alloc(8), resolve));
        expect(failure).toBeNull();
      }
    }
    const { bytes } = await victim.report();
    const each = (bytes - before) / count - messageBytes;
    figures.push(`${name}: ${(each / 1024).toFixed(0)} KiB`);
    expect(each).toBeLessThan(mostBytes);
    // It has come as far as it is let in.
    expect(each + messageBytes).toBeGreaterThan(500_000);
  });
});

describe("a server that waits", () => {
  const start = async () => {
    const { address, client } = await startKinds("http2", {
      unary: () => ({ text: "x".repeat(2 * 1024 * 1024) }),
      serverStream: (request) => [request],
    });
    await client.serverStream({})[Symbol.asyncIterator]().next();
    return Number(address.split(":").at(-1));
  };

  test("20 s for a preface gives up", async () => {
    const port = await start();
    fakeTimers();
    const peer = raw.RawPeer.toServer(port, preface.subarray(0, 12));
    peer.acknowledges = false;
    const other = raw.RawPeer.toServer(port);
    await other.settled();
    jest.advanceTimersByTime(20_000);
    expect(await peer.end()).toBe("closed");
    expect(await other.settled()).toBe(true);
    await other.close();
  });

  test("20 s for an acknowledgement of its SETTINGS gives up", async () => {
    const port = await start();
    fakeTimers();
    const peer = raw.RawPeer.toServer(port, nothing);
    peer.acknowledges = false;
    peer.write(preface, raw.emptySettings);
    await peer.settled();
    jest.advanceTimersByTime(19_999);
    expect(await peer.outcome()).toBe("lives");
    jest.advanceTimersByTime(1);
    expect(await peer.end()).toBe("GOAWAY SETTINGS_TIMEOUT");
  });

  const { path } = KindsDesc.methods.serverStream;
  const small = called(1, path);
  const smallBlock = headerBlock(raw.requestFields(path));
  /** What is begun and not completed; the rest of it makes a call. */
  const parts: readonly (readonly [what: string, begun: Buffer, rest: Buffer])[] = [
    [
      "a header block",
      frame(headers, 0, 1, smallBlock.subarray(0, 10)),
      Buffer.concat([
        frame(continuation, endHeaders, 1, smallBlock.subarray(10)),
        frame(data, endStream, 1, message()),
      ]),
    ],
    ["a frame", small.subarray(0, 40), small.subarray(40)],
    ["the header of a frame", small.subarray(0, 7), small.subarray(7)],
  ];

  /** A peer that has sent that, of which the server knows: it has a timer more than before. */
  const begins = async (begun: Buffer) => {
    const port = await start();
    fakeTimers();
    const [peer, other] = [raw.RawPeer.toServer(port), raw.RawPeer.toServer(port)];
    stops.push(
      () => peer.close(),
      () => other.close(),
    );
    await other.settled();
    await peer.settled();
    // That of the connections that have yet to speak runs out.
    jest.advanceTimersByTime(20_000);
    expect(await peer.outcome()).toBe("lives");
    const idleTimers = jest.getTimerCount();
    peer.write(begun);
    await timers(peer, idleTimers + 1);
    return { peer, other, idleTimers };
  };

  test.each(parts)("20 s for the rest of %s gives up, though a byte more has come", async (_what, begun, rest) => {
    const { peer, other } = await begins(begun);
    jest.advanceTimersByTime(19_999);
    await new Promise<void>((resolve) => peer.socket.write(rest.subarray(0, 1), () => resolve()));
    // What was sent before this has come before the answer.
    expect(await other.settled()).toBe(true);
    expect(peer.complaints).toEqual([]);
    jest.advanceTimersByTime(1);
    expect(await peer.end()).toBe(calm);
    expect(await other.outcome()).toBe("lives");
  });

  test.each(parts)("less than that for the rest of %s takes the call", async (_what, begun, rest) => {
    const { peer, idleTimers } = await begins(begun);
    jest.advanceTimersByTime(19_999);
    peer.write(rest);
    expect(await peer.status(1)).toBe("0");
    // There is none for what is whole; and what comes next has a time of its own.
    expect(jest.getTimerCount()).toBe(idleTimers);
    peer.write(frame(ping, 0, 0, Buffer.alloc(8)).subarray(0, 10));
    await timers(peer, idleTimers + 1);
    jest.advanceTimersByTime(19_999);
    peer.write(Buffer.alloc(7));
    expect(await peer.outcome()).toBe("lives");
    expect(jest.getTimerCount()).toBe(idleTimers);
  });

  test.each([
    ["not at all", 0, calm],
    ["by a byte", 1, calm],
    ["by 100 KB", 100_000, "lives"],
  ])("20 s for a window that opens %s, with 2 MiB to send", async (_how, bytes, outcome) => {
    const port = await start();
    const peer = raw.RawPeer.toServer(port, Buffer.concat([preface, frame(settings, 0, 0, settingsOf([4, 0]))]));
    stops.push(() => peer.close());
    // The connection's window is none of it.
    peer.write(frame(windowUpdate, 0, 0, uint32(10_000_000)));
    await peer.settled();
    fakeTimers();
    peer.write(called(1, unary));
    await peer.first(({ type }) => type === headers);
    await peer.settled();
    if (bytes > 0) {
      peer.write(frame(windowUpdate, 0, 1, uint32(bytes)));
      await peer.first(({ type }) => type === data);
      await peer.settled();
    }
    jest.advanceTimersByTime(20_000);
    expect(outcome === "lives" ? await peer.outcome() : await peer.end()).toBe(outcome);
  });
});

describe("a client", () => {
  const informational = frame(headers, endHeaders, 1, headerBlock({ ":status": "103" }));
  const answered = frame(headers, endHeaders, 1, headerBlock({ ":status": "200", "content-type": "application/grpc" }));
  const serverFloods: readonly Flood[] = [
    ...floods.filter(({ name }) => /^(SETTINGS|PING|answers to|PRIORITY|frames that|WINDOW_UPDATE of the)/.test(name)),
    {
      name: "GOAWAY",
      within: [],
      over: [times(10_000, frame(goaway, 0, 0, uint32(2 ** 31 - 1, 0)))],
      end: calm,
    },
    {
      name: "informational headers",
      within: [times(100, informational)],
      over: [times(10_000, informational)],
      end: calm,
    },
    {
      name: "empty DATA",
      within: [answered, times(1000, frame(data, 0, 1, nothing))],
      over: [answered, times(10_000, frame(data, 0, 1, nothing))],
      end: calm,
    },
    {
      name: "WINDOW_UPDATE of a call",
      within: [times(1000, frame(windowUpdate, 0, 1, uint32(1)))],
      over: [times(10_000, frame(windowUpdate, 0, 1, uint32(1)))],
      end: calm,
    },
    {
      name: "CONTINUATION",
      within: [],
      over: [frame(headers, 0, 1, nothing), times(10_000, frame(continuation, 0, 1, nothing))],
      end: calm,
    },
    {
      name: "a header block that is too long",
      within: [],
      over: [frame(headers, 0, 1, nothing), times(50, frame(continuation, 0, 1, Buffer.alloc(16_384, 0x82)))],
      end: calm,
    },
    {
      name: "acknowledgements of no SETTINGS",
      within: [],
      over: [times(3, frame(settings, ack, 0, nothing))],
      end: "GOAWAY PROTOCOL_ERROR",
    },
  ];

  /** A call at a server of which nothing has come yet, but what makes a connection. */
  const call = async () => {
    const server = await raw.RawServer.start();
    const channel = dial(server.address, { transport: "http2" });
    stops.push(
      () => channel.close({ graceMs: 0 }),
      () => server.stop(),
    );
    const client = kindsClient(channel);
    const ended = client.unary({}, { retry: false });
    ended.catch(() => {});
    const peer = await server.connection();
    await peer.first(({ type, flags }) => type === data && flags === endStream);
    return { server, client, ended, peer };
  };

  test.each(serverFloods.filter(({ within }) => within.length > 0))(
    "bears, within the limit, $name",
    async ({ within }) => {
      const { ended, peer } = await call();
      peer.write(...within);
      expect(await peer.outcome()).toBe("lives");
      const rest = within[0] === answered ? raw.answer(1).subarray(answered.length) : raw.answer(1);
      peer.write(rest);
      await expect(ended).resolves.toMatchObject({ text: "" });
    },
  );

  test.each(serverFloods)("ends the connection over $name, and makes another", async ({ over, end }) => {
    const { server, client, ended, peer } = await call();
    peer.write(...over);
    expect((await peer.outcome()).split(", ").at(-1)).toBe(end);
    await peer.closed;
    await expect(ended).rejects.toMatchObject({ code: Code.UNAVAILABLE });
    const next = client.unary({}, { waitForReady: true });
    const other = await server.connection(1);
    const { streamId } = (await other.first(({ type }) => type === headers))!;
    other.write(raw.answer(streamId));
    await expect(next).resolves.toMatchObject({ text: "" });
  });

  test("waits 20 s for the rest of a header block, and no longer", async () => {
    const { ended, peer } = await call();
    fakeTimers();
    peer.write(frame(headers, 0, 1, headerBlock({ ":status": "200" })));
    await timers(peer, 1);
    jest.advanceTimersByTime(19_999);
    expect(peer.complaints).toEqual([]);
    jest.advanceTimersByTime(1);
    expect(await peer.end()).toBe(calm);
    await expect(ended).rejects.toMatchObject({
      code: Code.UNAVAILABLE,
      details: expect.stringMatching(/a header block that was not whole within 20000 ms$/),
    });
  });

  test("takes no bomb of HPACK: the call fails, and the connection lives", async () => {
    const { ended, peer, client } = await call();
    const bomb = Buffer.concat([
      Buffer.of(0x40),
      string("x-bomb"),
      string("b".repeat(4000)),
      Buffer.alloc(20_000, 0xbe),
    ]);
    const block = Buffer.concat([headerBlock({ ":status": "200", "content-type": "application/grpc" }), bomb]);
    peer.write(
      frame(headers, 0, 1, block.subarray(0, 16_384)),
      frame(continuation, endHeaders, 1, block.subarray(16_384)),
    );
    await expect(ended).rejects.toMatchObject({ code: Code.RESOURCE_EXHAUSTED });
    const next = client.unary({});
    peer.write(raw.answer((await peer.first(({ type, streamId }) => type === headers && streamId > 1))!.streamId));
    await expect(next).resolves.toMatchObject({ text: "" });
  });

  test("resets a call whose DATA is over its window", async () => {
    const { ended, peer, client } = await call();
    const unread = client.serverStream({}, { retry: false })[Symbol.asyncIterator]();
    const first = unread.next();
    const { streamId } = (await peer.first((one) => one.type === headers && one.streamId > 1))!;
    const fields = headerBlock({ ":status": "200", "content-type": "application/grpc" });
    const many = times(16, message(Buffer.from(`\n\x7f${"x".repeat(127)}`)));
    peer.write(frame(headers, endHeaders, streamId, fields), times(100, frame(data, 0, streamId, many)));
    await first;
    expect(await peer.outcome()).toContain(`RST_STREAM ${streamId} FLOW_CONTROL_ERROR`);
    peer.write(raw.answer(1));
    await expect(ended).resolves.toMatchObject({ text: "" });
    const rest = async () => {
      for (;;) if ((await unread.next()).done === true) return;
    };
    await expect(rest()).rejects.toMatchObject({ code: Code.INTERNAL });
  });

  test("is not at fault when what it does not want any more comes all the same", async () => {
    const { peer, client, ended } = await call();
    // As many messages as the window of a call has, each in a frame of its own, behind the end of the call.
    const abort = new AbortController();
    const stream = client.serverStream({}, { signal: abort.signal, retry: false })[Symbol.asyncIterator]();
    const first = stream.next();
    const { streamId } = (await peer.first((one) => one.type === headers && one.streamId > 1))!;
    const fields = headerBlock({ ":status": "200", "content-type": "application/grpc" });
    peer.write(frame(headers, endHeaders, streamId, fields), frame(data, 0, streamId, message()));
    await first;
    abort.abort();
    await expect(stream.next()).rejects.toMatchObject({ code: Code.CANCELLED });
    await peer.first(({ type }) => type === rstStream);
    peer.write(times(10_000, frame(data, 0, streamId, message())));
    peer.write(raw.answer(1));
    await expect(ended).resolves.toMatchObject({ text: "" });
    // Nor when the deadline of very many calls passes at once, and they are answered late.
    const late = Array.from({ length: 1000 }, () => client.unary({}, { timeoutMs: 50, retry: false }));
    const ends = await Promise.allSettled(late);
    expect(ends.every((one) => one.status === "rejected" && one.reason.code === Code.DEADLINE_EXCEEDED)).toBe(true);
    await peer.settled();
    const resets = peer.frames.filter((one) => one.type === rstStream && one.streamId !== streamId);
    for (const reset of resets) peer.write(raw.answer(reset.streamId));
    expect(resets.length).toBeGreaterThan(900);
    expect(await peer.settled()).toBe(true);
  });
});
