/** What node:http2 itself can do: the same bytes in the same number of messages, no gRPC and no protobuf. */
import { once } from "node:events";
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  createServer,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo } from "node:net";
import type { BenchClient, CallStyle, ClientStack, Done, ServerStack, StreamShape } from "./contender.js";
import { deadlineMs, metadata } from "./messages.js";

/** Lengths as gRPC would send them: a prefix of five bytes, then the message. */
const bytes = {
  small: Buffer.alloc(5 + 20, 1),
  order: Buffer.alloc(5 + 1024, 1),
  chunk: Buffer.alloc(5 + 64 * 1024 + 4, 1),
};

const summary = Buffer.alloc(5 + 4);

async function serve(): Promise<number> {
  const server = createServer();
  server.on("stream", (stream: ServerHttp2Stream, headers) => {
    stream.on("error", () => {}); // A client that goes away is the end of its call, no more.
    const [, kind, shape, count] = headers[":path"]!.split("/");
    if (kind === "download") {
      stream.respond({ ":status": 200 });
      stream.resume();
      writeAll(stream, shape as StreamShape, Number(count));
      return;
    }
    if (kind === "upload") {
      stream.resume();
      stream.on("end", () => {
        stream.respond({ ":status": 200 });
        stream.end(summary);
      });
      return;
    }
    stream.respond({ ":status": 200 });
    stream.on("data", (data: Buffer) => stream.write(data));
    stream.on("end", () => stream.end());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

function writeAll(stream: ServerHttp2Stream | ClientHttp2Stream, shape: StreamShape, count: number): void {
  let left = count;
  const go = () => {
    while (left > 0) {
      left--;
      if (!stream.write(bytes[shape])) {
        stream.once("drain", go);
        return;
      }
    }
    stream.end();
  };
  go();
}

class RawClient implements BenchClient {
  readonly #session: ClientHttp2Session;

  constructor(port: number) {
    this.#session = connect(`http://127.0.0.1:${port}`);
    this.#session.on("error", () => {}); // Streams report it.
  }

  echo(shape: "small" | "order", style: CallStyle, done: Done): void {
    if (style === "plain") {
      const stream = this.#session.request({ ":method": "POST", ":path": "/echo" });
      ended(stream, done);
      stream.resume();
      stream.end(bytes[shape]);
      return;
    }
    const headers: OutgoingHttpHeaders = { ":method": "POST", ":path": "/echo", "grpc-timeout": "60S", ...metadata };
    const { signal } = new AbortController();
    const stream = this.#session.request(headers, { signal });
    const timer = setTimeout(() => stream.destroy(new Error("deadline")), deadlineMs);
    ended(stream, (error) => {
      clearTimeout(timer);
      done(error);
    });
    stream.resume();
    stream.end(bytes[shape]);
  }

  download(shape: StreamShape, count: number, done: Done): void {
    const stream = this.#session.request({ ":method": "POST", ":path": `/download/${shape}/${count}` });
    ended(stream, done);
    stream.resume();
    stream.end();
  }

  upload(shape: StreamShape, count: number, done: Done): void {
    const stream = this.#session.request({ ":method": "POST", ":path": "/upload" });
    ended(stream, done);
    stream.resume();
    writeAll(stream, shape, count);
  }

  pingPong(count: number, done: Done): void {
    const stream = this.#session.request({ ":method": "POST", ":path": "/echo" });
    ended(stream, done);
    let left = count;
    const send = () => (left-- > 0 ? stream.write(bytes.small) : stream.end());
    stream.on("data", send);
    send();
  }

  hold(done: Done): void {
    const stream = this.#session.request({ ":method": "POST", ":path": "/echo" });
    stream.once("data", () => done());
    stream.on("error", () => {});
    stream.write(bytes.small);
  }

  close(): void {
    this.#session.destroy();
  }
}

function ended(stream: ClientHttp2Stream, done: Done): void {
  let failure: unknown;
  stream.once("error", (error) => {
    failure = error;
  });
  stream.once("close", () => done(failure));
}

export const rawHttp2: ClientStack & ServerStack = { serve, connect: (port) => new RawClient(port) };
