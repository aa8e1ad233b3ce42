/** Random numbers → frames that a peer sends: most of them right, some wrong, in any order. */
import { Flag, FrameType, Setting } from "../../runtime/src/transport/http2/frames.js";
import { frame, headerBlock } from "../runtime/raw-frames.js";
import type { StrictPeer } from "./strict-peer.js";
import type { Random } from "./target.js";

const { ack, endHeaders, endStream, padded, priority } = Flag;

export const oneOf = <Item>(random: Random, items: readonly Item[]): Item => items[random.int(items.length)]!;

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

/** Most are small; some are at, or beside, the limits. */
export function size(random: Random): number {
  const kind = random.int(20);
  if (kind === 0) return oneOf(random, [16_384, 16_379, 16_380, 65_535, 65_536]);
  if (kind < 4) return random.int(2000);
  return random.int(40);
}

/** A message as gRPC frames it, or nearly. */
function message(random: Random): Buffer {
  const bytes = Buffer.alloc(size(random), random.int(256));
  const length = random.int(30) === 0 ? random.int(2 ** 32) : bytes.length;
  const flag = random.int(30) === 0 ? random.int(4) : 0;
  return Buffer.concat([Buffer.of(flag), uint32(length), bytes]);
}

export class FrameProgram {
  readonly #random: Random;
  readonly #peer: StrictPeer;
  readonly #isServer: boolean;
  readonly #own: number[] = [];
  #next = 1;

  /** @param peer is told what is sent: the connection is held to it */
  constructor(random: Random, peer: StrictPeer, isServer: boolean) {
    this.#random = random;
    this.#peer = peer;
    this.#isServer = isServer;
  }

  /** The first frame that it sends. */
  opening(): Buffer {
    return this.#random.int(3) === 0 ? this.#settings() : this.#announced([]);
  }

  next(): Buffer {
    const random = this.#random;
    switch (random.int(24)) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4:
      case 5:
        return this.#isServer && random.int(3) > 0 ? this.#headers(this.#stream()) : this.#call();
      case 6:
      case 7:
      case 8:
      case 9:
      case 10:
      case 11:
        return this.#data();
      case 12:
      case 13:
      case 14:
      case 15:
        return this.#windowUpdate();
      case 16:
        return this.#reset();
      case 17:
        return this.#settings();
      case 18:
        return frame(FrameType.ping, random.int(2) * ack, 0, random.bytes(8));
      case 19:
      case 20: {
        const duty = this.#peer.duties.shift();
        return duty ?? Buffer.alloc(0);
      }
      case 21:
        return this.#isServer && random.int(4) === 0
          ? frame(FrameType.goaway, 0, 0, Buffer.concat([uint32(random.int(20)), uint32(random.int(14))]))
          : frame(FrameType.priority, 0, this.#stream(), Buffer.alloc(5));
      case 22:
        return this.#headers(this.#stream());
      default:
        return random.int(4) === 0
          ? this.#anything()
          : frame(10 + random.int(200), random.int(256), 0, random.bytes(4));
    }
  }

  /** One that was opened, most likely. */
  #stream(): number {
    const random = this.#random;
    if (random.int(60) === 0) return random.int(12);
    const known = this.#isServer ? [...this.#peer.streams.keys()] : this.#own;
    return known.length === 0 ? 1 : known[Math.max(0, known.length - 1 - random.int(4))]!;
  }

  #call(): Buffer {
    if (this.#isServer) return this.#headers(this.#stream());
    const streamId = this.#next;
    this.#next += 2;
    return this.#headers(streamId);
  }

  #headers(streamId: number): Buffer {
    const random = this.#random;
    if (!this.#isServer) {
      this.#own.push(streamId);
      this.#peer.opened(streamId);
    }
    const request = { ":method": "POST", ":scheme": "http", ":path": `/a.B/C${random.int(3)}`, te: "trailers" };
    const response = { ":status": "200" };
    const fields: { [name: string]: string } = { ...(this.#isServer ? response : request) };
    if (this.#isServer && random.int(2) === 0) {
      if (random.int(2) === 0) delete fields[":status"];
      fields["grpc-status"] = String(random.int(20));
    }
    fields["content-type"] = "application/grpc";
    if (random.int(4) === 0) fields["x-more"] = "x".repeat(random.int(200));
    if (random.int(10) === 0) fields["grpc-timeout"] = oneOf(random, ["1H", "1n", "0m", "soon", "99999999H"]);
    if (random.int(10) === 0) fields["grpc-encoding"] = oneOf(random, ["identity", "gzip", "morse"]);
    if (random.int(10) === 0) fields["content-length"] = oneOf(random, ["0", "5", "10", "1000", "many"]);
    if (random.int(25) === 0) delete fields[oneOf(random, Object.keys(fields))];
    if (random.int(25) === 0) fields[oneOf(random, [":status", "Loud", "connection", ":path"])] = "1";
    if (random.int(60) === 0) fields["x-long"] = "x".repeat(20_000);
    let block = headerBlock(fields);
    if (random.int(60) === 0) block = Buffer.concat([block, random.bytes(3)]);
    const ends = random.int(3) === 0 ? endStream : 0;
    if (random.int(8) === 0) {
      const at = random.int(block.length);
      const middle = Array.from({ length: random.int(3) }, () =>
        frame(FrameType.continuation, 0, streamId, Buffer.alloc(0)),
      );
      return Buffer.concat([
        frame(FrameType.headers, ends, streamId, block.subarray(0, at)),
        ...middle,
        frame(FrameType.continuation, endHeaders, streamId, block.subarray(at)),
      ]);
    }
    if (random.int(8) === 0) {
      const payload = Buffer.concat([Buffer.of(3), Buffer.alloc(5), block, Buffer.alloc(3)]);
      return frame(FrameType.headers, endHeaders | padded | priority | ends, streamId, payload);
    }
    return frame(FrameType.headers, endHeaders | ends, streamId, block);
  }

  #data(): Buffer {
    const random = this.#random;
    const streamId = this.#stream();
    const ends = random.int(6) === 0 ? endStream : 0;
    let bytes = Buffer.concat(Array.from({ length: random.int(4) }, () => message(random)));
    if (random.int(4) === 0) bytes = bytes.subarray(0, random.int(bytes.length + 1));
    if (random.int(10) === 0) {
      const padding = random.int(20);
      const payload = Buffer.concat([Buffer.of(padding), bytes, Buffer.alloc(random.int(40) === 0 ? 0 : padding)]);
      return frame(FrameType.data, padded | ends, streamId, payload);
    }
    if (bytes.length < 200 || random.int(3) > 0) return frame(FrameType.data, ends, streamId, bytes);
    const at = random.int(bytes.length);
    return Buffer.concat([
      frame(FrameType.data, 0, streamId, bytes.subarray(0, at)),
      frame(FrameType.data, ends, streamId, bytes.subarray(at)),
    ]);
  }

  #windowUpdate(): Buffer {
    const random = this.#random;
    const streamId = random.int(2) === 0 ? 0 : this.#stream();
    const bytes =
      random.int(80) === 0 ? oneOf(random, [0, 2 ** 31 - 1]) : 1 + random.int(random.int(4) === 0 ? 100_000 : 50);
    this.#peer.sentWindow(streamId, bytes);
    return frame(FrameType.windowUpdate, 0, streamId, uint32(bytes));
  }

  #reset(): Buffer {
    const streamId = this.#stream();
    return frame(FrameType.rstStream, 0, streamId, uint32(this.#random.int(14)));
  }

  #settings(): Buffer {
    const random = this.#random;
    const pairs: [number, number][] = [];
    if (random.int(2) === 0) pairs.push([Setting.initialWindowSize, oneOf(random, [0, 1, 100, 65_535, 1_000_000])]);
    if (random.int(3) === 0) pairs.push([Setting.maxFrameSize, oneOf(random, [16_384, 20_000, 2 ** 24 - 1])]);
    if (random.int(3) === 0) pairs.push([Setting.headerTableSize, oneOf(random, [0, 100, 4096, 65_536])]);
    if (random.int(3) === 0) pairs.push([Setting.maxConcurrentStreams, random.int(100)]);
    if (random.int(4) === 0) pairs.push([Setting.maxHeaderListSize, random.int(3) * 5000]);
    if (random.int(40) === 0) pairs.push([oneOf(random, [2, 4, 5]), 2 ** 32 - 1]);
    return this.#announced(pairs);
  }

  #announced(pairs: readonly (readonly [number, number])[]): Buffer {
    this.#peer.sentSettings(pairs);
    const payload = pairs.map(([setting, value]) => Buffer.concat([Buffer.of(0, setting), uint32(value)]));
    return frame(FrameType.settings, 0, 0, Buffer.concat(payload));
  }

  #anything(): Buffer {
    const random = this.#random;
    if (random.int(3) === 0) return random.bytes(random.int(40));
    const payload = random.bytes(random.int(12));
    const length = random.int(4) === 0 ? random.int(2 ** 24) : payload.length;
    // Windows and settings are kept account of, and are not sent by accident.
    return frame(oneOf(random, [0, 1, 2, 3, 5, 6, 7, 9, 10]), random.int(256), random.int(8), payload, length);
  }
}

/** The same bytes in pieces. */
export function pieces(random: Random, bytes: Buffer): Buffer[] {
  if (bytes.length === 0) return [];
  const most = oneOf(random, [1, 9, 100, 5000, bytes.length]);
  // A byte at a time only where that does not take for ever.
  const least = Math.max(most, Math.ceil(bytes.length / 50));
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = 1 + random.int(least);
    parts.push(bytes.subarray(at, at + length));
    at += length;
  }
  return parts;
}
