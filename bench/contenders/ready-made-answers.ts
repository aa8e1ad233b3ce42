/**
 * A server of gRPC that answers with bytes that were made beforehand and reads nothing of a call but where it ends: the
 * least that a server can do for a client, and so the most that a client can be helped by one.
 */
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import type { ServerStack } from "./contender.js";
import { small } from "./messages.js";

const prefaceBytes = 24;
const frameHeaderBytes = 9;
/** Types of frames, and flags: RFC 9113, section 6. */
const Type = { data: 0, headers: 1, settings: 4, windowUpdate: 8 } as const;
const endStream = 1;
const ack = 1;
const endHeaders = 4;

function frame(type: number, flags: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(frameHeaderBytes);
  header.writeUIntBE(payload.length, 0, 3);
  header[3] = type;
  header[4] = flags;
  return Buffer.concat([header, payload]);
}

const text = (value: string) => Buffer.concat([Buffer.of(value.length), Buffer.from(value, "latin1")]);
/** RFC 7541: `:status: 200` is 8 in the static table, and 31 the name of content-type. */
const status200 = Buffer.of(0x80 | 8);
const headersOnce = Buffer.concat([status200, Buffer.of(0x40 | 31), text("application/grpc")]);
const trailersOnce = Buffer.concat([Buffer.of(0x40), text("grpc-status"), text("0")]);
/** Both are in the client's dynamic table then: the newest is 62. */
const headersLater = Buffer.concat([status200, Buffer.of(0x80 | 63)]);
const trailersLater = Buffer.of(0x80 | 62);

const message = Buffer.concat([Buffer.of(0x0a), text(small.text)]);
const prefix = Buffer.of(0, 0, 0, 0, message.length);

const answerOf = (headers: Buffer, trailers: Buffer) => [
  frame(Type.headers, endHeaders, headers),
  frame(Type.data, 0, Buffer.concat([prefix, message])),
  frame(Type.headers, endHeaders | endStream, trailers),
];
const first = answerOf(headersOnce, trailersOnce);
const later = answerOf(headersLater, trailersLater);

const opening = Buffer.concat([
  frame(Type.settings, 0, Buffer.alloc(0)),
  frame(Type.windowUpdate, 0, Buffer.of(0x7f, 0xff, 0, 0)),
]);
const settingsAck = frame(Type.settings, ack, Buffer.alloc(0));

function answer(socket: Socket): void {
  let unread: Buffer = Buffer.alloc(0);
  let at = prefaceBytes;
  let hasAnswered = false;
  socket.on("error", () => {}); // A client that goes away is the end of its calls, no more.
  socket.write(opening);
  socket.on("data", (chunk: Buffer) => {
    unread = unread.length === 0 ? chunk : Buffer.concat([unread, chunk]);
    const out: Buffer[] = [];
    while (unread.length - at >= frameHeaderBytes) {
      const length = unread.readUIntBE(at, 3);
      if (unread.length - at < frameHeaderBytes + length) break;
      const type = unread[at + 3]!;
      const flags = unread[at + 4]!;
      if (type === Type.settings && (flags & ack) === 0) out.push(settingsAck);
      if (type === Type.data && (flags & endStream) !== 0) {
        const streamId = unread.readUInt32BE(at + 5);
        for (const part of hasAnswered ? later : first) {
          const own = Buffer.from(part);
          own.writeUInt32BE(streamId, 5);
          out.push(own);
        }
        hasAnswered = true;
      }
      at += frameHeaderBytes + length;
    }
    unread = unread.subarray(at);
    at = 0;
    if (out.length > 0) socket.write(Buffer.concat(out));
  });
}

export const readyMadeAnswers: ServerStack = {
  async serve() {
    const server = createServer({ noDelay: true }, answer);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  },
};
