/**
 * Closes connections that node:http2 has given up, but not closed.
 *
 * Symptom: a client that breaks the protocol in certain ways (data for stream 0, a frame too large, a header block that
 * cannot be decoded) gets its GOAWAY, and then its connection stays, with all its streams, even after the client has
 * gone: each costs a file descriptor until the keepalive of two hours.
 *
 * Cause: nghttp2 ends such a session by itself. It wants to read no more, so Node.js stops to read the socket, and hears
 * of no end; it wants to write no more, so that nothing that is written fails. Nobody is told.
 *
 * What can be seen is that a ping does not leave. Only what was read can have broken a session, so one that was silent
 * is not asked again, and an idle connection costs nothing.
 */
import type { Http2Server, ServerHttp2Session } from "node:http2";

/** Milliseconds between two looks at a connection. */
const lookEveryMs = 20_000;

/** So often may a ping be found still there: a client whose network stands still for a while is not dead. */
const looks = 3;

/** Bytes of a PING frame: the answer to ours is no reason to ask again. */
const pingBytes = 17;

export function closeDeadSessions(server: Http2Server, everyMs: number = lookEveryMs): void {
  server.on("session", (session) => watch(session, everyMs));
}

function watch(session: ServerHttp2Session, everyMs: number): void {
  /** Up to here it was alive. */
  let read = 0;
  let pinged: { readonly read: number; readonly written: number; unsent: number } | undefined;
  const look = () => {
    if (session.destroyed) return;
    const { bytesRead, bytesWritten } = session.socket;
    if (pinged !== undefined) {
      if (bytesWritten > pinged.written) {
        read = Math.max(read, pinged.read);
        pinged = undefined;
      } else if (++pinged.unsent === looks) {
        session.destroy();
        return;
      }
    }
    if (pinged !== undefined || bytesRead <= read) return;
    pinged = { read: bytesRead, written: bytesWritten, unsent: 0 };
    session.ping((error) => {
      if (error === null) read = Math.max(read, bytesRead + pingBytes);
    });
  };
  const timer = setInterval(look, everyMs).unref();
  session.once("close", () => clearInterval(timer));
}
