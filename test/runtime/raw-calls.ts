/** Calls made with nothing but node:http2: what a peer may send that no client of ours would, and all that comes back. */
import { type ClientHttp2Session, type ClientHttp2Stream, connect, type IncomingHttpHeaders } from "node:http2";

/** An empty message, framed as gRPC frames messages. */
const emptyMessage = Uint8Array.of(0, 0, 0, 0, 0);

export interface RawCall {
  readonly stream: ClientHttp2Stream;
  /** What came: `headers`, `data`, `trailers`, `close`, in order. */
  readonly events: readonly string[];
  /** Headers and trailers, once the stream is closed. */
  readonly ended: Promise<IncomingHttpHeaders>;
  /** What has come of the body. */
  readonly body: () => Buffer;
}

export interface RawRequest {
  readonly headers?: { readonly [key: string]: string | string[] };
  /** Half-close after the one message. Default true. */
  readonly end?: boolean;
  /** What is sent instead of one empty message. */
  readonly body?: Uint8Array;
  /** Take what comes. Default true. */
  readonly read?: boolean;
}

export class RawCalls {
  readonly #session: ClientHttp2Session;

  constructor(address: string, options: { readonly initialWindowSize?: number } = {}) {
    this.#session = connect(`http://${address}`, { settings: options });
    this.#session.on("error", () => {}); // Each call tells how it ended.
  }

  start(path: string, { headers = {}, end = true, body = emptyMessage, read = true }: RawRequest = {}): RawCall {
    const stream = this.#session.request({
      ...{ ":method": "POST", ":path": path, "content-type": "application/grpc", te: "trailers" },
      ...headers,
    });
    const events: string[] = [];
    let all: IncomingHttpHeaders = {};
    const take = (event: string) => (received: IncomingHttpHeaders) => {
      events.push(event);
      all = { ...all, ...received };
    };
    stream.on("response", take("headers"));
    stream.on("trailers", take("trailers"));
    const chunks: Buffer[] = [];
    if (read) {
      stream.on("data", (chunk) => {
        events.push("data");
        chunks.push(chunk);
      });
    }
    stream.on("error", () => events.push("error"));
    const ended = new Promise<IncomingHttpHeaders>((resolve) => {
      stream.on("close", () => {
        events.push("close");
        resolve(all);
      });
    });
    stream.write(body);
    if (end) stream.end();
    return { stream, events, ended, body: () => Buffer.concat(chunks) };
  }

  /** A round trip: whatever the server had sent before has come by then. */
  settled(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#session.ping((error) => (error === null ? resolve() : reject(error)));
    });
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#session.destroyed) return resolve();
      this.#session.on("close", resolve);
      this.#session.destroy();
    });
  }
}
