import { ConnectionError, ErrorCode } from "./frames.js";

/** Frames that a header block may be divided into: CVE-2024-27316. */
const mostFragments = 64;

/** A header block that comes in several frames (RFC 9113, section 4.3). */
export class DividedBlock {
  readonly streamId: number;
  readonly endsStream: boolean;
  bytes = 0;
  readonly #fragments: Buffer[] = [];

  constructor(streamId: number, endsStream: boolean) {
    this.streamId = streamId;
    this.endsStream = endsStream;
  }

  /** @throws ConnectionError where there are too many */
  add(chunk: Buffer, start: number, end: number): void {
    this.#fragments.push(Buffer.from(chunk.subarray(start, end)));
    this.bytes += end - start;
    if (this.#fragments.length > mostFragments) {
      throw new ConnectionError(ErrorCode.enhanceYourCalm, `a header block in over ${mostFragments} frames`);
    }
  }

  whole(): Buffer {
    return Buffer.concat(this.#fragments);
  }
}
