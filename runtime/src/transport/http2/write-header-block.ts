import { Flag, FrameType, frameHeaderBytes } from "./frames.js";
import { type Output, writeFrameHeader } from "./output.js";

/** Every peer takes frames of this length. */
const longestFrame = 16_384;

/** Room for a header block behind the header of its frame, at the end of `output`; where that begins. */
export function beginHeaderBlock(output: Output): number {
  output.open(512);
  const at = output.end;
  output.end = at + frameHeaderBytes;
  return at;
}

/**
 * Has what was written since become HEADERS, and CONTINUATION where it is long (RFC 9113, sections 6.2 and 6.10).
 *
 * @param at where it begins
 * @param flags END_STREAM, or none
 */
export function endHeaderBlock(output: Output, at: number, streamId: number, flags: number): void {
  const length = output.end - at - frameHeaderBytes;
  if (length > longestFrame) divide(output, at, length, flags, streamId);
  else writeFrameHeader(output.buffer, at, length, FrameType.headers, flags | Flag.endHeaders, streamId);
}

/** Moves the parts of a block apart, for a header before each. */
function divide(output: Output, at: number, length: number, flags: number, streamId: number): void {
  const frames = Math.ceil(length / longestFrame);
  output.reserve((frames - 1) * frameHeaderBytes);
  const { buffer } = output;
  for (let i = frames - 1; i >= 0; i--) {
    const from = at + frameHeaderBytes + i * longestFrame;
    const part = Math.min(longestFrame, length - i * longestFrame);
    const to = from + i * frameHeaderBytes;
    buffer.copyWithin(to, from, from + part);
    const type = i === 0 ? FrameType.headers : FrameType.continuation;
    const first = i === 0 ? flags : 0;
    const last = i === frames - 1 ? Flag.endHeaders : 0;
    writeFrameHeader(buffer, to - frameHeaderBytes, part, type, first | last, streamId);
  }
  output.end += (frames - 1) * frameHeaderBytes;
}
