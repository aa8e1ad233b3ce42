/** A call at one of its ends: what is done to it by chance, and what it must not be told. */
import { ok } from "node:assert/strict";
import { RpcError } from "@trunkline/runtime";
import { size } from "./frame-program.js";
import type { Random } from "./target.js";

export abstract class FuzzedCall {
  isOver = false;
  protected readonly random: Random;
  #credit = 0;

  constructor(random: Random) {
    this.random = random;
  }

  /** What messages are asked of; undefined while there is nothing yet. */
  protected abstract get call(): { read(n: number): void } | undefined;
  /** Whether messages may come now. */
  protected abstract get takesMessages(): boolean;
  protected abstract send(bytes: Buffer): void;
  /** Something else than messages. */
  protected abstract say(): void;
  protected abstract end(): void;

  onMessage(): void {
    ok(!this.isOver && this.takesMessages, "a message before the headers, or behind the end");
    ok(--this.#credit >= 0, "a message that nobody has asked for");
    if (this.random.int(3) === 0) this.act();
  }

  onWritable(): void {
    ok(!this.isOver, "room behind the end");
    if (this.random.int(2) === 0) this.act();
  }

  protected endedByPeer(): void {
    ok(!this.isOver, "two ends of a call");
    this.isOver = true;
  }

  /** Something that its end does. What it is told it cannot do, it leaves. */
  act(): void {
    if (this.call === undefined) return;
    try {
      this.#act();
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
    }
  }

  #act(): void {
    switch (this.random.int(8)) {
      case 0:
      case 1:
      case 2:
        this.read(1 + this.random.int(3));
        return;
      case 3:
      case 4:
      case 5:
        this.send(messageBytes(this.random));
        return;
      case 6:
        this.say();
        return;
      default:
        this.end();
    }
  }

  read(n: number): void {
    this.#credit += n;
    this.call?.read(n);
  }
}

/** A message, now and then one that fits in no window. */
export function messageBytes(random: Random): Buffer {
  return Buffer.alloc(random.int(30) === 0 ? 100_000 : size(random));
}
