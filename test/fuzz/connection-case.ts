/** One connection of ours, between the network and a peer that sends what it wants and looks at what comes. */
import { ok, strictEqual } from "node:assert/strict";
import type { ClientConnection } from "../../runtime/src/transport/http2/client-connection.js";
import type { ServerConnection } from "../../runtime/src/transport/http2/server-connection.js";
import { FrameProgram, oneOf, pieces } from "./frame-program.js";
import type { FuzzedCall } from "./fuzzed-call.js";
import { MemorySocket } from "./memory-socket.js";
import { StrictPeer } from "./strict-peer.js";
import type { Random } from "./target.js";

export class ConnectionCase {
  readonly socket: MemorySocket = new MemorySocket();
  readonly peer: StrictPeer;
  readonly program: FrameProgram;
  readonly #random: Random;

  /** @param isServer the connection is a client's, and its peer a server */
  constructor(random: Random, isServer: boolean) {
    this.#random = random;
    this.peer = new StrictPeer(isServer);
    this.program = new FrameProgram(random, this.peer, isServer);
  }

  /** Steps until there are enough, or the connection ends; after each of them it is what it has to be. */
  run(connection: ClientConnection | ServerConnection, step: () => void): void {
    this.socket.deliver(this.program.opening());
    for (let steps = 1 + this.#random.int(24); steps > 0 && !this.socket.isEnded; steps--) {
      step();
      if (!this.socket.isEnded) checkConnection(connection);
    }
    this.network(connection);
    this.socket.close(this.#random.int(3) === 0 ? new Error("read ECONNRESET") : undefined);
  }

  /** Something that is done to one of the calls. */
  act(calls: readonly FuzzedCall[]): void {
    const live = calls.filter(({ isOver }) => !isOver);
    if (live.length > 0) oneOf(this.#random, live).act();
  }

  /** The network takes all that was written, or part of it. */
  network(connection: ClientConnection | ServerConnection, most?: number): void {
    connection.output.flush();
    this.peer.take(this.socket.take(most));
  }

  slowNetwork(connection: ClientConnection | ServerConnection): void {
    this.network(connection, this.#random.int(2) === 0 ? this.#random.int(2000) : undefined);
  }

  /** Frames of the peer, in pieces. */
  frames(most: number): void {
    const frames = Array.from({ length: 1 + this.#random.int(most) }, () => this.program.next());
    for (const piece of pieces(this.#random, Buffer.concat(frames))) this.socket.deliver(piece);
  }
}

/** What holds at all times, whatever has come. */
function checkConnection({ streams, queuedBytes, sendWindow }: ClientConnection | ServerConnection): void {
  ok(queuedBytes >= 0, `there are ${queuedBytes} bytes queued`);
  ok(sendWindow >= 0, `the connection's window is ${sendWindow}`);
  for (const [id, stream] of streams) {
    strictEqual(stream.id, id);
    ok(stream.receiveWindow >= 0, `the window of stream ${id} is ${stream.receiveWindow}`);
    ok(stream.heldBytes >= 0, `stream ${id} holds ${stream.heldBytes} bytes`);
    ok(!stream.isReadClosed || !stream.isWriteClosed, `stream ${id} is closed, and is not gone`);
  }
}
