/** One end of an HTTP/2 connection, as far as header blocks go: ours, to talk to an end that no one here wrote. */
import type { Socket } from "node:net";
import { HpackDecoder } from "../../runtime/src/transport/http2/hpack/decoder.js";
import { HpackEncoder } from "../../runtime/src/transport/http2/hpack/encoder.js";
import type { HeaderField } from "../../runtime/src/transport/http2/hpack/field.js";
import { Flag, FrameType, frame, preface } from "../runtime/raw-frames.js";
import { encode, type Pair, read } from "./hpack-blocks.js";

const headerTableSize = 1;
const enablePush = 2;
/** What pads a frame, and what gives a stream a priority: RFC 9113, section 6.2. */
const padded = 8;
const priority = 32;

export interface Received {
  readonly stream: number;
  readonly fields: HeaderField[];
  /** Its bytes, as they came. */
  readonly block: Buffer;
}

export class HpackPeer {
  readonly encoder: HpackEncoder;
  readonly decoder: HpackDecoder;
  /** Both ends have said and acknowledged what their tables may be. */
  readonly settled: Promise<void>;
  readonly #socket: Socket;
  #bytes: Buffer = Buffer.alloc(0);
  /** Bytes of the preface that are still to come. */
  #skip = 0;
  #part: Buffer = Buffer.alloc(0);
  readonly #received: Received[] = [];
  #waiting: { resolve(received: Received): void; reject(error: Error): void } | undefined;
  #ended: Error | undefined;
  #settle!: () => void;
  #unsettled = 2;

  /** @param tableBytes what it announces, and the most that its encoder uses */
  constructor(socket: Socket, tableBytes: number, role: "client" | "server") {
    this.#socket = socket;
    this.encoder = new HpackEncoder(tableBytes);
    this.decoder = new HpackDecoder(tableBytes);
    this.settled = new Promise((resolve) => {
      this.#settle = resolve;
    });
    if (role === "server") this.#skip = preface.length;
    else socket.write(preface);
    const settings = Buffer.alloc(role === "client" ? 12 : 6);
    settings.writeUInt16BE(headerTableSize, 0);
    settings.writeUInt32BE(tableBytes, 2);
    if (role === "client") settings.writeUInt16BE(enablePush, 6);
    socket.write(frame(FrameType.settings, 0, 0, settings));
    socket.on("data", (bytes) => this.#take(bytes));
    socket.on("error", (error) => this.#end(error));
    socket.on("close", () => this.#end(new Error("the socket has closed")));
  }

  /** Sends a list, which ends the stream. */
  send(stream: number, list: readonly Pair[]): void {
    const flags = Flag.endHeaders | Flag.endStream;
    this.#socket.write(frame(FrameType.headers, flags, stream, encode(this.encoder, list)));
  }

  /** The next list. */
  receive(): Promise<Received> {
    return new Promise((resolve, reject) => {
      const received = this.#received.shift();
      if (received !== undefined) resolve(received);
      else if (this.#ended !== undefined) reject(this.#ended);
      else this.#waiting = { resolve, reject };
    });
  }

  #end(error: Error): void {
    this.#ended ??= error;
    this.#waiting?.reject(this.#ended);
    this.#settle();
    this.#socket.destroy();
  }

  #take(bytes: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    if (this.#bytes.length < this.#skip) return;
    this.#bytes = this.#bytes.subarray(this.#skip);
    this.#skip = 0;
    while (this.#bytes.length >= 9 && this.#bytes.length >= 9 + this.#bytes.readUIntBE(0, 3)) {
      const end = 9 + this.#bytes.readUIntBE(0, 3);
      const whole = this.#bytes.subarray(0, end);
      this.#bytes = this.#bytes.subarray(end);
      try {
        this.#frame(whole[3]!, whole[4]!, whole.readUInt32BE(5), whole.subarray(9));
      } catch (error) {
        this.#end(error as Error);
      }
    }
  }

  #frame(type: number, flags: number, stream: number, payload: Buffer): void {
    if (type === FrameType.settings) this.#settings(flags, payload);
    if (type === FrameType.goaway) this.#end(new Error(`GOAWAY with error ${payload.readUInt32BE(4)}`));
    if (type === FrameType.rstStream) this.#end(new Error(`RST_STREAM with error ${payload.readUInt32BE(0)}`));
    if (type !== FrameType.headers && type !== FrameType.continuation) return;
    const isFirst = type === FrameType.headers;
    const start = (isFirst && flags & padded ? 1 : 0) + (isFirst && flags & priority ? 5 : 0);
    const end = payload.length - (isFirst && flags & padded ? payload[0]! : 0);
    this.#part = Buffer.concat([this.#part, payload.subarray(start, end)]);
    if ((flags & Flag.endHeaders) === 0) return;
    const block = this.#part;
    this.#part = Buffer.alloc(0);
    const fields: HeaderField[] = [];
    read(this.decoder, block, { onField: (field) => fields.push(field) });
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting !== undefined) waiting.resolve({ stream, fields, block });
    else this.#received.push({ stream, fields, block });
  }

  #settings(flags: number, payload: Buffer): void {
    if ((flags & Flag.ack) !== 0) this.decoder.settingsAcknowledged();
    else {
      for (let at = 0; at < payload.length; at += 6) {
        if (payload.readUInt16BE(at) === headerTableSize) this.encoder.setPeerTableBytes(payload.readUInt32BE(at + 2));
      }
      this.#socket.write(frame(FrameType.settings, Flag.ack, 0, Buffer.alloc(0)));
    }
    if (--this.#unsettled === 0) this.#settle();
  }
}
