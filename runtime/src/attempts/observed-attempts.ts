import type { Attempt, AttemptListener, CallHandle, CallSink, CallSpec, Progress, Traffic } from "../contract.js";
import { RpcError } from "../error.js";
import { Metadata } from "../metadata.js";
import type { Status } from "../status.js";
import { noTraffic } from "../traffic.js";
import type { CallStarter } from "./attempts.js";

/** Tells `listeners` of each call that is put on `connection`: below the retries, that is each attempt. */
export function observedAttempts(connection: CallStarter, listeners: readonly AttemptListener[]): CallStarter {
  return {
    start(spec, sink) {
      const metadata = spec.metadata?.clone() ?? new Metadata();
      const { attempt: previous, isTransparentRetry = false } = spec;
      const attempt: Attempt = { previous, isTransparentRetry, metadata };
      const ends = listeners.map((listener) => listener(attempt));
      const end = (status: Status, traffic: Traffic) => {
        for (const tell of ends) tell(status, traffic);
      };
      return startObserved(connection, { ...spec, metadata }, sink, end);
    },
  };
}

function startObserved<I, O>(
  connection: CallStarter,
  spec: CallSpec<I, O>,
  sink: CallSink<O>,
  end: (status: Status, traffic: Traffic) => void,
): CallHandle<I> {
  let handle: CallHandle<I> | undefined;
  try {
    handle = connection.start(spec, {
      onHeaders: (metadata) => sink.onHeaders(metadata),
      onMessage: (message) => sink.onMessage(message),
      onWritable: () => sink.onWritable(),
      onEnd(status: Status, progress: Progress) {
        end(status, handle?.traffic() ?? noTraffic);
        sink.onEnd(status, progress);
      },
    });
    return handle;
  } catch (error) {
    end(RpcError.from(error).toStatus(), noTraffic);
    throw error;
  }
}
