import { connect, type Socket } from "node:net";
import type { Address } from "../resolver/address.js";

/** A socket that is being connected. It does not hold the process open: a call that waits for it does. */
export function openSocket({ to }: Address): Socket {
  const socket = connect(to);
  // A call's bytes are written at once, and what keeps the connection alive are pings that a peer has to answer.
  if ("port" in to) socket.setNoDelay(true);
  socket.unref();
  // Whatever happens to it between two steps is seen by the next.
  socket.on("error", nothing);
  return socket;
}

/** One for all sockets. */
function nothing(): void {}

/** Resolves when a socket has said so; rejects with why it cannot any more. */
export function happens(socket: Socket, event: "connect" | "secureConnect"): Promise<void> {
  return new Promise((resolve, reject) => {
    const onClose = () => reject(socket.errored ?? new Error("closed by the peer"));
    const onEvent = () => {
      socket.off("close", onClose);
      resolve();
    };
    if (socket.destroyed) {
      onClose();
      return;
    }
    socket.once("close", onClose);
    socket.once(event, onEvent);
  });
}

/** What is wrong, in a line. A socket that has tried several addresses tells of each. */
export function describeSocketError(error: unknown): string {
  const { code, message, errors, reason } = Object(error) as {
    readonly code?: string;
    readonly message?: string;
    readonly errors?: readonly Error[];
    readonly reason?: string;
  };
  if (Array.isArray(errors) && errors.length > 0) return errors.map(describeSocketError).join("; ");
  // What OpenSSL says, without where in its sources it says so.
  const text = code?.startsWith("ERR_SSL_") ? reason : undefined;
  return (text ?? message ?? String(error)).replaceAll("\0", "@");
}
