/** Programs of calls, between our client and our server: whatever both do, every message arrives whole and in its order. */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import {
  type CallHandle,
  type CallSink,
  Code,
  type Dispatcher,
  type IncomingCall,
  Metadata,
  type ServerSink,
  type Status,
} from "@trunkline/runtime";
import type { Compression } from "../../runtime/src/compression.js";
import { ClientConnection } from "../../runtime/src/transport/http2/client-connection.js";
import { ServerConnection } from "../../runtime/src/transport/http2/server-connection.js";
import { bytesMethods } from "./bytes-method.js";
import { speakOptions } from "./connection-client.js";
import { serveOptions } from "./connection-server.js";
import { oneOf, pieces, size } from "./frame-program.js";
import { MemorySocket } from "./memory-socket.js";
import type { FuzzTarget, Random } from "./target.js";

/** Nothing takes so long, but a call that waits for what never comes. */
const stuckMs = 5000;

const gzip: Compression = { encoding: "gzip", thresholdBytes: 100 };

/** Messages of one direction of a call. */
class Lane {
  readonly sent: Buffer[] = [];
  readonly received: Uint8Array[] = [];
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  /** The next message: no other is like it. */
  next(): Buffer {
    const random = this.#random;
    const length = random.int(40) === 0 ? 60_000 + random.int(40_000) : size(random);
    const bytes = Buffer.alloc(length, this.sent.length + 1);
    if (length >= 4) bytes.writeUInt32BE(this.sent.length, 0);
    this.sent.push(bytes);
    return bytes;
  }

  /** What could not be sent. */
  takeBack(): void {
    this.sent.pop();
  }

  take(bytes: Uint8Array): void {
    const expected = this.sent[this.received.length];
    ok(expected !== undefined, "a message that nobody has sent");
    ok(expected.equals(bytes), `message ${this.received.length} is another than was sent`);
    this.received.push(bytes);
  }
}

/** A call at both of its ends. */
class Call implements CallSink<Uint8Array> {
  readonly requests: Lane;
  readonly responses: Lane;
  readonly #random: Random;
  readonly #method = bytesMethods;
  #handle: CallHandle<Uint8Array> | undefined;
  #incoming: IncomingCall | undefined;
  #sendsRequests = false;
  /** As the client was told. */
  ended: Status | undefined;
  /** As the server has said. */
  #answer: Status | undefined;
  #wasCut = false;
  #isCancelled = false;
  #isHalfClosed = false;
  #requestsEnded = false;
  #compression: Compression | undefined;

  constructor(random: Random) {
    this.#random = random;
    this.requests = new Lane(random);
    this.responses = new Lane(random);
  }

  start(connection: ClientConnection, which: number): void {
    const random = this.#random;
    const method = oneOf(random, this.#method);
    this.#sendsRequests = method.kind === "clientStream" || method.kind === "bidiStream";
    if (random.int(6) === 0) this.#compression = gzip;
    this.#requestsEnded = !this.#sendsRequests;
    const metadata = new Metadata({ "x-call": String(which) });
    if (random.int(4) === 0) metadata.set("x-more-bin", random.bytes(random.int(60)));
    this.#handle = connection.start<Uint8Array, Uint8Array>(
      {
        ...{ method, metadata, waitForReady: false, attempt: 0, deadline: Number.POSITIVE_INFINITY },
        compression: this.#compression,
        ...(this.#sendsRequests ? {} : { only: this.requests.next() }),
      },
      this,
    );
  }

  // ── The client ──

  onHeaders(): void {}

  onMessage(message: Uint8Array): void {
    ok(this.ended === undefined, "a response behind the end");
    this.responses.take(message);
  }

  onWritable(): void {
    ok(this.ended === undefined, "room behind the end");
    if (this.#random.int(2) === 0) this.#sendRequest();
  }

  onEnd(status: Status): void {
    ok(this.ended === undefined, "two ends at the client");
    this.ended = status;
  }

  #sendRequest(): void {
    if (this.#requestsEnded || this.ended !== undefined || this.#wasCut) return;
    this.#handle!.send(this.requests.next());
  }

  endRequests(): void {
    if (this.#requestsEnded || this.ended !== undefined) return;
    this.#requestsEnded = true;
    this.#handle!.end();
  }

  // ── The server ──

  accepted(incoming: IncomingCall): ServerSink {
    ok(this.#incoming === undefined, "a call came twice");
    this.#incoming = incoming;
    const [method] = bytesMethods;
    return {
      ...{ method: method!, maxReceiveMessageBytes: 200_000, maxSendMessageBytes: 200_000 },
      onStart() {},
      onMessage: (message) => {
        ok(!this.#isCancelled && this.#answer === undefined && !this.#isHalfClosed, "a request behind the end");
        this.requests.take(message as Uint8Array);
      },
      onHalfClose: () => {
        ok(!this.#isCancelled && this.#answer === undefined && !this.#isHalfClosed, "two ends of the requests");
        this.#isHalfClosed = true;
        deepStrictEqual(this.requests.received.length, this.requests.sent.length);
      },
      onWritable: () => {
        ok(!this.#isCancelled, "room behind the end");
        if (this.#random.int(2) === 0) this.#sendResponse();
      },
      onCancel: () => {
        ok(!this.#isCancelled && this.#answer === undefined, "two ends at the server");
        this.#isCancelled = true;
      },
    };
  }

  #sendResponse(): void {
    if (this.#answer !== undefined || this.#isCancelled) return;
    this.#incoming!.send(this.responses.next(), this.#compression);
  }

  answer(code: Code): void {
    if (this.#incoming === undefined || this.#answer !== undefined || this.#isCancelled) return;
    this.#answer = { code, details: code === Code.OK ? "" : "no: \u00e9%", metadata: new Metadata({ "x-end": "1" }) };
    this.#incoming.end(this.#answer);
  }

  // ── Both ──

  act(): void {
    const random = this.#random;
    switch (random.int(12)) {
      case 0:
      case 1:
        this.#handle!.read(1 + random.int(3));
        break;
      case 2:
      case 3:
      case 4:
        this.#sendRequest();
        break;
      case 5:
        this.endRequests();
        break;
      case 6:
      case 7:
        this.#incoming?.read(1 + random.int(3));
        break;
      case 8:
      case 9:
        if (this.#incoming !== undefined) this.#sendResponse();
        break;
      case 10:
        if (random.int(3) === 0) this.answer(random.int(17) as Code);
        break;
      default:
        if (random.int(8) === 0 && this.ended === undefined) {
          this.#wasCut = true;
          this.#handle!.cancel(oneOf(random, [Code.CANCELLED, Code.DEADLINE_EXCEEDED]), "enough");
        }
    }
  }

  /** Nothing more is added to it: it has to come to its end. */
  wind(): void {
    this.endRequests();
    this.#handle!.read(1000);
    if (this.#incoming === undefined || this.#isCancelled) return;
    this.#incoming.read(1000);
    if (this.#isHalfClosed) this.answer(Code.OK);
  }

  get isOver(): boolean {
    const isOverThere = this.#incoming === undefined || this.#isCancelled || this.#answer !== undefined;
    return this.ended !== undefined && isOverThere;
  }

  /** After both ends. */
  check(isLost: boolean): void {
    if (this.#wasCut || isLost) return;
    deepStrictEqual({ ...this.ended, metadata: 0 }, { ...this.#answer, metadata: 0 });
    strictEqual(this.ended!.metadata.get("x-end"), "1");
    strictEqual(this.responses.received.length, this.responses.sent.length);
  }
}

export const calls: FuzzTarget = {
  name: "calls",
  async run(random) {
    const all: Call[] = [];
    const dispatcher: Dispatcher = { accept: (call) => all[Number(call.metadata.get("x-call"))]!.accepted(call) };
    const [near, far] = [new MemorySocket(), new MemorySocket()];
    const server = new ServerConnection(far.asSocket(), serveOptions, dispatcher, { onSpeaking() {}, onClosed() {} });
    const client = new ClientConnection(near.asSocket(), speakOptions, {
      ...{ onReady() {}, onRoom() {}, onGoaway() {}, onClosed() {}, onCallEnd() {} },
    });
    const wire = new Wire(random, { client, near, server, far });
    wire.moveAll();
    for (let steps = 5 + random.int(80); steps > 0; steps--) {
      const kind = random.int(10);
      if (kind === 0 && client.hasRoom) {
        const call = new Call(random);
        all.push(call);
        call.start(client, all.length - 1);
      } else if (kind < 7) {
        if (all.length > 0) oneOf(random, all).act();
      } else {
        wire.move();
      }
    }
    const isGoingAway = random.int(10) === 0;
    if (isGoingAway) server.goAway();
    const isLost = random.int(10) === 0;
    if (isLost) wire.cut();
    const startedAt = performance.now();
    for (let rounds = 0; !all.every(({ isOver }) => isOver); rounds++) {
      ok(performance.now() - startedAt < stuckMs, "a call does not come to its end");
      for (const call of all) call.wind();
      wire.moveAll();
      // What is inflated is so in another thread.
      if (rounds > 20) await new Promise(setImmediate);
    }
    for (const call of all) call.check(isLost);
    wire.moveAll();
    if (!isLost) strictEqual(client.streams.size, 0);
    deepStrictEqual([server.streams.size, client.queuedBytes, server.queuedBytes], [0, 0, 0]);
    // Where nobody goes away, neither end has found fault with the other.
    if (!isGoingAway && !isLost) ok(!near.isEnded && !far.isEnded, "an end has given the connection up");
    wire.cut();
  },
};

interface Ends {
  readonly client: ClientConnection;
  readonly near: MemorySocket;
  readonly server: ServerConnection;
  readonly far: MemorySocket;
}

/** What is between both: it moves bytes when it is told to, in any pieces. */
class Wire {
  readonly #random: Random;
  readonly #ends: Ends;

  constructor(random: Random, ends: Ends) {
    this.#random = random;
    this.#ends = ends;
  }

  move(): void {
    const { client, near, server, far } = this.#ends;
    const random = this.#random;
    const [connection, from, to] = random.int(2) === 0 ? [client, near, far] : [server, far, near];
    connection.output.flush();
    const bytes = from.take(random.int(3) === 0 ? random.int(3000) : undefined);
    for (const piece of pieces(random, bytes)) to.deliver(piece);
  }

  moveAll(): void {
    const { client, near, server, far } = this.#ends;
    for (;;) {
      client.output.flush();
      server.output.flush();
      const [forth, back] = [near.take(), far.take()];
      if (forth.length + back.length === 0) return;
      far.deliver(forth);
      near.deliver(back);
    }
  }

  cut(): void {
    this.#ends.near.close();
    this.#ends.far.close();
  }
}
