/** Bytes as programs, against a client's connection: a server that answers right and wrong, and callers in between. */
import { ok, strictEqual } from "node:assert/strict";
import { type CallHandle, type CallSink, type CallSpec, Code, Metadata } from "@trunkline/runtime";
import { ClientConnection } from "../../runtime/src/transport/http2/client-connection.js";
import { bytesMethods, unreadableMethod } from "./bytes-method.js";
import { ConnectionCase } from "./connection-case.js";
import { oneOf } from "./frame-program.js";
import { FuzzedCall, messageBytes } from "./fuzzed-call.js";
import type { FuzzTarget, Random } from "./target.js";

export const speakOptions: ConstructorParameters<typeof ClientConnection>[1] = {
  ...{ authority: "localhost", peer: "127.0.0.1:1", isSecure: false, maxReceiveMessageBytes: 100_000 },
  keepalive: false,
};

/** A call at its client. */
class CallerCall extends FuzzedCall implements CallSink<Uint8Array> {
  protected call: CallHandle<Uint8Array> | undefined;
  readonly #isStream: boolean;
  #hasHeaders = false;
  #hasEnded = false;

  private constructor(random: Random, isStream: boolean) {
    super(random);
    this.#isStream = isStream;
  }

  static start(random: Random, connection: ClientConnection): CallerCall {
    const method = random.int(6) === 0 ? unreadableMethod : oneOf(random, bytesMethods);
    const isStream = method.kind === "clientStream" || method.kind === "bidiStream";
    const call = new CallerCall(random, isStream);
    const spec: CallSpec<Uint8Array, Uint8Array> = {
      ...{ method, waitForReady: false, attempt: 0, deadline: Number.POSITIVE_INFINITY },
      metadata: random.int(3) === 0 ? new Metadata({ "x-more": "x".repeat(random.int(300)) }) : undefined,
      maxSendMessageBytes: 150_000,
      ...(isStream ? {} : { only: messageBytes(random) }),
    };
    const deadline = random.int(20) === 0 ? performance.now() - 1 : spec.deadline;
    call.call = connection.start({ ...spec, deadline }, call);
    if (random.int(2) === 0) call.act();
    return call;
  }

  onHeaders(): void {
    ok(!this.isOver && !this.#hasHeaders, "headers twice, or behind the end");
    this.#hasHeaders = true;
    if (this.random.int(4) === 0) this.act();
  }

  onEnd(): void {
    this.endedByPeer();
  }

  protected get takesMessages(): boolean {
    return this.#hasHeaders;
  }

  protected send(bytes: Buffer): void {
    if (this.#isStream && !this.#hasEnded) this.call!.send(bytes);
    else this.read(1);
  }

  protected say(): void {
    this.#hasEnded = true;
    if (this.#isStream) this.call!.end();
  }

  protected end(): void {
    if (this.random.int(2) === 0) this.call!.cancel(Code.CANCELLED, "enough");
  }
}

export const connectionClient: FuzzTarget = {
  name: "connection-client",
  async run(random) {
    const fuzzed = new ConnectionCase(random, true);
    const calls: CallerCall[] = [];
    let isReady = false;
    let ends = 0;
    const connection = new ClientConnection(fuzzed.socket.asSocket(), speakOptions, {
      onReady() {
        ok(!isReady, "it is ready twice");
        isReady = true;
      },
      onRoom: () => ok(connection.hasRoom, "there is room, and none"),
      onGoaway() {},
      onClosed: () => ends++,
      onCallEnd() {},
    });
    fuzzed.run(connection, () => {
      switch (random.int(10)) {
        case 0:
        case 1:
        case 2:
          if (connection.hasRoom) calls.push(CallerCall.start(random, connection));
          break;
        case 3:
          fuzzed.act(calls);
          break;
        case 4:
          fuzzed.slowNetwork(connection);
          break;
        case 5:
          // What it has written, it has: the server answers calls that it has seen.
          fuzzed.network(connection);
          break;
        default:
          fuzzed.frames(3);
      }
    });
    strictEqual(ends, 1);
    // A caller that has not read to the end hears of it when it has.
    for (const call of calls) if (!call.isOver) call.read(1_000_000);
    await undefined;
    for (const call of calls) ok(call.isOver, "a call has no end");
    strictEqual(connection.queuedBytes, 0);
  },
};
