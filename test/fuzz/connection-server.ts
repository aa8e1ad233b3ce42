/** Bytes as programs, against a server's connection: frames right and wrong, an application, and a network in between. */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import {
  Code,
  type Dispatcher,
  type IncomingCall,
  Metadata,
  RpcError,
  type ServeOptions,
  type ServerSink,
} from "@trunkline/runtime";
import { preface } from "../../runtime/src/transport/http2/frames.js";
import { ServerConnection } from "../../runtime/src/transport/http2/server-connection.js";
import { frame, headerBlock } from "../runtime/raw-frames.js";
import { bytesMethods, unreadableMethod } from "./bytes-method.js";
import { FrameProgram, oneOf, pieces, size } from "./frame-program.js";
import { MemorySocket } from "./memory-socket.js";
import { StrictPeer } from "./strict-peer.js";
import type { FuzzTarget, Random } from "./target.js";

const status = (code: Code, details = "") => ({ code, details, metadata: new Metadata() });

export const serveOptions: ServeOptions = {
  ...{ longestReceiveBytes: 4 * 1024 * 1024, maxConcurrentStreams: 100, maxMetadataBytes: 8 * 1024 },
  ...{ maxConnectionIdleMs: Number.POSITIVE_INFINITY, maxConnectionAgeMs: Number.POSITIVE_INFINITY },
  ...{ maxConnectionAgeGraceMs: Number.POSITIVE_INFINITY, keepalive: false, keepaliveEnforcement: undefined },
  gate: { open: () => () => {} },
};

/** A call at its server, and what it must not be told. */
class AppCall implements ServerSink {
  readonly method: ServerSink["method"];
  readonly maxReceiveMessageBytes = 100_000;
  readonly maxSendMessageBytes = 200_000;
  isOver = false;
  readonly #call: IncomingCall;
  readonly #random: Random;
  #credit = 0;
  #isHalfClosed = false;

  constructor(call: IncomingCall, random: Random) {
    this.#call = call;
    this.#random = random;
    this.method = random.int(6) === 0 ? unreadableMethod : oneOf(random, bytesMethods);
  }

  onStart(): void {
    this.act();
  }

  onMessage(): void {
    ok(!this.isOver && !this.#isHalfClosed, "a message behind the end");
    ok(--this.#credit >= 0, "a message that nobody has asked for");
    if (this.#random.int(3) === 0) this.act();
  }

  onHalfClose(): void {
    ok(!this.isOver && !this.#isHalfClosed, "two ends of the requests");
    this.#isHalfClosed = true;
    if (this.#random.int(2) === 0) this.act();
  }

  onWritable(): void {
    ok(!this.isOver, "room behind the end");
    if (this.#random.int(2) === 0) this.act();
  }

  onCancel(): void {
    ok(!this.isOver, "two ends of a call");
    this.isOver = true;
  }

  /** Something that an application does. What it is told it cannot do, it leaves. */
  act(): void {
    try {
      this.#act();
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
    }
  }

  #act(): void {
    const random = this.#random;
    switch (random.int(8)) {
      case 0:
      case 1:
      case 2:
        this.#read(1 + random.int(3));
        break;
      case 3:
      case 4:
      case 5:
        this.#call.send(Buffer.alloc(random.int(30) === 0 ? 100_000 : size(random)));
        break;
      case 6:
        this.#call.headers(new Metadata(random.int(2) === 0 ? {} : { "x-more": "x".repeat(random.int(300)) }));
        break;
      default:
        this.isOver = true;
        this.#call.end(status(random.int(17) as Code, random.int(2) === 0 ? "" : "why: \u00e9"));
    }
  }

  #read(n: number): void {
    this.#credit += n;
    this.#call.read(n);
  }
}

/** What serves the calls of a case. */
class App implements Dispatcher {
  readonly calls: AppCall[] = [];
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  accept(call: IncomingCall): ServerSink | undefined {
    if (this.#random.int(8) === 0) {
      call.end(status(Code.UNIMPLEMENTED, "there is none"));
      return undefined;
    }
    const made = new AppCall(call, this.#random);
    this.calls.push(made);
    return made;
  }
}

/** What holds at all times, whatever has come. */
export function checkSession({ streams, queuedBytes, sendWindow }: ServerConnection): void {
  ok(queuedBytes >= 0, `there are ${queuedBytes} bytes queued`);
  ok(sendWindow >= 0, `the connection's window is ${sendWindow}`);
  for (const [id, stream] of streams) {
    strictEqual(stream.id, id);
    ok(stream.receiveWindow >= 0, `the window of stream ${id} is ${stream.receiveWindow}`);
    ok(stream.heldBytes >= 0, `stream ${id} holds ${stream.heldBytes} bytes`);
    ok(!stream.isReadClosed || !stream.isWriteClosed, `stream ${id} is closed, and is not gone`);
  }
}

export const connectionServer: FuzzTarget = {
  name: "connection-server",
  run(random) {
    const socket = new MemorySocket();
    const peer = new StrictPeer(false);
    const app = new App(random);
    let ends = 0;
    const options = { ...serveOptions, maxConcurrentStreams: oneOf(random, [1, 5, 1000]) };
    const connection = new ServerConnection(socket.asSocket(), options, app, {
      onSpeaking() {},
      onClosed: () => ends++,
    });
    const program = new FrameProgram(random, peer, false);
    socket.deliver(preface);
    socket.deliver(program.opening());
    for (let steps = 1 + random.int(24); steps > 0 && !socket.isEnded; steps--) {
      step(random, { socket, peer, app, connection, program });
      if (!socket.isEnded) checkSession(connection);
    }
    connection.output.flush();
    peer.take(socket.take());
    socket.close(random.int(3) === 0 ? new Error("read ECONNRESET") : undefined);
    strictEqual(ends, 1);
    strictEqual(connection.streams.size, 0);
    strictEqual(connection.queuedBytes, 0);
    for (const call of app.calls) ok(call.isOver, "a call has no end");
    if (random.int(16) === 0) answersHonestly(random);
  },
};

interface Case {
  readonly socket: MemorySocket;
  readonly peer: StrictPeer;
  readonly app: App;
  readonly connection: ServerConnection;
  readonly program: FrameProgram;
}

function step(random: Random, { socket, peer, app, connection, program }: Case): void {
  switch (random.int(8)) {
    case 0: {
      const live = app.calls.filter(({ isOver }) => !isOver);
      if (live.length > 0) oneOf(random, live).act();
      break;
    }
    case 1:
      connection.output.flush();
      peer.take(socket.take(random.int(2) === 0 ? random.int(2000) : undefined));
      break;
    case 2:
      if (random.int(40) > 0) break;
      if (random.int(2) === 0) connection.goAway();
      else connection.cut();
      break;
    default: {
      const frames = Array.from({ length: 1 + random.int(4) }, () => program.next());
      for (const piece of pieces(random, Buffer.concat(frames))) socket.deliver(piece);
    }
  }
}

/** One that has done nothing wrong, beside one that has. */
function answersHonestly(random: Random): void {
  const socket = new MemorySocket();
  const peer = new StrictPeer(false);
  const sink = (call: IncomingCall): ServerSink => ({
    ...{ method: bytesMethods[0]!, maxReceiveMessageBytes: 1000, maxSendMessageBytes: 1000 },
    onStart: () => call.read(1),
    onMessage: (message) => void call.send(message),
    onHalfClose: () => call.end(status(Code.OK)),
    onWritable() {},
    onCancel() {},
  });
  const connection = new ServerConnection(
    socket.asSocket(),
    serveOptions,
    { accept: sink },
    { onSpeaking() {}, onClosed() {} },
  );
  const body = random.bytes(random.int(100));
  const message = Buffer.concat([Buffer.of(0, 0, 0, 0, body.length), body]);
  const fields = { ":method": "POST", ":scheme": "http", ":path": "/a.B/C", "content-type": "application/grpc" };
  peer.sentSettings([]);
  peer.opened(1);
  const frames = [
    preface,
    frame(4, 0, 0, Buffer.alloc(0)),
    frame(1, 4, 1, headerBlock(fields)),
    frame(0, 1, 1, message),
  ];
  for (const piece of pieces(random, Buffer.concat(frames))) socket.deliver(piece);
  connection.output.flush();
  peer.take(socket.take());
  const stream = peer.streams.get(1)!;
  strictEqual(stream.fields["grpc-status"], "0");
  deepStrictEqual(Buffer.concat(stream.body), message);
  deepStrictEqual(peer.said, []);
  socket.close();
}
