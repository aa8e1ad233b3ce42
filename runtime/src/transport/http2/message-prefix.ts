/** What goes before each message: whether it is compressed, and its length (PROTOCOL-HTTP2, Length-Prefixed-Message). */
import { frameHeaderBytes } from "./frames.js";

export const prefixBytes = 5;

/** Where a message stands in a frame of its own. */
export const messageAt: number = frameHeaderBytes + prefixBytes;

export function writePrefix(buffer: Buffer, at: number, isCompressed: boolean, length: number): void {
  buffer[at] = isCompressed ? 1 : 0;
  buffer[at + 1] = length >>> 24;
  buffer[at + 2] = length >>> 16;
  buffer[at + 3] = length >>> 8;
  buffer[at + 4] = length;
}
