/** What sockets of node:net can do: as many bytes as a call has, there and back, and nothing that reads them. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import type { BenchClient, CallStyle, ClientStack, Done, ServerStack } from "./contender.js";

/** Frames, header fields that the other end has in its table, the message. */
const bytes = { small: Buffer.alloc(60, 1), order: Buffer.alloc(60 + 1024, 1) };
/** Beside them, a deadline and metadata. */
const styled = { small: Buffer.alloc(100, 1), order: Buffer.alloc(100 + 1024, 1) };

async function serve(): Promise<number> {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on("error", () => {}); // A client that goes away is the end of its calls, no more.
    socket.on("data", (chunk) => socket.write(chunk));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

class RawNetClient implements BenchClient {
  readonly #socket: Socket;
  /** Echoes come in the order of what was sent. */
  readonly #waiting: { readonly end: number; readonly done: Done }[] = [];
  #sent = 0;
  #received = 0;

  constructor(port: number) {
    this.#socket = connect({ port, host: "127.0.0.1", noDelay: true });
    this.#socket.on("error", (error) => {
      for (const { done } of this.#waiting.splice(0)) done(error);
    });
    this.#socket.on("data", (chunk) => {
      this.#received += chunk.length;
      while (this.#waiting.length > 0 && this.#waiting[0]!.end <= this.#received) this.#waiting.shift()!.done();
    });
  }

  echo(shape: "small" | "order", style: CallStyle, done: Done): void {
    const message = (style === "plain" ? bytes : styled)[shape];
    this.#sent += message.length;
    this.#waiting.push({ end: this.#sent, done });
    this.#socket.write(message);
  }

  download = noStreams;
  upload = noStreams;
  pingPong = noStreams;
  hold = noStreams;

  close(): void {
    this.#socket.destroy();
  }
}

function noStreams(): never {
  throw new Error("a bare socket has no streams");
}

export const rawNet: ClientStack & ServerStack = { serve, connect: (port) => new RawNetClient(port) };
