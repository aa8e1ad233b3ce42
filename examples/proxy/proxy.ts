/** What a transparent proxy does with a call: the same call at the backend, and whatever comes of it as the answer. */
import { type ClientChannel, Metadata, type RawHandler, rawMethod } from "@trunkline/runtime";

/** Milliseconds by which the backend's deadline is the earlier one, so that its answer still gets to the caller. */
const marginMs = 5;

/** For `unknownMethods` of a server that has no methods of its own. Messages pass as bytes, one at a time both ways. */
export function passOn(backend: ClientChannel): RawHandler {
  return async function* (requests, call) {
    // Not `call.signal`: that also asks streams to end when this process is to stop, and they are not ours to end.
    const over = new AbortController();
    call.onEnd(() => over.abort());
    let trailers = new Metadata();
    // An error of the backend is thrown here, with its code, text, trailers and details, and is the answer.
    yield* backend.bidiStream(rawMethod(call.method.path), requests, {
      metadata: call.metadata,
      timeoutMs: call.timeLeftMs() - marginMs,
      signal: over.signal,
      onHeaders: (headers) => call.sendHeaders(headers),
      onTrailers: (received) => {
        trailers = received;
      },
    });
    call.trailers.merge(trailers);
  };
}
