/** The frame parser: the same bytes in other pieces have the same effect. */
import { deepStrictEqual } from "node:assert/strict";
import { Code, type IncomingCall, Metadata, type ServerSink } from "@trunkline/runtime";
import { preface } from "../../runtime/src/transport/http2/frames.js";
import { ServerConnection } from "../../runtime/src/transport/http2/server-connection.js";
import { bytesMethods } from "./bytes-method.js";
import { serveOptions } from "./connection-server.js";
import { FrameProgram, pieces } from "./frame-program.js";
import { MemorySocket } from "./memory-socket.js";
import { StrictPeer } from "./strict-peer.js";
import type { FuzzTarget } from "./target.js";

/** Within the window that every connection begins with: beyond it, what is allowed depends on what was read when. */
const mostBytes = 60_000;

export const frames: FuzzTarget = {
  name: "frames",
  run(random) {
    const program = new FrameProgram(random, new StrictPeer(false), false);
    const all = [preface, program.opening()];
    for (let count = random.int(30), bytes = 0; count > 0; count--) {
      const next = program.next();
      bytes += next.length;
      if (bytes > mostBytes) break;
      all.push(next);
    }
    const bytes = Buffer.concat(all);
    deepStrictEqual(effectOf(pieces(random, bytes)), effectOf([bytes]));
  },
};

/** What a server that answers every request with itself makes of them, and says. */
function effectOf(parts: readonly Buffer[]): unknown {
  const events: string[] = [];
  const socket = new MemorySocket();
  const peer = new Hearing();
  const accept = (call: IncomingCall, path: string): ServerSink => {
    const name = `call ${events.length}`;
    events.push(`${name}: ${path} ${JSON.stringify([...call.metadata])}`);
    return {
      ...{ method: bytesMethods[1]!, maxReceiveMessageBytes: 20_000, maxSendMessageBytes: 20_000 },
      onStart: () => call.read(1),
      onMessage(message) {
        events.push(`${name}: ${Buffer.from(message as Uint8Array).toString("base64")}`);
        call.send(message);
        call.read(1);
      },
      onHalfClose() {
        events.push(`${name}: half-closed`);
        call.end({ code: Code.OK, details: "", metadata: new Metadata() });
      },
      onWritable() {},
      onCancel: ({ code, details }) => void events.push(`${name}: ${code} ${details}`),
    };
  };
  const connection = new ServerConnection(
    socket.asSocket(),
    serveOptions,
    { accept },
    { onSpeaking() {}, onClosed() {} },
  );
  for (const part of parts) {
    socket.deliver(part);
    if (socket.isEnded) break;
    do {
      connection.output.flush();
      peer.take(socket.take());
    } while (socket.writableLength > 0);
  }
  peer.take(socket.take());
  const hasFailed = socket.isEnded;
  socket.close();
  // What had still to leave when a call or the connection was ended may be more or less.
  const streams = [...peer.streams].map(([id, { fields, isReset, hasEnded, body }]) =>
    hasFailed || isReset ? [id, isReset] : [id, fields, hasEnded, Buffer.concat(body).toString("base64")],
  );
  return { events, hasFailed, said: peer.said, streams: hasFailed ? [] : streams };
}

/** It does not know what was sent, and so cannot tell whether it was answered rightly. */
class Hearing extends StrictPeer {
  constructor() {
    super(false);
    this.isStrict = false;
  }
}
