/** What a connection uses of a net.Socket, in memory: bytes move when the program that drives it says so, and at once then. */
import { EventEmitter } from "node:events";
import type { Socket } from "node:net";

/** Of a socket of Node.js. */
const highWaterMark = 16 * 1024;

export class MemorySocket extends EventEmitter {
  readonly remoteAddress = "127.0.0.1";
  readonly remotePort = 1;
  writableLength = 0;
  writableNeedDrain = false;
  /** Nothing more is written to it. */
  isEnded = false;
  isClosed = false;
  #written: Buffer[] = [];

  asSocket(): Socket {
    return this as unknown as Socket;
  }

  // ── For the connection ──

  write(bytes: Buffer): boolean {
    if (this.isEnded) throw new Error("it writes behind the end of its socket");
    this.#written.push(Buffer.from(bytes));
    this.writableLength += bytes.length;
    if (this.writableLength >= highWaterMark) this.writableNeedDrain = true;
    return !this.writableNeedDrain;
  }

  end(): void {
    this.isEnded = true;
  }

  destroy(): void {
    this.isEnded = true;
    this.close();
  }

  cork(): void {}
  uncork(): void {}
  ref(): void {}
  unref(): void {}

  // ── For who drives it ──

  /** What was written since, as far as the network takes it. */
  take(most: number = Number.POSITIVE_INFINITY): Buffer {
    const all = this.#written.length === 1 ? this.#written[0]! : Buffer.concat(this.#written);
    const taken = all.subarray(0, Math.min(most, all.length));
    this.#written = taken.length === all.length ? [] : [all.subarray(taken.length)];
    this.writableLength -= taken.length;
    if (this.writableNeedDrain && this.writableLength === 0) {
      this.writableNeedDrain = false;
      if (!this.isClosed) this.emit("drain");
    }
    return taken;
  }

  /** Bytes of the peer. */
  deliver(bytes: Buffer): void {
    if (!this.isClosed && bytes.length > 0) this.emit("data", bytes);
  }

  /** The peer is gone. */
  close(error?: Error): void {
    if (this.isClosed) return;
    this.isClosed = true;
    if (error !== undefined) this.emit("error", error);
    this.emit("close");
  }
}
