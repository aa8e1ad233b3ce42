/** Bytes as programs, against a server's connection: frames right and wrong, an application, and a network in between. */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import {
  Code,
  type Dispatcher,
  type IncomingCall,
  Metadata,
  type ServeOptions,
  type ServerSink,
} from "@trunkline/runtime";
import { preface } from "../../runtime/src/transport/http2/frames.js";
import { ServerConnection } from "../../runtime/src/transport/http2/server-connection.js";
import { frame, headerBlock } from "../runtime/raw-frames.js";
import { bytesMethods, unreadableMethod } from "./bytes-method.js";
import { ConnectionCase } from "./connection-case.js";
import { oneOf, pieces } from "./frame-program.js";
import { FuzzedCall } from "./fuzzed-call.js";
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

/** A call at its server. */
class AppCall extends FuzzedCall implements ServerSink {
  readonly method: ServerSink["method"];
  readonly maxReceiveMessageBytes = 100_000;
  readonly maxSendMessageBytes = 200_000;
  protected readonly call: IncomingCall;
  #isHalfClosed = false;

  constructor(call: IncomingCall, random: Random) {
    super(random);
    this.call = call;
    this.method = random.int(6) === 0 ? unreadableMethod : oneOf(random, bytesMethods);
  }

  onStart(): void {
    this.act();
  }

  onHalfClose(): void {
    ok(!this.isOver && !this.#isHalfClosed, "two ends of the requests");
    this.#isHalfClosed = true;
    if (this.random.int(2) === 0) this.act();
  }

  onCancel(): void {
    this.endedByPeer();
  }

  protected get takesMessages(): boolean {
    return !this.#isHalfClosed;
  }

  protected send(bytes: Buffer): void {
    this.call.send(bytes);
  }

  protected say(): void {
    const { random } = this;
    this.call.headers(new Metadata(random.int(2) === 0 ? {} : { "x-more": "x".repeat(random.int(300)) }));
  }

  protected end(): void {
    this.isOver = true;
    this.call.end(status(this.random.int(17) as Code, this.random.int(2) === 0 ? "" : "why: \u00e9"));
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

export const connectionServer: FuzzTarget = {
  name: "connection-server",
  run(random) {
    const fuzzed = new ConnectionCase(random, false);
    const app = new App(random);
    let ends = 0;
    const options = { ...serveOptions, maxConcurrentStreams: oneOf(random, [1, 5, 1000]) };
    const connection = new ServerConnection(fuzzed.socket.asSocket(), options, app, {
      onSpeaking() {},
      onClosed: () => ends++,
    });
    fuzzed.socket.deliver(preface);
    fuzzed.run(connection, () => {
      switch (random.int(8)) {
        case 0:
          fuzzed.act(app.calls);
          break;
        case 1:
          fuzzed.slowNetwork(connection);
          break;
        case 2:
          if (random.int(40) > 0) break;
          if (random.int(2) === 0) connection.goAway();
          else connection.cut();
          break;
        default:
          fuzzed.frames(4);
      }
    });
    strictEqual(ends, 1);
    strictEqual(connection.streams.size, 0);
    strictEqual(connection.queuedBytes, 0);
    for (const call of app.calls) ok(call.isOver, "a call has no end");
    if (random.int(16) === 0) answersHonestly(random);
  },
};

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
