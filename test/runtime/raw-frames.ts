/** A socket that speaks HTTP/2 frame by frame, right or wrong: what no HTTP/2 library would send. */
import { connect, type Socket } from "node:net";

/** RFC 9113, section 6. */
export const FrameType = {
  data: 0,
  headers: 1,
  rstStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

export const Flag = { endStream: 1, ack: 1, endHeaders: 4 } as const;

/** RFC 9113, section 7: by their numbers. */
const errorNames = [
  ...["NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT", "STREAM_CLOSED"],
  ...["FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM"],
];

export const preface: Buffer = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/** @param length what its header says, where that is a lie */
export function frame(type: number, flags: number, stream: number, payload: Uint8Array, length?: number): Buffer {
  const header = Buffer.alloc(9);
  header.writeUIntBE(length ?? payload.length, 0, 3);
  header.writeUInt8(type, 3);
  header.writeUInt8(flags, 4);
  header.writeUInt32BE(stream, 5);
  return Buffer.concat([header, payload]);
}

/** Literal fields without Huffman coding, none of them indexed (RFC 7541, section 6.2.2). */
export function headerBlock(fields: { readonly [name: string]: string }): Buffer {
  const text = (value: string) => {
    const bytes = Buffer.from(value, "latin1");
    if (bytes.length < 127) return Buffer.concat([Buffer.of(bytes.length), bytes]);
    const more = bytes.length - 127;
    return Buffer.concat([Buffer.of(127, (more & 127) | 128, ((more >> 7) & 127) | 128, more >> 14), bytes]);
  };
  return Buffer.concat(
    Object.entries(fields).map(([name, value]) => Buffer.concat([Buffer.of(0), text(name), text(value)])),
  );
}

export const opening: Buffer = Buffer.concat([preface, frame(FrameType.settings, 0, 0, Buffer.alloc(0))]);

const ping = frame(FrameType.ping, 0, 0, Buffer.alloc(8));

/** Sends `chunks`, and tells in a few words what came of it: what ended the connection, or the answer to a last ping. */
export function exchange(port: number, chunks: readonly Uint8Array[], how: "wait" | "end" | "reset"): Promise<string> {
  return new Promise((resolve) => {
    const socket: Socket = connect(port, "127.0.0.1");
    let received = Buffer.alloc(0);
    const said: string[] = [];
    let acknowledged = 0;
    socket.on("data", (bytes) => {
      received = Buffer.concat([received, bytes]);
      for (let length = lengthOf(received); length !== undefined; length = lengthOf(received)) {
        take(received.subarray(0, length));
        received = received.subarray(length);
      }
    });
    const take = (bytes: Buffer) => {
      const [type, flags] = [bytes[3], bytes[4]!];
      if (type === FrameType.goaway) {
        said.push(`GOAWAY ${errorNames[bytes.readUInt32BE(13)]}`);
        socket.destroy();
      }
      if (type === FrameType.rstStream) said.push(`RST_STREAM ${errorNames[bytes.readUInt32BE(9)]}`);
      if (type !== FrameType.ping || (flags & Flag.ack) === 0) return;
      // The first acknowledgement overtakes what has to be said of streams.
      if (++acknowledged === 1) socket.write(ping);
      else {
        said.push("lives");
        socket.destroy();
      }
    };
    socket.on("error", () => {}); // A close follows.
    socket.on("close", () => resolve(said[0] ?? "closed"));
    for (const chunk of chunks) socket.write(chunk);
    if (how === "end") socket.end();
    if (how === "reset") socket.write("", () => socket.resetAndDestroy());
    if (how === "wait") socket.write(ping);
  });
}

/** Of the first frame, where it is whole. */
function lengthOf(bytes: Buffer): number | undefined {
  if (bytes.length < 9) return undefined;
  const length = 9 + bytes.readUIntBE(0, 3);
  return bytes.length < length ? undefined : length;
}
