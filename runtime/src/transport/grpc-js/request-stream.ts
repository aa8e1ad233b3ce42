/**
 * What grpc-js does not tell of a call's requests, read where it keeps it: these fields are private by its declarations.
 * Tests of hostile clients fail should they be gone.
 */
import { constants, type ServerHttp2Stream } from "node:http2";
import type { ServerInterceptingCallInterface } from "@grpc/grpc-js";

interface Inside {
  readonly stream?: Pick<ServerHttp2Stream, "close" | "destroyed" | "closed" | "readableEnded" | "rstCode" | "state">;
  /** `readState` is 0 between messages. */
  readonly decoder?: { readonly readState?: number };
}

/** Whether the requests ended in the middle of one: grpc-js drops it, as if it had never begun. */
export function endedInside(call: ServerInterceptingCallInterface): boolean {
  return ((call as Inside).decoder?.readState ?? 0) !== 0;
}

/**
 * Whether the client has reset the call. node:http2 lets what can be read of such a stream end before it tells that it was
 * reset: requests that were given up half-way would look as if they were whole.
 */
export function resetInside(call: ServerInterceptingCallInterface): boolean {
  return ((call as Inside).stream?.rstCode ?? constants.NGHTTP2_NO_ERROR) !== constants.NGHTTP2_NO_ERROR;
}

/**
 * Tells a client that goes on to send although it has its answer that nobody listens (RFC 9113, section 8.1): otherwise
 * its stream would stay until it ends it.
 */
export function refuseMore(call: ServerInterceptingCallInterface): void {
  const { stream } = call as Inside;
  if (stream !== undefined && !stream.readableEnded) resetWhenAnswered(stream, turns);
}

/** Of the event loop, in which the trailers of a client that reads have left. */
const turns = 5;

/**
 * RST_STREAM would overtake trailers that are still there. Where they cannot leave because the client does not read, it
 * goes on to hold its stream, whatever it sends.
 */
function resetWhenAnswered(stream: NonNullable<Inside["stream"]>, turnsLeft: number): void {
  setImmediate(() => {
    if (stream.destroyed || stream.closed) return;
    const { localClose, remoteClose } = stream.state;
    if (remoteClose === 1) return;
    if (localClose === 1) stream.close(constants.NGHTTP2_NO_ERROR);
    else if (turnsLeft > 1) resetWhenAnswered(stream, turnsLeft - 1);
  });
}
