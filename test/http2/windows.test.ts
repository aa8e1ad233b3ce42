/** How much a peer may send: windows that grow with the network, are shared by streams, and let long messages come whole. */
import { KindsDesc } from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import { event, type Kinds, startKinds, stopKinds } from "../runtime/kinds.js";
import { frame } from "../runtime/raw-frames.js";
import {
  ack,
  data,
  endStream,
  type Frame,
  message,
  ping,
  RawPeer,
  request,
  settings,
  windowUpdate,
} from "./raw-peer.js";

const { clientStream } = KindsDesc.methods;
const initialWindowSize = 4;

let kinds: Kinds;
let peer: RawPeer;
afterEach(async () => {
  await peer.close();
  await stopKinds();
});

/** @param begins when the requests are read */
async function connect(begins: Promise<void> = Promise.resolve()): Promise<void> {
  kinds = await startKinds("http2", {
    async clientStream(requests) {
      let number = 0n;
      await begins;
      for await (const _ of requests) number++;
      return { number };
    },
  });
  peer = RawPeer.toServer(Number(kinds.address.split(":")[1]));
}

/** A message of so many bytes in all, as it travels. */
function messageOf(bytes: number): Buffer {
  const without = message(clientStream.request.encode({ data: new Uint8Array(bytes) }));
  return message(clientStream.request.encode({ data: new Uint8Array(2 * bytes - without.length) }));
}

/** In frames of 16 KiB. */
function framesOf(streamId: number, bytes: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += 16_384)
    parts.push(frame(data, 0, streamId, bytes.subarray(at, at + 16_384)));
  return Buffer.concat(parts);
}

const windowOf =
  (streamId: number, least = 1) =>
  (one: Frame): boolean =>
    one.type === windowUpdate && one.streamId === streamId && one.payload.readUInt32BE() >= least;

/** A SETTINGS_INITIAL_WINDOW_SIZE that was announced. */
function announced({ type, flags, payload }: Frame): number | undefined {
  if (type !== settings || flags === ack) return undefined;
  for (let at = 0; at < payload.length; at += 6) {
    if (payload.readUInt16BE(at) === initialWindowSize) return payload.readUInt32BE(at + 2);
  }
  return undefined;
}

test("what fills a window within a round trip makes it grow, of the connection and of streams", async () => {
  await connect();
  await peer.settled();
  peer.acknowledges = false;
  const long = messageOf(16_384);
  peer.write(request(1, clientStream.path), framesOf(1, Buffer.concat([long, long, long])));
  const measuring = await peer.first(({ type, flags }) => type === ping && flags === 0);
  // On its way while the answer is.
  for (const streamId of [3, 5, 7]) peer.write(request(streamId, clientStream.path), framesOf(streamId, long));
  peer.write(frame(ping, ack, 0, measuring!.payload));
  expect(await peer.first(windowOf(0, 65_535))).toBeDefined();
  const grown = await peer.first((one) => (announced(one) ?? 0) > 65_535);
  expect(announced(grown!)).toBe(2 * 65_535);
});

test("what is slow to fill it does not", async () => {
  await connect();
  const long = messageOf(16_384);
  peer.write(request(1, clientStream.path));
  for (let i = 0; i < 20; i++) {
    peer.write(framesOf(1, long));
    await peer.settled();
  }
  expect(peer.frames.filter((one) => announced(one) !== undefined)).toEqual([]);
});

test("streams share what may be kept: from the seventeenth on each has less", async () => {
  await connect();
  for (let i = 0; i < 16; i++) peer.write(request(1 + 2 * i, clientStream.path));
  await peer.settled();
  expect(peer.frames.some((one) => announced(one) !== undefined)).toBe(false);
  peer.write(request(33, clientStream.path));
  expect(announced((await peer.first((one) => announced(one) !== undefined))!)).toBe(32 * 1024);
});

test("a message that is longer than its stream's window may come whole; a second one waits for its turn", async () => {
  await connect();
  const long = messageOf(400 * 1024);
  const first = long.subarray(0, 60_000);
  peer.write(request(1, clientStream.path), request(3, clientStream.path));
  peer.write(framesOf(1, first));
  expect(await peer.first(windowOf(1, long.length - 65_535))).toBeDefined();
  peer.write(frame(data, 0, 3, first.subarray(0, 5000)));
  await peer.settled();
  expect(peer.frames.some(windowOf(3))).toBe(false);
  peer.write(framesOf(1, long.subarray(60_000)));
  expect(await peer.first(windowOf(3, long.length - 65_535))).toBeDefined();
  expect(peer.complaints).toEqual([]);
});

describe("what a stream is allowed for a long message", () => {
  /** Bytes, all WINDOW_UPDATE of the stream together. */
  const allowed = (streamId: number) =>
    peer.frames.filter(windowOf(streamId)).reduce((sum, { payload }) => sum + payload.readUInt32BE(), 0);

  test("is the message and no more, where its first frame is still under way", async () => {
    await connect();
    const long = messageOf(200_000);
    const first = frame(data, 0, 1, long.subarray(0, 60_000));
    // So much of the frame has come that the message has begun.
    const half = 30_000;
    await peer.settled();
    // Nothing may be in the midst of a frame.
    peer.acknowledges = false;
    peer.write(request(1, clientStream.path), first.subarray(0, half));
    await peer.first(windowOf(1));
    peer.write(first.subarray(half));
    await peer.settled();
    expect(allowed(1)).toBe(long.length - 65_535);
    peer.write(framesOf(1, long.subarray(60_000)));
    await peer.settled();
    expect(peer.complaints).toEqual([]);
  });

  test("is the message and no more, where part of it has waited for its reader", async () => {
    const begins = event();
    await connect(begins.happened);
    const [short, long] = [messageOf(1000), messageOf(200_000)];
    const all = Buffer.concat([short, short, short, long]);
    await peer.settled();
    peer.write(request(1, clientStream.path), framesOf(1, all.subarray(0, 50_000)));
    await peer.settled();
    expect(allowed(1)).toBe(0);
    begins.happen();
    await peer.first(windowOf(1));
    await peer.settled();
    expect(allowed(1)).toBe(all.length - 65_535);
    peer.write(framesOf(1, all.subarray(50_000)), frame(data, endStream, 1, Buffer.alloc(0)));
    expect(await peer.status(1)).toBe("0");
  });
});
