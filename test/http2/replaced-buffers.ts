import type { ByteTarget } from "../../runtime/src/transport/http2/byte-target.js";

/**
 * A target that has hardly ever room, and gives every time another buffer: what is written into one after it was
 * replaced is lost, and what is read from one that is new is wrong.
 */
export class ReplacedBuffers implements ByteTarget {
  buffer: Buffer;
  end: number;
  replaced = 0;
  readonly #slack: number;

  /** @param slack bytes of room beyond what was asked for */
  constructor(slack: number, before: Uint8Array = new Uint8Array()) {
    this.#slack = slack;
    this.buffer = Buffer.from(before);
    this.end = before.length;
  }

  reserve(bytes: number): void {
    if (!Number.isInteger(bytes) || bytes <= 0) throw new Error(`room for ${bytes} bytes was asked for`);
    const whole = Buffer.alloc(7 + this.end + bytes + this.#slack, 0xa5).subarray(7);
    this.buffer.copy(whole, 0, 0, this.end);
    this.buffer.fill(0x5a);
    this.buffer = whole;
    this.replaced++;
  }

  /** A copy of all up to `end`. */
  written(): Buffer {
    if (this.end > this.buffer.length) throw new Error(`${this.end} bytes were written into ${this.buffer.length}`);
    return Buffer.from(this.buffer.subarray(0, this.end));
  }
}
