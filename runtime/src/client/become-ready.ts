import { onAbort } from "../abort.js";
import type { Connection } from "../connection/connection.js";
import { atDeadline, earliestDeadline } from "../deadline.js";
import { RpcError } from "../error.js";
import { Code } from "../status.js";
import type { WaitOptions } from "./client-channel.js";

/** Makes a connection READY; see `ClientChannel.waitForReady`. */
export async function becomeReady(connection: Connection, { signal, ...limits }: WaitOptions): Promise<void> {
  const deadline = earliestDeadline(limits, {}, undefined);
  const { target } = connection.settings;
  if (connection.settings.short) {
    throw new RpcError(Code.FAILED_PRECONDITION, `connections to ${target} are short: each call makes its own`);
  }
  const cleanUps: (() => void)[] = [];
  const { initialMs, maxMs } = connection.settings.backoff;
  let retry: NodeJS.Timeout | undefined;
  let waitMs = 0;
  try {
    await new Promise<void>((resolve, reject) => {
      const fail = (code: Code, details: string, cause?: unknown) => reject(new RpcError(code, details, { cause }));
      const look = () => {
        if (connection.state === "READY") resolve();
        else if (connection.state === "SHUTDOWN") fail(Code.UNAVAILABLE, `the connection to ${target} was closed`);
        // After a disconnect, and where one could not even be opened.
        else if (connection.state === "IDLE") {
          clearTimeout(retry);
          retry = setTimeout(() => connection.connect(), waitMs);
          waitMs = Math.min(Math.max(initialMs, waitMs * 1.6), maxMs);
        }
      };
      const cancel = () => fail(Code.CANCELLED, "the wait was cancelled by its caller", signal?.reason);
      cleanUps.push(
        connection.watchState(look),
        atDeadline(deadline, () => {
          const reason = connection.stats.lastError;
          const why = reason === undefined ? "" : `: ${reason}`;
          fail(Code.DEADLINE_EXCEEDED, `the connection to ${target} is still ${connection.state}${why}`);
        }),
        () => clearTimeout(retry),
      );
      if (signal !== undefined) cleanUps.push(onAbort(signal, cancel));
      if (signal?.aborted) cancel();
      look();
    });
  } finally {
    for (const cleanUp of cleanUps) cleanUp();
  }
}
