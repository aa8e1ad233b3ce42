/** One end of a connection that speaks HTTP/2 frame by frame, right or wrong, and keeps what it is told. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { HpackDecoder } from "../../runtime/src/transport/http2/hpack/decoder.js";
import { Flag, FrameType, frame, headerBlock, preface } from "../runtime/raw-frames.js";

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
  /** Of HEADERS. */
  readonly fields: { readonly [name: string]: string };
}

/** Those that raw-frames.ts does without. */
export const priority = 2;
export const paddedFlag = 8;
export const priorityFlag = 32;

export const { data, headers, rstStream, settings, pushPromise, ping, goaway, windowUpdate, continuation } = FrameType;
export const { endStream, endHeaders, ack } = Flag;
export const nothing: Buffer = Buffer.alloc(0);

/** RFC 9113, section 7: by their numbers. */
const errorNames = [
  ...["NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT", "STREAM_CLOSED"],
  ...["FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM"],
];

export function uint32(...values: number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [i, value] of values.entries()) bytes.writeUInt32BE(value, 4 * i);
  return bytes;
}

/** The payload of a SETTINGS frame. */
export function settingsOf(...pairs: (readonly [setting: number, value: number])[]): Buffer {
  return Buffer.concat(pairs.map(([setting, value]) => Buffer.concat([Buffer.of(0, setting), uint32(value)])));
}

export const emptySettings: Buffer = frame(settings, 0, 0, nothing);

/** A message as gRPC frames it. */
export function message(bytes: Uint8Array = nothing, length: number = bytes.length): Buffer {
  return Buffer.concat([Buffer.of(0), uint32(length), bytes]);
}

export function requestFields(path: string): { [name: string]: string } {
  return {
    ...{ ":method": "POST", ":scheme": "http", ":path": path, ":authority": "localhost" },
    ...{ "content-type": "application/grpc", te: "trailers" },
  };
}

/** HEADERS of a call; more are in addition to, or instead of, those that all calls have. */
export function request(
  streamId: number,
  path: string,
  flags: number = endHeaders,
  more: { [name: string]: string } = {},
): Buffer {
  return frame(headers, flags, streamId, headerBlock({ ...requestFields(path), ...more }));
}

/** A whole answer to a unary call: headers, an empty message, trailers. */
export function answer(streamId: number): Buffer {
  return Buffer.concat([
    frame(headers, endHeaders, streamId, headerBlock({ ":status": "200", "content-type": "application/grpc" })),
    frame(data, 0, streamId, message()),
    frame(headers, endHeaders | endStream, streamId, headerBlock({ "grpc-status": "0" })),
  ]);
}

export class RawPeer {
  readonly socket: Socket;
  readonly frames: Frame[] = [];
  /** Resolves when the connection is closed, however. */
  readonly closed: Promise<void>;
  isClosed = false;
  /** Whether it acknowledges SETTINGS and pings, as it has to. */
  acknowledges = true;
  #rest = nothing;
  #prefaceBytes: number;
  #onChange: (() => void)[] = [];
  readonly #decoder = new HpackDecoder(4096);

  /** @param isServer is sent a preface first */
  constructor(socket: Socket, isServer: boolean) {
    this.socket = socket;
    this.#prefaceBytes = isServer ? preface.length : 0;
    socket.setNoDelay(true);
    socket.on("error", () => {}); // A close follows.
    socket.on("data", (bytes: Buffer) => this.#take(bytes));
    this.closed = new Promise((resolve) => {
      socket.on("close", () => {
        this.isClosed = true;
        this.#changed();
        resolve();
      });
    });
  }

  /** To a server, with what every client begins with. */
  static toServer(port: number, opening: Uint8Array = Buffer.concat([preface, emptySettings])): RawPeer {
    const peer = new RawPeer(connect(port, "127.0.0.1"), false);
    peer.write(opening);
    return peer;
  }

  write(...chunks: Uint8Array[]): void {
    if (!this.socket.destroyed) this.socket.write(Buffer.concat(chunks));
  }

  /** Those that have come, and one that is still to come; undefined where the connection closes without it. */
  async first(wanted: (frame: Frame) => boolean): Promise<Frame | undefined> {
    for (;;) {
      const found = this.frames.find(wanted);
      if (found !== undefined || this.isClosed) return found;
      await new Promise<void>((resolve) => this.#onChange.push(resolve));
    }
  }

  /** Until the other end has done all that it makes of what was written; false where it has closed the connection. */
  async settled(): Promise<boolean> {
    const id = uint32(0xfeed, this.frames.length);
    this.write(frame(ping, 0, 0, id));
    return (
      (await this.first(({ type, flags, payload }) => type === ping && flags === ack && payload.equals(id))) !==
      undefined
    );
  }

  /** What the other end has said of errors: `GOAWAY X`, `RST_STREAM 1 Y`. */
  get complaints(): string[] {
    return this.frames.flatMap(({ type, streamId, payload }) => {
      if (type === goaway) return [`GOAWAY ${errorNames[payload.readUInt32BE(4)]}`];
      if (type === rstStream) return [`RST_STREAM ${streamId} ${errorNames[payload.readUInt32BE(0)]}`];
      return [];
    });
  }

  /** What it makes of what was written: its complaints, or `lives`. */
  async outcome(): Promise<string> {
    await this.settled();
    return this.complaints.join(", ") || (this.isClosed ? "closed" : "lives");
  }

  /** What it says before it closes the connection, which it has to do without being asked for an answer. */
  async end(): Promise<string> {
    await this.closed;
    return this.complaints.join(", ") || "closed";
  }

  /** The `grpc-status` of a good call, made on this connection now. */
  async call(streamId: number, path: string): Promise<string> {
    this.write(request(streamId, path), frame(data, endStream, streamId, message()));
    return this.status(streamId);
  }

  /** The `grpc-status` that a call ends with; complaints, where the connection ends before. */
  async status(streamId: number): Promise<string> {
    const isEnd = (one: Frame) => one.type === headers && one.streamId === streamId && (one.flags & endStream) !== 0;
    return (await this.first(isEnd))?.fields["grpc-status"] ?? this.complaints.join(", ");
  }

  close(): Promise<void> {
    this.socket.destroy();
    return this.closed;
  }

  #take(bytes: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    const skipped = Math.min(this.#prefaceBytes, this.#rest.length);
    this.#prefaceBytes -= skipped;
    this.#rest = this.#rest.subarray(skipped);
    while (this.#rest.length >= 9) {
      const length = 9 + this.#rest.readUIntBE(0, 3);
      if (this.#rest.length < length) break;
      const [type, flags] = [this.#rest[3]!, this.#rest[4]!];
      const payload = Buffer.from(this.#rest.subarray(9, length));
      const fields = type === headers ? this.#fieldsOf(payload) : {};
      this.frames.push({ type, flags, streamId: this.#rest.readUInt32BE(5) & 0x7fffffff, payload, fields });
      this.#rest = this.#rest.subarray(length);
      // Whoever is asked to acknowledge, does.
      if (!this.acknowledges) continue;
      if (type === settings && flags === 0) this.write(frame(settings, ack, 0, nothing));
      if (type === ping && flags === 0) this.write(frame(ping, ack, 0, payload));
    }
    this.#changed();
  }

  /** Of a block in one frame, without padding: as ours and others send short ones. */
  #fieldsOf(block: Buffer): { readonly [name: string]: string } {
    const fields: { [name: string]: string } = {};
    this.#decoder.decode(block, 0, block.length, {
      onField({ name, value }) {
        fields[name] = value;
      },
    });
    return fields;
  }

  #changed(): void {
    for (const tell of this.#onChange.splice(0)) tell();
  }
}

/** A server that only accepts; each connection is a peer to be spoken with. */
export class RawServer {
  readonly #server: Server;
  readonly #peers: RawPeer[] = [];
  #onPeer: (() => void) | undefined;

  private constructor(opening: Uint8Array) {
    this.#server = createServer((socket) => {
      const peer = new RawPeer(socket, true);
      peer.write(opening);
      this.#peers.push(peer);
      this.#onPeer?.();
    });
  }

  /** @param opening what every connection is sent at first */
  static async start(opening: Uint8Array = emptySettings): Promise<RawServer> {
    const server = new RawServer(opening);
    server.#server.listen(0, "127.0.0.1");
    await once(server.#server, "listening");
    return server;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Connections so far. */
  get accepted(): number {
    return this.#peers.length;
  }

  async connection(which = 0): Promise<RawPeer> {
    while (this.#peers[which] === undefined) {
      await new Promise<void>((resolve) => {
        this.#onPeer = resolve;
      });
    }
    return this.#peers[which];
  }

  async stop(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    await Promise.all(this.#peers.map((peer) => peer.close()));
    await closed;
  }
}
