/** RFC 9113, rule by rule: what a client sends wrong, or in an unusual way, and what our server makes of it. */
import { KindsDesc } from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import { echo } from "../connection/proxied.js";
import { startKinds, stopKinds } from "../runtime/kinds.js";
import { frame, headerBlock, preface } from "../runtime/raw-frames.js";
import * as raw from "./raw-peer.js";

const { ack, continuation, data, endHeaders, endStream, goaway, headers, nothing, ping, priority } = raw;
const { message, paddedFlag, priorityFlag, pushPromise, request, rstStream, settings, settingsOf, uint32 } = raw;
const { windowUpdate } = raw;

const unary = KindsDesc.methods.unary.path;
const clientStream = KindsDesc.methods.clientStream.path;

/** What is sent after the preface and SETTINGS, and what has to come of it. */
type Rule = readonly [rule: string, frames: readonly Buffer[], outcome: string];

const lives = "lives";
const connectionError = (name: string) => `GOAWAY ${name}`;
const streamError = (name: string, streamId = 1) => `RST_STREAM ${streamId} ${name}`;

/** A call that waits for more of its requests. */
const open = request(1, clientStream);
const block = headerBlock(raw.requestFields(unary));
/** A whole call, whose header block is what a rule is about. */
const called = (fields: Buffer) => [frame(headers, endHeaders, 1, fields), frame(data, endStream, 1, message())];
const without = (name: string) => {
  const { [name]: _, ...fields } = raw.requestFields(unary);
  return headerBlock(fields);
};
const also = (fields: { [name: string]: string }) => Buffer.concat([block, headerBlock(fields)]);
/** A call that says how much DATA it has. */
const sized = (contentLength: string, ...frames: Buffer[]) => [
  request(1, clientStream, endHeaders, { "content-length": contentLength }),
  ...frames,
];
const trailers = frame(headers, endHeaders | endStream, 1, headerBlock({ "x-end": "1" }));
const five = frame(data, endStream, 1, message());
const tooLong = 128 * 1024 + 1;

const rules: readonly Rule[] = [
  // Section 4.1: frames of types that nobody knows, flags that mean nothing, and the bit that is reserved, are ignored.
  ["4.1: a frame of an unknown type", [frame(0xbe, 0xff, 0, Buffer.alloc(100))], lives],
  ["4.1: a frame of an unknown type on a stream", [open, frame(0xbe, 0, 1, Buffer.alloc(9))], lives],
  ["4.1: flags that PING does not have", [frame(ping, 0xfe, 0, Buffer.alloc(8))], lives],
  ["4.1: the reserved bit of a stream's number", [frame(ping, 0, 0x8000_0000, Buffer.alloc(8))], lives],
  // Section 4.2
  ["4.2: DATA of the length that is announced", [open, frame(data, 0, 1, message(Buffer.alloc(16_384 - 5)))], lives],
  [
    "4.2: DATA that is too long",
    [open, frame(data, 0, 1, Buffer.alloc(9), tooLong)],
    connectionError("FRAME_SIZE_ERROR"),
  ],
  [
    "4.2: HEADERS that are too long",
    [frame(headers, endHeaders, 1, nothing, tooLong)],
    connectionError("FRAME_SIZE_ERROR"),
  ],
  [
    "4.2: an unknown frame that is too long",
    [frame(0xbe, 0, 0, nothing, 2 ** 24 - 1)],
    connectionError("FRAME_SIZE_ERROR"),
  ],
  // Section 4.3
  [
    "4.3: a block that cannot be decoded",
    [frame(headers, endHeaders | endStream, 1, Buffer.of(0x80))],
    connectionError("COMPRESSION_ERROR"),
  ],
  // RFC 7541: what is wrong in a block, whatever it is, is an error of the connection, whose tables are no longer the same.
  ...(
    [
      ["an index beyond the tables (RFC 7541, 2.3.3)", Buffer.of(0xbe)],
      ["a table that is larger than was announced (RFC 7541, 6.3)", Buffer.of(0x3f, 0xe2, 0x1f)],
      ["a table that is changed behind a field (RFC 7541, 4.2)", Buffer.of(0x82, 0x20)],
      ["an integer without end (RFC 7541, 5.1)", Buffer.alloc(12, 0xff)],
      ["a value that is longer than the block (RFC 7541, 5.2)", Buffer.of(0x40, 1, 0x61, 9, 0x61)],
      ["padding of zeros in Huffman code (RFC 7541, 5.2)", Buffer.of(0x40, 1, 0x61, 0x81, 0x18)],
    ] as const
  ).flatMap(([what, wrong]): Rule[] => [
    [`4.3: ${what}`, [frame(headers, endHeaders, 1, wrong)], connectionError("COMPRESSION_ERROR")],
    [
      `4.3: ${what}, in trailers`,
      [open, frame(headers, endHeaders | endStream, 1, wrong)],
      connectionError("COMPRESSION_ERROR"),
    ],
  ]),
  [
    "4.3: a block that cannot be decoded, of a stream that has ended",
    [
      request(1, clientStream),
      frame(rstStream, 0, 1, uint32(8)),
      frame(headers, endHeaders | endStream, 1, Buffer.of(0xbe)),
    ],
    connectionError("COMPRESSION_ERROR"),
  ],
  [
    "4.3: a block of a stream that is refused counts all the same",
    [
      frame(headers, endHeaders | endStream, 1, Buffer.concat([Buffer.of(0x40), headerBlock({ a: "b" }).subarray(1)])),
      frame(headers, endHeaders | endStream, 3, Buffer.concat([block, Buffer.of(0xbe)])),
    ],
    `${streamError("PROTOCOL_ERROR")}`,
  ],
  [
    "4.3: PING between the frames of a block",
    [frame(headers, 0, 1, block), frame(ping, 0, 0, Buffer.alloc(8))],
    connectionError("PROTOCOL_ERROR"),
  ],
  [
    "4.3: an unknown frame between the frames of a block",
    [frame(headers, 0, 1, block), frame(0xbe, 0, 1, nothing)],
    connectionError("PROTOCOL_ERROR"),
  ],
  [
    "4.3: HEADERS of another stream between the frames of a block",
    [frame(headers, 0, 1, block), frame(headers, endHeaders, 3, block)],
    connectionError("PROTOCOL_ERROR"),
  ],
  // Section 5.1.1
  ["5.1.1: a stream of an even number", [frame(headers, endHeaders, 2, block)], connectionError("PROTOCOL_ERROR")],
  [
    "5.1.1: a number that is less than the last",
    [request(5, clientStream), frame(headers, endHeaders, 3, block)],
    connectionError("STREAM_CLOSED"),
  ],
  ["5.1.1: numbers with gaps", [request(7, clientStream), request(101, clientStream)], lives],
  ["5.1.1: DATA on a stream of an even number", [frame(data, 0, 2, message())], connectionError("PROTOCOL_ERROR")],
  // Section 5.3.2: PRIORITY is read, and nothing comes of it.
  ["5.3.2: PRIORITY that depends on itself", [frame(priority, 0, 9, Buffer.concat([uint32(9), Buffer.of(1)]))], lives],
  [
    "5.3.2: HEADERS with PRIORITY in them",
    [frame(headers, endHeaders | priorityFlag, 1, Buffer.concat([Buffer.alloc(5), block]))],
    lives,
  ],
  // Section 6.1
  ["6.1: DATA on stream 0", [frame(data, 0, 0, message())], connectionError("PROTOCOL_ERROR")],
  ["6.1: DATA with padding", [open, frame(data, paddedFlag, 1, padded(message(), 7))], lives],
  ["6.1: DATA that is all padding", [open, frame(data, paddedFlag, 1, padded(nothing, 200))], lives],
  [
    "6.1: DATA with as much padding as bytes",
    [open, frame(data, paddedFlag, 1, Buffer.concat([Buffer.of(6), message()]))],
    connectionError("PROTOCOL_ERROR"),
  ],
  [
    "6.1: DATA with PADDED, and no byte that says how much",
    [open, frame(data, paddedFlag, 1, nothing)],
    connectionError("FRAME_SIZE_ERROR"),
  ],
  // Section 6.2
  ["6.2: HEADERS on stream 0", [frame(headers, endHeaders, 0, block)], connectionError("PROTOCOL_ERROR")],
  ["6.2: HEADERS with padding", [frame(headers, endHeaders | paddedFlag, 1, padded(block, 9))], lives],
  [
    "6.2: HEADERS with padding and PRIORITY",
    [frame(headers, endHeaders | paddedFlag | priorityFlag, 1, padded(Buffer.concat([Buffer.alloc(5), block]), 255))],
    lives,
  ],
  [
    "6.2: HEADERS with more padding than bytes",
    [frame(headers, endHeaders | paddedFlag, 1, Buffer.of(9, 0x82))],
    connectionError("PROTOCOL_ERROR"),
  ],
  [
    "6.2: HEADERS with PADDED, and no byte that says how much",
    [frame(headers, endHeaders | paddedFlag, 1, nothing)],
    connectionError("FRAME_SIZE_ERROR"),
  ],
  [
    "6.2: HEADERS that are too short for their PRIORITY",
    [frame(headers, endHeaders | priorityFlag, 1, Buffer.alloc(4))],
    connectionError("FRAME_SIZE_ERROR"),
  ],
  // Section 6.3
  ["6.3: PRIORITY on stream 0", [frame(priority, 0, 0, Buffer.alloc(5))], connectionError("PROTOCOL_ERROR")],
  ["6.3: PRIORITY of 4 bytes", [open, frame(priority, 0, 1, Buffer.alloc(4))], streamError("FRAME_SIZE_ERROR")],
  [
    "6.3: PRIORITY of 4 bytes, on a stream that is none yet and cannot be reset",
    [frame(priority, 0, 1, Buffer.alloc(4))],
    connectionError("FRAME_SIZE_ERROR"),
  ],
  // Section 6.4
  ["6.4: RST_STREAM on stream 0", [frame(rstStream, 0, 0, uint32(8))], connectionError("PROTOCOL_ERROR")],
  ["6.4: RST_STREAM of 3 bytes", [open, frame(rstStream, 0, 1, Buffer.alloc(3))], connectionError("FRAME_SIZE_ERROR")],
  ["6.4: RST_STREAM of 5 bytes", [open, frame(rstStream, 0, 1, Buffer.alloc(5))], connectionError("FRAME_SIZE_ERROR")],
  ["6.4: RST_STREAM with an error that nobody knows", [open, frame(rstStream, 0, 1, uint32(0xbeef))], lives],
  // Section 6.5
  ["6.5: SETTINGS on a stream", [frame(settings, 0, 1, nothing)], connectionError("PROTOCOL_ERROR")],
  ["6.5: SETTINGS of 5 bytes", [frame(settings, 0, 0, Buffer.alloc(5))], connectionError("FRAME_SIZE_ERROR")],
  [
    "6.5: an acknowledgement with bytes",
    [frame(settings, ack, 0, settingsOf([4, 1]))],
    connectionError("FRAME_SIZE_ERROR"),
  ],
  [
    "6.5: more acknowledgements than there were SETTINGS",
    [frame(settings, ack, 0, nothing), frame(settings, ack, 0, nothing)],
    connectionError("PROTOCOL_ERROR"),
  ],
  ["6.5.2: ENABLE_PUSH of 2", [frame(settings, 0, 0, settingsOf([2, 2]))], connectionError("PROTOCOL_ERROR")],
  ["6.5.2: ENABLE_PUSH of 1, which servers need not heed", [frame(settings, 0, 0, settingsOf([2, 1]))], lives],
  [
    "6.5.2: INITIAL_WINDOW_SIZE over 2^31-1",
    [frame(settings, 0, 0, settingsOf([4, 2 ** 31]))],
    connectionError("FLOW_CONTROL_ERROR"),
  ],
  [
    "6.5.2: MAX_FRAME_SIZE under 16,384",
    [frame(settings, 0, 0, settingsOf([5, 16_383]))],
    connectionError("PROTOCOL_ERROR"),
  ],
  [
    "6.5.2: MAX_FRAME_SIZE over 2^24-1",
    [frame(settings, 0, 0, settingsOf([5, 2 ** 24]))],
    connectionError("PROTOCOL_ERROR"),
  ],
  ["6.5.2: a setting that nobody knows", [frame(settings, 0, 0, settingsOf([0xbe, 2 ** 32 - 1]))], lives],
  ["6.5.2: the same setting twice", [frame(settings, 0, 0, settingsOf([3, 1], [3, 100]))], lives],
  // Section 6.6
  [
    "6.6: PUSH_PROMISE of a client",
    [open, frame(pushPromise, endHeaders, 1, Buffer.concat([uint32(2), block]))],
    connectionError("PROTOCOL_ERROR"),
  ],
  // Section 6.7
  ["6.7: PING on a stream", [open, frame(ping, 0, 1, Buffer.alloc(8))], connectionError("PROTOCOL_ERROR")],
  ["6.7: PING of 7 bytes", [frame(ping, 0, 0, Buffer.alloc(7))], connectionError("FRAME_SIZE_ERROR")],
  ["6.7: an answer to no ping", [frame(ping, ack, 0, Buffer.alloc(8))], lives],
  // Section 6.8
  ["6.8: GOAWAY on a stream", [frame(goaway, 0, 1, uint32(0, 0))], connectionError("PROTOCOL_ERROR")],
  ["6.8: GOAWAY of 7 bytes", [frame(goaway, 0, 0, Buffer.alloc(7))], connectionError("FRAME_SIZE_ERROR")],
  [
    "6.8: GOAWAY of a client, with an error and a text",
    [open, frame(goaway, 0, 0, Buffer.concat([uint32(0, 2), Buffer.from("bye")]))],
    lives,
  ],
  // Section 6.9
  ["6.9: WINDOW_UPDATE of 3 bytes", [frame(windowUpdate, 0, 0, Buffer.alloc(3))], connectionError("FRAME_SIZE_ERROR")],
  ["6.9: WINDOW_UPDATE by 0", [frame(windowUpdate, 0, 0, uint32(0))], connectionError("PROTOCOL_ERROR")],
  ["6.9: WINDOW_UPDATE of a stream by 0", [open, frame(windowUpdate, 0, 1, uint32(0))], streamError("PROTOCOL_ERROR")],
  ["6.9: the reserved bit of WINDOW_UPDATE", [frame(windowUpdate, 0, 0, uint32(0x8000_0001))], lives],
  [
    "6.9.1: a window of over 2^31-1",
    [frame(windowUpdate, 0, 0, uint32(2 ** 31 - 1))],
    connectionError("FLOW_CONTROL_ERROR"),
  ],
  ["6.9.1: a window of 2^31-1", [frame(windowUpdate, 0, 0, uint32(2 ** 31 - 1 - 65_535))], lives],
  [
    "6.9.1: a stream's window of over 2^31-1",
    [open, frame(windowUpdate, 0, 1, uint32(2 ** 31 - 1))],
    streamError("FLOW_CONTROL_ERROR"),
  ],
  [
    "6.9.2: INITIAL_WINDOW_SIZE that makes a stream's window too large",
    [open, frame(windowUpdate, 0, 1, uint32(1)), frame(settings, 0, 0, settingsOf([4, 2 ** 31 - 1]))],
    connectionError("FLOW_CONTROL_ERROR"),
  ],
  [
    "6.9: WINDOW_UPDATE of a stream, of 5 bytes",
    [open, frame(windowUpdate, 0, 1, Buffer.alloc(5))],
    connectionError("FRAME_SIZE_ERROR"),
  ],
  // Section 6.10
  [
    "6.10: a block in three frames",
    [
      frame(headers, 0, 1, block.subarray(0, 10)),
      frame(continuation, 0, 1, block.subarray(10, 20)),
      frame(continuation, endHeaders, 1, block.subarray(20)),
    ],
    lives,
  ],
  ["6.10: CONTINUATION of nothing", [frame(continuation, endHeaders, 1, block)], connectionError("PROTOCOL_ERROR")],
  [
    "6.10: CONTINUATION behind the end of a block",
    [frame(headers, endHeaders, 1, block), frame(continuation, endHeaders, 1, block)],
    connectionError("PROTOCOL_ERROR"),
  ],
  [
    "6.10: CONTINUATION of another stream",
    [frame(headers, 0, 1, block), frame(continuation, endHeaders, 3, block)],
    connectionError("PROTOCOL_ERROR"),
  ],
  [
    "6.10: CONTINUATION on stream 0",
    [frame(headers, 0, 1, block), frame(continuation, endHeaders, 0, block)],
    connectionError("PROTOCOL_ERROR"),
  ],
  // Section 8.1
  [
    "8.1: a second HEADERS that does not end the stream",
    [open, request(1, clientStream)],
    streamError("PROTOCOL_ERROR"),
  ],
  ["8.1: trailers", [open, frame(data, 0, 1, message()), trailers], lives],
  [
    "8.1: trailers with a pseudo-header field",
    [open, frame(headers, endHeaders | endStream, 1, headerBlock({ ":path": "/" }))],
    streamError("PROTOCOL_ERROR"),
  ],
  [
    "8.1: trailers with a name in capitals",
    [open, frame(headers, endHeaders | endStream, 1, headerBlock({ "X-End": "1" }))],
    streamError("PROTOCOL_ERROR"),
  ],
  // Section 8.1.1
  ["8.1.1: content-length", sized("5", five), lives],
  ["8.1.1: content-length of what comes in two frames", sized("10", frame(data, 0, 1, message()), five), lives],
  ["8.1.1: content-length, before trailers", sized("5", frame(data, 0, 1, message()), trailers), lives],
  [
    "8.1.1: content-length, without padding",
    sized("5", frame(data, paddedFlag | endStream, 1, padded(message(), 9))),
    lives,
  ],
  ["8.1.1: content-length with zeros before it", sized("0005", five), lives],
  [
    "8.1.1: content-length twice",
    called(Buffer.concat([also({ "content-length": "5" }), headerBlock({ "content-length": "5" })])),
    lives,
  ],
  [
    "8.1.1: content-length twice, each time another",
    called(Buffer.concat([also({ "content-length": "5" }), headerBlock({ "content-length": "6" })])),
    streamError("PROTOCOL_ERROR"),
  ],
  ["8.1.1: content-length of no DATA", [request(1, unary, endHeaders | endStream, { "content-length": "0" })], lives],
  [
    "8.1.1: content-length, and no DATA",
    [request(1, unary, endHeaders | endStream, { "content-length": "5" })],
    streamError("PROTOCOL_ERROR"),
  ],
  ["8.1.1: less than content-length", sized("6", five), streamError("PROTOCOL_ERROR")],
  [
    "8.1.1: less than content-length, before trailers",
    sized("6", frame(data, 0, 1, message()), trailers),
    streamError("PROTOCOL_ERROR"),
  ],
  ["8.1.1: more than content-length", sized("4", five), streamError("PROTOCOL_ERROR")],
  [
    "8.1.1: more than content-length, before the end",
    sized("9", frame(data, 0, 1, message()), frame(data, 0, 1, message())),
    streamError("PROTOCOL_ERROR"),
  ],
  [
    "8.1.1: content-length that padding makes up for",
    sized("10", frame(data, paddedFlag | endStream, 1, padded(message(), 4))),
    streamError("PROTOCOL_ERROR"),
  ],
  ...["five", "-5", "5.0", "0x5", "5, 5", "", "9".repeat(400)].map((value): Rule => {
    const what = value.length > 9 ? "of 400 digits" : JSON.stringify(value);
    return [`8.1.1: content-length ${what}`, sized(value, five), streamError("PROTOCOL_ERROR")];
  }),
  [
    "8.1.1: content-length in trailers, where it means nothing",
    [
      open,
      frame(data, 0, 1, message()),
      frame(headers, endHeaders | endStream, 1, headerBlock({ "content-length": "9" })),
    ],
    lives,
  ],
  // Section 8.2
  ["8.2.1: a name in capitals", called(also({ "X-Loud": "1" })), streamError("PROTOCOL_ERROR")],
  ["8.2.1: a name with a space", called(also({ "a b": "1" })), streamError("PROTOCOL_ERROR")],
  ["8.2.1: a name with a colon in it", called(also({ "a:b": "1" })), streamError("PROTOCOL_ERROR")],
  ["8.2.1: an empty name", called(also({ "": "1" })), streamError("PROTOCOL_ERROR")],
  ["8.2.1: a name of bytes over 127", called(also({ "caf\u00e9": "1" })), streamError("PROTOCOL_ERROR")],
  ["8.2.1: a value with a line feed", called(also({ "x-a": "a\nb" })), streamError("PROTOCOL_ERROR")],
  ["8.2.1: a value with a carriage return", called(also({ "x-a": "a\rb" })), streamError("PROTOCOL_ERROR")],
  ["8.2.1: a value with NUL", called(also({ "x-a": "a\0b" })), streamError("PROTOCOL_ERROR")],
  ["8.2.1: a value that begins with a space", called(also({ "x-a": " a" })), streamError("PROTOCOL_ERROR")],
  ["8.2.1: a value that ends with a tab", called(also({ "x-a": "a\t" })), streamError("PROTOCOL_ERROR")],
  ["8.2.2: connection", called(also({ connection: "keep-alive" })), streamError("PROTOCOL_ERROR")],
  ["8.2.2: keep-alive", called(also({ "keep-alive": "5" })), streamError("PROTOCOL_ERROR")],
  ["8.2.2: proxy-connection", called(also({ "proxy-connection": "close" })), streamError("PROTOCOL_ERROR")],
  ["8.2.2: transfer-encoding", called(also({ "transfer-encoding": "chunked" })), streamError("PROTOCOL_ERROR")],
  ["8.2.2: upgrade", called(also({ upgrade: "h2c" })), streamError("PROTOCOL_ERROR")],
  ["8.2.2: te other than trailers", called(also({ te: "gzip" })), streamError("PROTOCOL_ERROR")],
  // Section 8.3
  ["8.3: a pseudo-header field that nobody knows", called(also({ ":test": "1" })), streamError("PROTOCOL_ERROR")],
  ["8.3: :status in a request", called(also({ ":status": "200" })), streamError("PROTOCOL_ERROR")],
  [
    "8.3: a pseudo-header field behind others",
    called(Buffer.concat([headerBlock({ "x-a": "1" }), block])),
    streamError("PROTOCOL_ERROR"),
  ],
  ["8.3.1: no :method", called(without(":method")), streamError("PROTOCOL_ERROR")],
  ["8.3.1: no :scheme", called(without(":scheme")), streamError("PROTOCOL_ERROR")],
  ["8.3.1: no :path", called(without(":path")), streamError("PROTOCOL_ERROR")],
  [
    "8.3.1: an empty :path",
    called(headerBlock({ ...raw.requestFields(unary), ":path": "" })),
    streamError("PROTOCOL_ERROR"),
  ],
  ["8.3.1: no :authority", called(without(":authority")), lives],
  ...[":method", ":scheme", ":path", ":authority"].map((name): Rule => {
    const again = Buffer.concat([headerBlock({ [name]: raw.requestFields(unary)[name]! }), block]);
    return [`8.3.1: ${name} twice`, called(again), streamError("PROTOCOL_ERROR")];
  }),
];

function padded(bytes: Uint8Array, padding: number): Buffer {
  return Buffer.concat([Buffer.of(padding), bytes, Buffer.alloc(padding)]);
}

afterEach(stopKinds);

const start = async () => {
  const kinds = await startKinds("http2", echo);
  return { ...kinds, port: Number(kinds.address.split(":").at(-1)) };
};

test.each(rules)("%s", async (_rule, frames, expected) => {
  const { port, server } = await start();
  const peer = raw.RawPeer.toServer(port);
  peer.write(...frames);
  if (expected.startsWith("GOAWAY")) {
    expect(await peer.end()).toBe(expected);
  } else {
    expect(await peer.outcome()).toBe(expected);
    expect(await peer.call(201, unary)).toBe("0");
    await peer.close();
  }
  await expect(emptied(server)).resolves.toBe(0);
});

/** How many calls are left when the last connection is gone. */
async function emptied(server: Awaited<ReturnType<typeof start>>["server"]): Promise<number> {
  while (server.stats().openConnections > 0) await new Promise(setImmediate);
  return server.stats().services[0]!.methods.reduce((sum, { inFlight }) => sum + inFlight, 0);
}

describe("3.4: a client begins with", () => {
  test.each([
    ["HTTP/1.1", Buffer.from("GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")],
    ["the preface with another last byte", Buffer.concat([preface.subarray(0, 23), Buffer.of(0)])],
    ["frames", raw.emptySettings],
    ["a preface, and another frame than SETTINGS", Buffer.concat([preface, frame(ping, 0, 0, Buffer.alloc(8))])],
  ])("%s, which is wrong", async (_what, opening) => {
    const { port } = await start();
    expect(await raw.RawPeer.toServer(port, opening).end()).toBe("GOAWAY PROTOCOL_ERROR");
  });

  test("an acknowledgement before its own SETTINGS, which is wrong", async () => {
    const { port } = await start();
    const peer = raw.RawPeer.toServer(port, Buffer.concat([preface, frame(settings, ack, 0, nothing)]));
    expect(await peer.end()).toBe("GOAWAY PROTOCOL_ERROR");
  });

  test("the preface a byte at a time, with a call behind it", async () => {
    const { port } = await start();
    const peer = raw.RawPeer.toServer(port, nothing);
    const bytes = Buffer.concat([preface, raw.emptySettings, request(1, unary), frame(data, endStream, 1, message())]);
    for (const byte of bytes) {
      await new Promise<void>((resolve) => peer.socket.write(Buffer.of(byte), () => resolve()));
    }
    expect(await peer.status(1)).toBe("0");
    await peer.close();
  });
});

test("3.4, 6.5: the server's SETTINGS come first, and the client's are acknowledged before what it asks for", async () => {
  const { port } = await start();
  const peer = raw.RawPeer.toServer(port);
  expect(await peer.call(1, unary)).toBe("0");
  const types = peer.frames.map(({ type, flags }) => [type, flags]);
  expect(types[0]).toEqual([settings, 0]);
  const isAcknowledged = ([type, flags]: number[]) => type === settings && flags === ack;
  expect(types.findIndex(isAcknowledged)).toBeGreaterThan(0);
  expect(types.findIndex(isAcknowledged)).toBeLessThan(types.findIndex(([type]) => type === headers));
  await peer.close();
});

test("6.7: a PING is answered with its bytes", async () => {
  const { port } = await start();
  const peer = raw.RawPeer.toServer(port);
  const bytes = Buffer.from("anything");
  peer.write(frame(ping, 0, 0, bytes));
  expect((await peer.first(({ type, flags }) => type === ping && flags === ack))!.payload).toEqual(bytes);
  await peer.close();
});

test("6.7: an answer to a ping is not answered", async () => {
  const { port } = await start();
  const peer = raw.RawPeer.toServer(port);
  peer.write(frame(ping, ack, 0, Buffer.from("no reply")));
  await peer.settled();
  const answers = peer.frames.filter(({ type, flags }) => type === ping && flags === ack);
  expect(answers.map(({ payload }) => payload.toString())).not.toContain("no reply");
  expect(answers).toHaveLength(1);
  await peer.close();
});

describe("6.9: the window of the connection is given back for", () => {
  const rows: readonly (readonly [what: string, bytes: Buffer])[] = [
    ["DATA of a stream that is over", Buffer.concat([1, 2, 3].map(() => frame(data, 0, 1, Buffer.alloc(16_000))))],
    ["padding", Buffer.concat(Array.from({ length: 160 }, () => frame(data, paddedFlag, 3, padded(nothing, 255))))],
  ];

  test.each(rows)("%s", async (_what, bytes) => {
    const { port } = await start();
    const peer = raw.RawPeer.toServer(port);
    // Of stream 1 the server wants no more once it has answered; stream 3 is open.
    peer.write(request(1, "/kinds.v1.Kinds/None"), request(3, clientStream));
    expect(await peer.status(1)).toBe("12");
    const given = () =>
      peer.frames
        .filter(({ type, streamId }) => type === windowUpdate && streamId === 0)
        .reduce((sum, { payload }) => sum + payload.readUInt32BE(0), 0);
    const before = given();
    peer.write(bytes);
    expect(await peer.outcome()).toBe("RST_STREAM 1 NO_ERROR");
    // More than half of it was used up: that is not kept back.
    expect(given() - before).toBeGreaterThan(32_767);
    await peer.close();
  });
});

describe("6.9: what the server sends", () => {
  /** Of a stream: how long its DATA frames were. */
  const lengths = (peer: raw.RawPeer, streamId: number) =>
    peer.frames.filter((one) => one.type === data && one.streamId === streamId).map(({ payload }) => payload.length);
  /** A call whose answer is as long as its request: 6 bytes of tag and length, and its text. */
  const text = (bytes: number) => message(Buffer.concat([Buffer.of(0x0a, bytes), Buffer.alloc(bytes, "x")]));

  test("keeps to the window of a stream, which begins with nothing", async () => {
    const { port } = await start();
    const opening = Buffer.concat([preface, frame(settings, 0, 0, settingsOf([4, 0]))]);
    const peer = raw.RawPeer.toServer(port, opening);
    peer.write(request(1, unary), frame(data, endStream, 1, text(20)));
    await peer.first(({ type, streamId }) => type === headers && streamId === 1);
    await peer.settled();
    expect(lengths(peer, 1)).toEqual([]);
    peer.write(frame(windowUpdate, 0, 1, uint32(1)));
    await peer.settled();
    expect(lengths(peer, 1)).toEqual([1]);
    // A window that is moved below zero: nothing leaves before it is above that again.
    peer.write(frame(windowUpdate, 0, 1, uint32(2)), frame(settings, 0, 0, settingsOf([4, 10])));
    await peer.settled();
    expect(lengths(peer, 1)).toEqual([1, 2, 10]);
    peer.write(frame(settings, 0, 0, settingsOf([4, 0])), frame(windowUpdate, 0, 1, uint32(10)));
    await peer.settled();
    expect(lengths(peer, 1)).toEqual([1, 2, 10]);
    peer.write(frame(windowUpdate, 0, 1, uint32(5)));
    await peer.settled();
    expect(lengths(peer, 1)).toEqual([1, 2, 10, 5]);
    peer.write(frame(windowUpdate, 0, 1, uint32(1000)));
    expect(await peer.status(1)).toBe("0");
    expect(lengths(peer, 1).reduce((sum, length) => sum + length, 0)).toBe(5 + 2 + 20);
    await peer.close();
  });

  test("keeps to the window of the connection, and to the length of frames", async () => {
    const long = new Uint8Array(100_000);
    const { port } = await startLong(long);
    const opening = Buffer.concat([preface, frame(settings, 0, 0, settingsOf([4, 2 ** 31 - 1]))]);
    const peer = raw.RawPeer.toServer(port, opening);
    peer.write(request(1, unary), frame(data, endStream, 1, message()));
    const sum = () => lengths(peer, 1).reduce((all, length) => all + length, 0);
    while (sum() < 65_535) await peer.settled();
    await peer.settled();
    expect(sum()).toBe(65_535);
    expect(Math.max(...lengths(peer, 1))).toBeLessThanOrEqual(16_384);
    peer.write(frame(windowUpdate, 0, 0, uint32(1_000_000)));
    expect(await peer.status(1)).toBe("0");
    expect(sum()).toBeGreaterThan(long.length);
    await peer.close();
  });

  const startLong = async (bytes: Uint8Array) => {
    const { address } = await startKinds("http2", { unary: () => ({ text: Buffer.from(bytes).toString("latin1") }) });
    return { port: Number(address.split(":").at(-1)) };
  };
});

test("6.8: a server that shuts down says so twice, takes what comes between, and ignores what comes after", async () => {
  const { port, server } = await start();
  const peer = raw.RawPeer.toServer(port);
  peer.write(request(1, clientStream));
  await peer.settled();
  const answered = peer.frames.length;
  const down = server.shutdown({ graceMs: 10_000 });
  // The connection has acknowledged the ping in between: the first GOAWAY takes all, the second none that is new.
  await peer.first((one) => one.type === goaway && one.payload.readUInt32BE(0) !== 2 ** 31 - 1);
  const goaways = peer.frames.slice(answered).filter(({ type }) => type === goaway);
  expect(goaways.map(({ payload }) => [payload.readUInt32BE(0), payload.readUInt32BE(4)])).toEqual([
    [2 ** 31 - 1, 0],
    [1, 0],
  ]);
  // A call past it, with its message: it may be made elsewhere, and the other call of the connection ends well.
  peer.write(request(3, unary), frame(data, endStream, 3, message()));
  await peer.settled();
  peer.write(frame(data, endStream, 1, message()));
  expect(await peer.status(1)).toBe("0");
  expect(peer.complaints).toEqual(["GOAWAY NO_ERROR", "GOAWAY NO_ERROR", "RST_STREAM 3 REFUSED_STREAM"]);
  await expect(down).resolves.toMatchObject({ cutCalls: 0 });
  await peer.closed;
});
