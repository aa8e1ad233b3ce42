import type { Socket } from "node:net";

/** When a socket has closed, however: `once()` of node:events fails where it is reset before. */
export function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.on("error", () => {}).once("close", () => resolve()));
}
