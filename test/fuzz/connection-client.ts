/** Bytes as programs, against a client's connection: a server that answers right and wrong, and callers in between. */
import { ok, strictEqual } from "node:assert/strict";
import { type CallHandle, type CallSink, type CallSpec, Code, Metadata, RpcError } from "@trunkline/runtime";
import { ClientConnection } from "../../runtime/src/transport/http2/client-connection.js";
import { bytesMethods, unreadableMethod } from "./bytes-method.js";
import { FrameProgram, oneOf, pieces, size } from "./frame-program.js";
import { MemorySocket } from "./memory-socket.js";
import { StrictPeer } from "./strict-peer.js";
import type { FuzzTarget, Random } from "./target.js";

export const speakOptions: ConstructorParameters<typeof ClientConnection>[1] = {
  ...{ authority: "localhost", peer: "127.0.0.1:1", isSecure: false, maxReceiveMessageBytes: 100_000 },
  keepalive: false,
};

/** A call at its client, and what it must not be told. */
class CallerCall implements CallSink<Uint8Array> {
  isOver = false;
  #handle: CallHandle<Uint8Array> | undefined;
  readonly #random: Random;
  readonly #isStream: boolean;
  #credit = 0;
  #hasHeaders = false;
  #hasEnded = false;

  private constructor(random: Random, isStream: boolean) {
    this.#random = random;
    this.#isStream = isStream;
  }

  /** Undefined where there was nothing to be started. */
  static start(random: Random, connection: ClientConnection): CallerCall | undefined {
    const method = random.int(6) === 0 ? unreadableMethod : oneOf(random, bytesMethods);
    const isStream = method.kind === "clientStream" || method.kind === "bidiStream";
    const call = new CallerCall(random, isStream);
    const spec: CallSpec<Uint8Array, Uint8Array> = {
      ...{ method, waitForReady: false, attempt: 0, deadline: Number.POSITIVE_INFINITY },
      metadata: random.int(3) === 0 ? new Metadata({ "x-more": "x".repeat(random.int(300)) }) : undefined,
      maxSendMessageBytes: 150_000,
      ...(isStream ? {} : { only: Buffer.alloc(random.int(30) === 0 ? 100_000 : size(random)) }),
    };
    const deadline = random.int(20) === 0 ? performance.now() - 1 : spec.deadline;
    call.#handle = connection.start({ ...spec, deadline }, call);
    if (random.int(2) === 0) call.act();
    return call;
  }

  onHeaders(): void {
    ok(!this.isOver && !this.#hasHeaders, "headers twice, or behind the end");
    this.#hasHeaders = true;
    if (this.#random.int(4) === 0) this.act();
  }

  onMessage(): void {
    ok(!this.isOver, "a message behind the end");
    ok(this.#hasHeaders, "a message before the headers");
    ok(--this.#credit >= 0, "a message that nobody has asked for");
    if (this.#random.int(3) === 0) this.act();
  }

  onWritable(): void {
    ok(!this.isOver, "room behind the end");
    if (this.#random.int(2) === 0) this.act();
  }

  onEnd(): void {
    ok(!this.isOver, "two ends of a call");
    this.isOver = true;
  }

  /** Something that a caller does. What it is told it cannot do, it leaves. */
  act(): void {
    try {
      this.#act();
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
    }
  }

  #act(): void {
    const random = this.#random;
    const handle = this.#handle;
    if (handle === undefined) return;
    switch (random.int(8)) {
      case 0:
      case 1:
      case 2:
        this.read(1 + random.int(3));
        break;
      case 3:
      case 4:
      case 5:
        if (!this.#isStream || this.#hasEnded) {
          this.read(1);
          break;
        }
        handle.send(Buffer.alloc(random.int(30) === 0 ? 100_000 : size(random)));
        break;
      case 6:
        this.#hasEnded = true;
        if (this.#isStream) handle.end();
        break;
      default:
        if (random.int(2) === 0) handle.cancel(Code.CANCELLED, "enough");
    }
  }

  read(n: number): void {
    this.#credit += n;
    this.#handle!.read(n);
  }
}

export const connectionClient: FuzzTarget = {
  name: "connection-client",
  async run(random) {
    const socket = new MemorySocket();
    const peer = new StrictPeer(true);
    const calls: CallerCall[] = [];
    let isReady = false;
    let ends = 0;
    const connection = new ClientConnection(socket.asSocket(), speakOptions, {
      onReady() {
        ok(!isReady, "it is ready twice");
        isReady = true;
      },
      onRoom: () => ok(connection.hasRoom, "there is room, and none"),
      onGoaway() {},
      onClosed: () => ends++,
      onCallEnd() {},
    });
    const program = new FrameProgram(random, peer, true);
    socket.deliver(program.opening());
    for (let steps = 1 + random.int(24); steps > 0 && !socket.isEnded; steps--) {
      switch (random.int(10)) {
        case 0:
        case 1:
        case 2:
          if (!connection.hasRoom) break;
          calls.push(CallerCall.start(random, connection)!);
          break;
        case 3: {
          const live = calls.filter(({ isOver }) => !isOver);
          if (live.length > 0) oneOf(random, live).act();
          break;
        }
        case 4:
          connection.output.flush();
          peer.take(socket.take(random.int(2) === 0 ? random.int(2000) : undefined));
          break;
        case 5:
          // What it has written, it has: the server answers calls that it has seen.
          connection.output.flush();
          peer.take(socket.take());
          break;
        default: {
          const frames = Array.from({ length: 1 + random.int(3) }, () => program.next());
          for (const piece of pieces(random, Buffer.concat(frames))) socket.deliver(piece);
        }
      }
      if (!socket.isEnded) check(connection);
    }
    connection.output.flush();
    peer.take(socket.take());
    socket.close(random.int(3) === 0 ? new Error("read ECONNRESET") : undefined);
    strictEqual(ends, 1);
    // A caller that has not read to the end hears of it when it has.
    for (const call of calls) if (!call.isOver) call.read(1_000_000);
    await undefined;
    for (const call of calls) ok(call.isOver, "a call has no end");
    strictEqual(connection.queuedBytes, 0);
  },
};

function check({ streams, queuedBytes, sendWindow }: ClientConnection): void {
  ok(queuedBytes >= 0, `there are ${queuedBytes} bytes queued`);
  ok(sendWindow >= 0, `the connection's window is ${sendWindow}`);
  for (const [id, stream] of streams) {
    strictEqual(stream.id, id);
    ok(stream.receiveWindow >= 0, `the window of stream ${id} is ${stream.receiveWindow}`);
    ok(stream.heldBytes >= 0, `stream ${id} holds ${stream.heldBytes} bytes`);
    ok(!stream.isReadClosed || !stream.isWriteClosed, `stream ${id} is closed, and is not gone`);
  }
}
