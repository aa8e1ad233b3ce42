/** RFC 9113, rule by rule: what a server sends wrong, or in an unusual way, and what our client makes of it. */
import { Code, dial } from "@trunkline/runtime";
import { kindsClient } from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import { frame, headerBlock } from "../runtime/raw-frames.js";
import * as raw from "./raw-peer.js";

const { ack, continuation, data, endHeaders, endStream, goaway, headers, message, nothing, paddedFlag, ping } = raw;
const { priority, priorityFlag, pushPromise, rstStream, settings, settingsOf, uint32, windowUpdate } = raw;

/** What a server sends while a call, of stream 1, waits for its answer; what comes of the connection and of the call. */
type Rule = readonly [rule: string, frames: readonly Buffer[], outcome: string, code: Code];

const lives = "lives";
const connectionError = (name: string) => `GOAWAY ${name}`;
const streamError = (name: string) => `RST_STREAM 1 ${name}`;
const lost = Code.UNAVAILABLE;

const start = { ":status": "200", "content-type": "application/grpc" };
const listOf = (fields: { [name: string]: string }, flags = 0) =>
  frame(headers, endHeaders | flags, 1, headerBlock(fields));
const begun = listOf(start);
const end = listOf({ "grpc-status": "0" }, endStream);
const rest = Buffer.concat([frame(data, 0, 1, message()), end]);
const sized = (contentLength: string) => listOf({ ...start, "content-length": contentLength });
const paddedMessage = frame(data, paddedFlag, 1, Buffer.concat([Buffer.of(3), message(), Buffer.alloc(3)]));
const answered = Buffer.concat([begun, rest]);

const rules: readonly Rule[] = [
  ["4.1: a frame of an unknown type", [begun, frame(0xbe, 0xff, 1, Buffer.alloc(100)), rest], lives, Code.OK],
  [
    "4.1: the reserved bit of a stream's number",
    [frame(headers, endHeaders, 0x8000_0001, headerBlock(start)), rest],
    lives,
    Code.OK,
  ],
  ["4.1: flags that PING does not have", [frame(ping, 0xfe, 0, Buffer.alloc(8)), answered], lives, Code.OK],
  [
    "4.2: HEADERS that are too long",
    [frame(headers, endHeaders, 1, nothing, 128 * 1024 + 1)],
    connectionError("FRAME_SIZE_ERROR"),
    lost,
  ],
  [
    "4.2: an unknown frame that is too long",
    [frame(0xbe, 0, 0, nothing, 2 ** 24 - 1)],
    connectionError("FRAME_SIZE_ERROR"),
    lost,
  ],
  [
    "4.2: a frame that is too long",
    [frame(data, 0, 1, nothing, 128 * 1024 + 1)],
    connectionError("FRAME_SIZE_ERROR"),
    lost,
  ],
  [
    "4.3: a block that cannot be decoded",
    [frame(headers, endHeaders, 1, Buffer.of(0x80))],
    connectionError("COMPRESSION_ERROR"),
    lost,
  ],
  // RFC 7541: what is wrong in a block, whatever it is, is an error of the connection, whose tables are no longer the same.
  ...(
    [
      ["an index beyond the tables (RFC 7541, 2.3.3)", Buffer.of(0xbe)],
      ["a table that is larger than was announced (RFC 7541, 6.3)", Buffer.of(0x3f, 0xe2, 0x1f)],
      ["a table that is changed behind a field (RFC 7541, 4.2)", Buffer.of(0x88, 0x20)],
      ["an integer without end (RFC 7541, 5.1)", Buffer.alloc(12, 0xff)],
      ["a value that is longer than the block (RFC 7541, 5.2)", Buffer.of(0x40, 1, 0x61, 9, 0x61)],
      ["padding of zeros in Huffman code (RFC 7541, 5.2)", Buffer.of(0x40, 1, 0x61, 0x81, 0x18)],
    ] as const
  ).map(
    ([what, block]): Rule => [
      `4.3: ${what}`,
      [frame(headers, endHeaders, 1, block)],
      connectionError("COMPRESSION_ERROR"),
      lost,
    ],
  ),
  [
    "4.3: an unknown frame within a block",
    [frame(headers, 0, 1, headerBlock(start)), frame(0xbe, 0, 1, nothing)],
    connectionError("PROTOCOL_ERROR"),
    lost,
  ],
  [
    "4.3: HEADERS of another stream within a block",
    [frame(headers, 0, 1, headerBlock(start)), frame(headers, endHeaders, 3, headerBlock(start))],
    connectionError("PROTOCOL_ERROR"),
    lost,
  ],
  [
    "4.3: a block of a stream that has ended counts all the same",
    [
      answered,
      frame(
        headers,
        endHeaders | endStream,
        1,
        Buffer.concat([Buffer.of(0x40), headerBlock({ "x-a": "b" }).subarray(1)]),
      ),
    ],
    lives,
    Code.OK,
  ],
  [
    "4.3: a frame within a block",
    [frame(headers, 0, 1, headerBlock(start)), frame(ping, 0, 0, Buffer.alloc(8))],
    connectionError("PROTOCOL_ERROR"),
    lost,
  ],
  [
    "5.1.1: a stream that the server opens",
    [frame(headers, endHeaders, 2, headerBlock(start))],
    connectionError("PROTOCOL_ERROR"),
    lost,
  ],
  [
    "5.1.1: DATA on a stream that would be the server's",
    [frame(data, 0, 2, message())],
    connectionError("PROTOCOL_ERROR"),
    lost,
  ],
  [
    "5.1.1: HEADERS on a stream that the client has not opened yet",
    [frame(headers, endHeaders, 99, headerBlock(start))],
    connectionError("PROTOCOL_ERROR"),
    lost,
  ],
  [
    "5.3.2: HEADERS with PRIORITY in them",
    [frame(headers, endHeaders | priorityFlag, 1, Buffer.concat([Buffer.alloc(5), headerBlock(start)])), rest],
    lives,
    Code.OK,
  ],
  [
    "5.3.2: PRIORITY that depends on itself",
    [frame(priority, 0, 9, Buffer.concat([uint32(9), Buffer.of(1)])), answered],
    lives,
    Code.OK,
  ],
  ["5.3.2: PRIORITY", [frame(priority, 0, 1, Buffer.alloc(5)), answered], lives, Code.OK],
  ["6.1: DATA on stream 0", [frame(data, 0, 0, message())], connectionError("PROTOCOL_ERROR"), lost],
  ["6.1: DATA with padding", [begun, paddedMessage, end], lives, Code.OK],
  [
    "6.1: DATA with more padding than bytes",
    [begun, frame(data, paddedFlag, 1, Buffer.of(9, 0))],
    connectionError("PROTOCOL_ERROR"),
    lost,
  ],
  [
    "6.1: DATA that is all padding",
    [begun, frame(data, paddedFlag, 1, Buffer.concat([Buffer.of(9), Buffer.alloc(9)])), rest],
    lives,
    Code.OK,
  ],
  [
    "6.1: DATA with PADDED, and no byte that says how much",
    [begun, frame(data, paddedFlag, 1, nothing)],
    connectionError("FRAME_SIZE_ERROR"),
    lost,
  ],
  [
    "6.2: HEADERS on stream 0",
    [frame(headers, endHeaders, 0, headerBlock(start))],
    connectionError("PROTOCOL_ERROR"),
    lost,
  ],
  [
    "6.2: HEADERS with padding",
    [
      frame(headers, endHeaders | paddedFlag, 1, Buffer.concat([Buffer.of(4), headerBlock(start), Buffer.alloc(4)])),
      rest,
    ],
    lives,
    Code.OK,
  ],
  [
    "6.2: HEADERS with more padding than bytes",
    [frame(headers, endHeaders | paddedFlag, 1, Buffer.of(9, 0x88))],
    connectionError("PROTOCOL_ERROR"),
    lost,
  ],
  [
    "6.2: HEADERS with PADDED, and no byte that says how much",
    [frame(headers, endHeaders | paddedFlag, 1, nothing)],
    connectionError("FRAME_SIZE_ERROR"),
    lost,
  ],
  [
    "6.2: HEADERS that are too short for their PRIORITY",
    [frame(headers, endHeaders | priorityFlag, 1, Buffer.alloc(4))],
    connectionError("FRAME_SIZE_ERROR"),
    lost,
  ],
  ["6.3: PRIORITY on stream 0", [frame(priority, 0, 0, Buffer.alloc(5))], connectionError("PROTOCOL_ERROR"), lost],
  [
    "6.3: PRIORITY of 4 bytes",
    [frame(priority, 0, 1, Buffer.alloc(4))],
    streamError("FRAME_SIZE_ERROR"),
    Code.INTERNAL,
  ],
  [
    "6.4: RST_STREAM of a stream that is not open yet",
    [frame(rstStream, 0, 9, uint32(8))],
    connectionError("PROTOCOL_ERROR"),
    lost,
  ],
  ["6.4: RST_STREAM of 5 bytes", [frame(rstStream, 0, 1, Buffer.alloc(5))], connectionError("FRAME_SIZE_ERROR"), lost],
  ["6.4: RST_STREAM on stream 0", [frame(rstStream, 0, 0, uint32(8))], connectionError("PROTOCOL_ERROR"), lost],
  ["6.4: RST_STREAM of 3 bytes", [frame(rstStream, 0, 1, Buffer.alloc(3))], connectionError("FRAME_SIZE_ERROR"), lost],
  ["6.4: RST_STREAM: CANCEL", [frame(rstStream, 0, 1, uint32(8))], lives, Code.CANCELLED],
  ["6.4: RST_STREAM: ENHANCE_YOUR_CALM", [frame(rstStream, 0, 1, uint32(11))], lives, Code.RESOURCE_EXHAUSTED],
  ["6.4: RST_STREAM: PROTOCOL_ERROR", [frame(rstStream, 0, 1, uint32(1))], lives, Code.INTERNAL],
  ["6.4: RST_STREAM with an error that nobody knows", [frame(rstStream, 0, 1, uint32(0xbeef))], lives, Code.INTERNAL],
  ["6.4: RST_STREAM: NO_ERROR behind the whole answer", [answered, frame(rstStream, 0, 1, uint32(0))], lives, Code.OK],
  ["6.5: SETTINGS on a stream", [frame(settings, 0, 1, nothing)], connectionError("PROTOCOL_ERROR"), lost],
  ["6.5: SETTINGS of 5 bytes", [frame(settings, 0, 0, Buffer.alloc(5))], connectionError("FRAME_SIZE_ERROR"), lost],
  [
    "6.5: an acknowledgement with bytes",
    [frame(settings, ack, 0, settingsOf([4, 1]))],
    connectionError("FRAME_SIZE_ERROR"),
    lost,
  ],
  [
    "6.5.2: ENABLE_PUSH of 1, of a server",
    [frame(settings, 0, 0, settingsOf([2, 1]))],
    connectionError("PROTOCOL_ERROR"),
    lost,
  ],
  ["6.5.2: ENABLE_PUSH of 2", [frame(settings, 0, 0, settingsOf([2, 2]))], connectionError("PROTOCOL_ERROR"), lost],
  [
    "6.5.2: MAX_FRAME_SIZE over 2^24-1",
    [frame(settings, 0, 0, settingsOf([5, 2 ** 24]))],
    connectionError("PROTOCOL_ERROR"),
    lost,
  ],
  [
    "6.5.2: a setting that nobody knows",
    [frame(settings, 0, 0, settingsOf([0xbe, 2 ** 32 - 1])), answered],
    lives,
    Code.OK,
  ],
  ["6.5.2: the same setting twice", [frame(settings, 0, 0, settingsOf([3, 1], [3, 100])), answered], lives, Code.OK],
  [
    "6.5.3: more acknowledgements than there were SETTINGS",
    [frame(settings, ack, 0, nothing), frame(settings, ack, 0, nothing)],
    connectionError("PROTOCOL_ERROR"),
    lost,
  ],
  ["6.5.2: ENABLE_PUSH of 0", [frame(settings, 0, 0, settingsOf([2, 0])), answered], lives, Code.OK],
  [
    "6.5.2: INITIAL_WINDOW_SIZE over 2^31-1",
    [frame(settings, 0, 0, settingsOf([4, 2 ** 31]))],
    connectionError("FLOW_CONTROL_ERROR"),
    lost,
  ],
  [
    "6.5.2: MAX_FRAME_SIZE under 16,384",
    [frame(settings, 0, 0, settingsOf([5, 100]))],
    connectionError("PROTOCOL_ERROR"),
    lost,
  ],
  [
    "6.6: PUSH_PROMISE, which was switched off",
    [frame(pushPromise, endHeaders, 1, Buffer.concat([uint32(2), headerBlock(start)]))],
    connectionError("PROTOCOL_ERROR"),
    lost,
  ],
  ["6.7: PING on a stream", [frame(ping, 0, 1, Buffer.alloc(8))], connectionError("PROTOCOL_ERROR"), lost],
  ["6.7: PING of 7 bytes", [frame(ping, 0, 0, Buffer.alloc(7))], connectionError("FRAME_SIZE_ERROR"), lost],
  ["6.7: an answer to no ping", [frame(ping, ack, 0, Buffer.alloc(8)), answered], lives, Code.OK],
  ["6.7: PING of 9 bytes", [frame(ping, 0, 0, Buffer.alloc(9))], connectionError("FRAME_SIZE_ERROR"), lost],
  ["6.8: GOAWAY on a stream", [frame(goaway, 0, 1, uint32(1, 0))], connectionError("PROTOCOL_ERROR"), lost],
  ["6.8: GOAWAY of 7 bytes", [frame(goaway, 0, 0, Buffer.alloc(7))], connectionError("FRAME_SIZE_ERROR"), lost],
  [
    "6.9: WINDOW_UPDATE of 3 bytes",
    [frame(windowUpdate, 0, 0, Buffer.alloc(3))],
    connectionError("FRAME_SIZE_ERROR"),
    lost,
  ],
  [
    "6.9: WINDOW_UPDATE of a stream of 5 bytes",
    [frame(windowUpdate, 0, 1, Buffer.alloc(5))],
    connectionError("FRAME_SIZE_ERROR"),
    lost,
  ],
  [
    "6.9: WINDOW_UPDATE of a stream that is not open yet",
    [frame(windowUpdate, 0, 9, uint32(1))],
    connectionError("PROTOCOL_ERROR"),
    lost,
  ],
  [
    "6.9: the reserved bit of WINDOW_UPDATE",
    [frame(windowUpdate, 0, 0, uint32(0x8000_0001)), answered],
    lives,
    Code.OK,
  ],
  ["6.9: WINDOW_UPDATE by 0", [frame(windowUpdate, 0, 0, uint32(0))], connectionError("PROTOCOL_ERROR"), lost],
  [
    "6.9: WINDOW_UPDATE of a stream by 0",
    [frame(windowUpdate, 0, 1, uint32(0))],
    streamError("PROTOCOL_ERROR"),
    Code.INTERNAL,
  ],
  [
    "6.9.1: a window of over 2^31-1",
    [frame(windowUpdate, 0, 0, uint32(2 ** 31 - 1))],
    connectionError("FLOW_CONTROL_ERROR"),
    lost,
  ],
  [
    "6.9.1: a stream's window of over 2^31-1",
    [frame(windowUpdate, 0, 1, uint32(2 ** 31 - 1))],
    streamError("FLOW_CONTROL_ERROR"),
    Code.INTERNAL,
  ],
  [
    "6.9.2: INITIAL_WINDOW_SIZE that makes a stream's window too large",
    [frame(windowUpdate, 0, 1, uint32(100)), frame(settings, 0, 0, settingsOf([4, 2 ** 31 - 1]))],
    connectionError("FLOW_CONTROL_ERROR"),
    lost,
  ],
  [
    "6.10: a block in two frames",
    [
      frame(headers, 0, 1, headerBlock(start).subarray(0, 9)),
      frame(continuation, endHeaders, 1, headerBlock(start).subarray(9)),
      rest,
    ],
    lives,
    Code.OK,
  ],
  [
    "6.10: CONTINUATION of nothing",
    [frame(continuation, endHeaders, 1, nothing)],
    connectionError("PROTOCOL_ERROR"),
    lost,
  ],
  [
    "6.10: CONTINUATION behind the end of a block",
    [begun, frame(continuation, endHeaders, 1, headerBlock(start))],
    connectionError("PROTOCOL_ERROR"),
    lost,
  ],
  [
    "6.10: CONTINUATION of another stream",
    [frame(headers, 0, 1, headerBlock(start)), frame(continuation, endHeaders, 3, nothing)],
    connectionError("PROTOCOL_ERROR"),
    lost,
  ],
  [
    "6.10: CONTINUATION on stream 0",
    [frame(headers, 0, 1, headerBlock(start)), frame(continuation, endHeaders, 0, nothing)],
    connectionError("PROTOCOL_ERROR"),
    lost,
  ],
  ["8.1: DATA before any headers", [frame(data, 0, 1, message())], streamError("PROTOCOL_ERROR"), Code.INTERNAL],
  [
    "8.1: an end before any headers",
    [frame(data, endStream, 1, nothing)],
    streamError("PROTOCOL_ERROR"),
    Code.INTERNAL,
  ],
  [
    "8.1: DATA behind informational headers, and no others",
    [listOf({ ":status": "103" }), frame(data, 0, 1, message())],
    streamError("PROTOCOL_ERROR"),
    Code.INTERNAL,
  ],
  [
    "8.1: informational headers in the midst of messages",
    [begun, listOf({ ":status": "103" })],
    streamError("PROTOCOL_ERROR"),
    Code.INTERNAL,
  ],
  [
    "8.1: informational headers before the others",
    [listOf({ ":status": "103" }), listOf({ ":status": "100" }), answered],
    lives,
    Code.OK,
  ],
  [
    "8.1: informational headers that end the stream",
    [listOf({ ":status": "103" }, endStream)],
    streamError("PROTOCOL_ERROR"),
    Code.INTERNAL,
  ],
  [
    "8.1: headers in the midst of messages",
    [begun, frame(data, 0, 1, message()), listOf({ "x-a": "1" })],
    streamError("PROTOCOL_ERROR"),
    Code.INTERNAL,
  ],
  ["8.1: an end without trailers", [begun, frame(data, endStream, 1, message())], lives, Code.UNKNOWN],
  [
    "8.1: trailers with a pseudo-header field",
    [begun, listOf({ ":status": "200", "grpc-status": "0" }, endStream)],
    streamError("PROTOCOL_ERROR"),
    Code.INTERNAL,
  ],
  ["8.1.1: content-length", [sized("5"), rest], lives, Code.OK],
  ["8.1.1: content-length, without padding", [sized("5"), paddedMessage, end], lives, Code.OK],
  [
    "8.1.1: content-length of no DATA",
    [listOf({ ...start, "content-length": "0", "grpc-status": "5" }, endStream)],
    lives,
    Code.NOT_FOUND,
  ],
  [
    "8.1.1: content-length, and no DATA",
    [listOf({ ...start, "content-length": "5", "grpc-status": "0" }, endStream)],
    streamError("PROTOCOL_ERROR"),
    Code.INTERNAL,
  ],
  // No content belongs to it, whatever it says: an answer of HTTP, though not of gRPC.
  [
    "8.1.1: content-length of a response that has no content",
    [listOf({ ":status": "304", "content-length": "5" }, endStream)],
    lives,
    Code.UNKNOWN,
  ],
  [
    "8.1.1: content-length of informational headers, where it means nothing",
    [listOf({ ":status": "103", "content-length": "9" }), answered],
    lives,
    Code.OK,
  ],
  ["8.1.1: less than content-length", [sized("6"), rest], streamError("PROTOCOL_ERROR"), Code.INTERNAL],
  [
    "8.1.1: less than content-length, and the end with it",
    [sized("6"), frame(data, endStream, 1, message())],
    streamError("PROTOCOL_ERROR"),
    Code.INTERNAL,
  ],
  [
    "8.1.1: more than content-length, before the end",
    [sized("4"), frame(data, 0, 1, message())],
    streamError("PROTOCOL_ERROR"),
    Code.INTERNAL,
  ],
  [
    "8.1.1: content-length that padding makes up for",
    [sized("9"), paddedMessage, end],
    streamError("PROTOCOL_ERROR"),
    Code.INTERNAL,
  ],
  ["8.1.1: content-length that is no number", [sized("five")], streamError("PROTOCOL_ERROR"), Code.INTERNAL],
  [
    "8.1.1: content-length twice, each time another",
    [
      frame(
        headers,
        endHeaders,
        1,
        Buffer.concat([headerBlock({ ...start, "content-length": "5" }), headerBlock({ "content-length": "6" })]),
      ),
    ],
    streamError("PROTOCOL_ERROR"),
    Code.INTERNAL,
  ],
  ["8.2.1: a name in capitals", [listOf({ ...start, "X-Loud": "1" })], streamError("PROTOCOL_ERROR"), Code.INTERNAL],
  [
    "8.2.1: a value with a line feed",
    [listOf({ ...start, "x-a": "a\nb" })],
    streamError("PROTOCOL_ERROR"),
    Code.INTERNAL,
  ],
  [
    "8.2.1: trailers with a name in capitals",
    [begun, listOf({ "grpc-status": "0", "X-A": "1" }, endStream)],
    streamError("PROTOCOL_ERROR"),
    Code.INTERNAL,
  ],
  ...(
    [
      ["a name with a space", { "a b": "1" }],
      ["a name with a colon in it", { "a:b": "1" }],
      ["an empty name", { "": "1" }],
      ["a name of bytes over 127", { "caf\u00e9": "1" }],
      ["a value with a carriage return", { "x-a": "a\rb" }],
      ["a value with NUL", { "x-a": "a\0b" }],
      ["a value that begins with a space", { "x-a": " a" }],
      ["a value that ends with a tab", { "x-a": "a\t" }],
    ] as const
  ).flatMap(([what, fields]): Rule[] => [
    [`8.2.1: ${what}`, [listOf({ ...start, ...fields })], streamError("PROTOCOL_ERROR"), Code.INTERNAL],
    [
      `8.2.1: trailers with ${what}`,
      [begun, listOf({ "grpc-status": "0", ...fields }, endStream)],
      streamError("PROTOCOL_ERROR"),
      Code.INTERNAL,
    ],
  ]),
  ...["keep-alive", "proxy-connection", "transfer-encoding", "upgrade"].map(
    (name): Rule => [
      `8.2.2: ${name}`,
      [listOf({ ...start, [name]: "x" })],
      streamError("PROTOCOL_ERROR"),
      Code.INTERNAL,
    ],
  ),
  ["8.2.2: connection", [listOf({ ...start, connection: "close" })], streamError("PROTOCOL_ERROR"), Code.INTERNAL],
  ["8.3: :path in a response", [listOf({ ":path": "/", ...start })], streamError("PROTOCOL_ERROR"), Code.INTERNAL],
  [
    "8.3: a pseudo-header field that nobody knows",
    [listOf({ ":test": "1", ...start })],
    streamError("PROTOCOL_ERROR"),
    Code.INTERNAL,
  ],
  [
    "8.3: a pseudo-header field behind others",
    [listOf({ "x-a": "1", ...start })],
    streamError("PROTOCOL_ERROR"),
    Code.INTERNAL,
  ],
  ["8.3.2: no :status", [listOf({ "content-type": "application/grpc" })], streamError("PROTOCOL_ERROR"), Code.INTERNAL],
  [
    "8.3: :status in trailers that are behind messages",
    [begun, frame(data, 0, 1, message()), listOf({ ":status": "200" }, endStream)],
    streamError("PROTOCOL_ERROR"),
    Code.INTERNAL,
  ],
  ...[":method", ":scheme", ":authority"].map(
    (name): Rule => [
      `8.3: ${name} in a response`,
      [listOf({ [name]: "x", ...start })],
      streamError("PROTOCOL_ERROR"),
      Code.INTERNAL,
    ],
  ),
  [
    "8.3.2: :status twice",
    [frame(headers, endHeaders, 1, Buffer.concat([headerBlock({ ":status": "200" }), headerBlock(start)]))],
    streamError("PROTOCOL_ERROR"),
    Code.INTERNAL,
  ],
];

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

async function connected(opening?: Uint8Array) {
  const server = await raw.RawServer.start(opening);
  const channel = dial(server.address, { transport: "http2" });
  stops.push(
    () => channel.close({ graceMs: 0 }),
    () => server.stop(),
  );
  return { server, channel, client: kindsClient(channel) };
}

/** The status that a call ends with. */
const codeOf = (call: Promise<unknown>): Promise<Code> =>
  call.then(
    () => Code.OK,
    (error) => error.code,
  );

test.each(rules)("%s", async (_rule, frames, outcome, code) => {
  const { server, client } = await connected();
  const call = codeOf(client.unary({}, { retry: false }));
  const peer = await server.connection();
  await peer.first(({ type, flags }) => type === data && flags === endStream);
  peer.write(...frames);
  expect(await peer.outcome()).toBe(outcome);
  expect(await call).toBe(code);
  if (outcome.startsWith("GOAWAY")) await peer.closed;
  // The next call is made on the connection where it lives, and on another where it does not.
  const next = codeOf(client.unary({}, { waitForReady: true }));
  const other = outcome.startsWith("GOAWAY") ? await server.connection(1) : peer;
  const isNext = (one: raw.Frame) => one.type === headers && (other !== peer || one.streamId > 1);
  other.write(raw.answer((await other.first(isNext))!.streamId));
  expect(await next).toBe(Code.OK);
});

test("3.4: a client begins with the preface and SETTINGS, and with no call before the server's", async () => {
  const { server, client } = await connected(nothing);
  const call = codeOf(client.unary({}));
  const peer = await server.connection();
  await peer.first(({ type }) => type === settings);
  expect(peer.frames.map(({ type, flags }) => [type, flags])).toEqual([[settings, 0]]);
  peer.write(raw.emptySettings);
  const { streamId } = (await peer.first(({ type }) => type === headers))!;
  expect(streamId).toBe(1);
  peer.write(raw.answer(streamId));
  expect(await call).toBe(Code.OK);
});

test("3.4: a server that begins with another frame is none", async () => {
  const { server, channel } = await connected(frame(ping, 0, 0, Buffer.alloc(8)));
  channel.connect();
  expect(await (await server.connection()).end()).toBe("GOAWAY PROTOCOL_ERROR");
});

test("6.9: DATA of a call that was cancelled is given back to the window of the connection", async () => {
  const { server, client } = await connected();
  const abort = new AbortController();
  const call = codeOf(client.unary({}, { retry: false, signal: abort.signal }));
  const peer = await server.connection();
  await peer.first(({ type, flags }) => type === data && flags === endStream);
  abort.abort();
  expect(await call).toBe(Code.CANCELLED);
  await peer.first(({ type }) => type === rstStream);
  const given = () =>
    peer.frames
      .filter(({ type, streamId }) => type === windowUpdate && streamId === 0)
      .reduce((sum, { payload }) => sum + payload.readUInt32BE(0), 0);
  const before = given();
  peer.write(begun, ...[1, 2, 3].map(() => frame(data, 0, 1, Buffer.alloc(16_000))));
  expect(await peer.outcome()).toBe("RST_STREAM 1 CANCEL");
  expect(given() - before).toBeGreaterThan(32_767);
});

test("6.7: a PING is answered with its bytes; an answer is not", async () => {
  const { server, channel } = await connected();
  channel.connect();
  const peer = await server.connection();
  peer.write(frame(ping, ack, 0, Buffer.from("no reply")), frame(ping, 0, 0, Buffer.from("anything")));
  await peer.settled();
  const answers = peer.frames.filter(({ type, flags }) => type === ping && flags === ack);
  expect(answers.map(({ payload }) => payload.toString())).toEqual(["anything", expect.anything()]);
});

test("6.4: RST_STREAM: REFUSED_STREAM: the call is made again, as the server has not looked at it", async () => {
  const { server, client } = await connected();
  const call = codeOf(client.unary({}, { retry: false }));
  const peer = await server.connection();
  await peer.first(({ type, flags }) => type === data && flags === endStream);
  peer.write(frame(rstStream, 0, 1, uint32(7)));
  await peer.first(({ type, streamId }) => type === headers && streamId === 3);
  peer.write(raw.answer(3));
  expect(await call).toBe(Code.OK);
});

test("5.1.2: as many calls at a time as the server takes; more when it says so, by SETTINGS", async () => {
  const { server, client } = await connected(frame(settings, 0, 0, settingsOf([3, 0])));
  const ended = [client.unary({}), client.unary({}), client.unary({})].map(codeOf);
  const peer = await server.connection();
  expect(await peer.settled()).toBe(true);
  const opened = () => peer.frames.filter(({ type }) => type === headers).map(({ streamId }) => streamId);
  expect(opened()).toEqual([]);
  peer.write(frame(settings, 0, 0, settingsOf([3, 2])));
  await peer.settled();
  await peer.settled();
  expect(opened()).toEqual([1, 3]);
  peer.write(raw.answer(3));
  await peer.first(({ type, streamId }) => type === headers && streamId === 5);
  peer.write(raw.answer(1), raw.answer(5));
  expect(await Promise.all(ended)).toEqual([Code.OK, Code.OK, Code.OK]);
});

test("6.8: GOAWAY: calls up to its last stream are awaited, later ones are made again elsewhere", async () => {
  const { server, client } = await connected();
  const calls = [client.unary({}), client.unary({})].map(codeOf);
  const peer = await server.connection();
  await peer.first(({ type, streamId, flags }) => type === data && streamId === 3 && flags === endStream);
  peer.write(frame(goaway, 0, 0, uint32(1, 0)));
  const other = await server.connection(1);
  const again = (await other.first(({ type }) => type === headers))!;
  other.write(raw.answer(again.streamId));
  expect(await calls[1]).toBe(Code.OK);
  peer.write(raw.answer(1));
  expect(await calls[0]).toBe(Code.OK);
  await peer.closed;
});
