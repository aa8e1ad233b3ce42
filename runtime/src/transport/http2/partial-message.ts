import { prefixBytes } from "./message-prefix.js";

/** What a message that has just begun is made room for: to announce a long one costs its sender nothing. */
const firstBytes = 256;

/** A message that comes in several frames or chunks: its prefix, and then its body. */
export class PartialMessage {
  flag = 0;
  /** Bytes of its body, as its prefix has announced it. */
  length = 0;
  #prefixLength = 0;
  #body: Buffer | undefined = undefined;
  /** Bytes of its body that are here. */
  bodyLength = 0;

  /** The next byte of its prefix; whether that is whole then. */
  addToPrefix(byte: number): boolean {
    if (this.#prefixLength === 0) this.flag = byte;
    else this.length = ((this.length << 8) | byte) >>> 0;
    return ++this.#prefixLength === prefixBytes;
  }

  /** @param here bytes of it that are about to be added */
  beginBody(flag: number, length: number, here: number): void {
    this.flag = flag;
    this.length = length;
    this.#body = Buffer.allocUnsafeSlow(Math.min(length, Math.max(firstBytes, 2 * here)));
  }

  get hasBody(): boolean {
    return this.#body !== undefined;
  }

  get missingBytes(): number {
    return this.length - this.bodyLength;
  }

  /** More of its body, which grows with what comes; how much of it there was. */
  addToBody(chunk: Buffer, start: number, end: number): number {
    let body = this.#body!;
    const length = Math.min(this.missingBytes, end - start);
    if (this.bodyLength + length > body.length) {
      const size = Math.min(this.length, Math.max(2 * body.length, this.bodyLength + length));
      const larger = Buffer.allocUnsafeSlow(size);
      body.copy(larger, 0, 0, this.bodyLength);
      body = larger;
      this.#body = larger;
    }
    chunk.copy(body, this.bodyLength, start, start + length);
    this.bodyLength += length;
    return length;
  }

  /** Once nothing is missing. */
  get body(): Buffer {
    return this.#body!;
  }
}
