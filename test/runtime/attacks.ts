/** What hostile clients do, and what has to come of it: for a test of each, and for a soak of very many. */
import type { ClientHttp2Session, IncomingHttpHeaders } from "node:http2";
import { Code } from "@trunkline/runtime";
import { KindsDesc } from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import { exchange, Flag, FrameType, frame, headerBlock, opening, preface } from "./raw-frames.js";

/** Something that is done to a connection of its own. */
export interface ConnectionAttack {
  readonly name: string;
  readonly run: (port: number) => Promise<string>;
  /** What the server does with the connection. */
  readonly expected: RegExp;
}

/** A call among others on one connection, which goes on. */
export interface CallAttack {
  readonly name: string;
  readonly headers?: { readonly [name: string]: string | undefined };
  readonly body: Uint8Array;
  /** Never half-closes. */
  readonly staysOpen?: boolean;
  /** Of headers and trailers together. */
  readonly expected: { readonly [name: string]: string | RegExp };
}

const nothing = Buffer.alloc(0);
const method = KindsDesc.methods.unary.path;
const request = {
  ...{ ":method": "POST", ":scheme": "http", ":path": method, ":authority": "localhost" },
  ...{ "content-type": "application/grpc", te: "trailers" },
};
const call = headerBlock(request);
const { data, headers, rstStream, settings, pushPromise, windowUpdate, continuation } = FrameType;
const uint32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

/** Where Node.js finds the error, and not the library in it, it calls all of them one name. */
const goaway = (error: string) => new RegExp(`^GOAWAY (${error}|INTERNAL_ERROR)$`);
const closed = /^closed$/;
const lives = /^lives$/;
const protocolError = goaway("PROTOCOL_ERROR");
const frameSizeError = goaway("FRAME_SIZE_ERROR");

/** @param frames what follows what every client begins with */
function speaking(
  name: string,
  frames: readonly Buffer[],
  expected: RegExp,
  how: "wait" | "end" | "reset" = "wait",
): ConnectionAttack {
  return { name, expected, run: (port) => exchange(port, [opening, ...frames], how) };
}

export const connectionAttacks: readonly ConnectionAttack[] = [
  {
    name: "an HTTP/1.1 request",
    run: (port) => exchange(port, [Buffer.from("GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")], "wait"),
    expected: protocolError,
  },
  {
    name: "random bytes",
    run: (port) => exchange(port, [crypto.getRandomValues(new Uint8Array(1024))], "wait"),
    expected: protocolError,
  },
  { name: "nothing at all", run: (port) => exchange(port, [], "end"), expected: closed },
  { name: "half a preface", run: (port) => exchange(port, [preface.subarray(0, 12)], "end"), expected: closed },
  {
    name: "half a preface, and a reset",
    run: (port) => exchange(port, [preface.subarray(0, 12)], "reset"),
    expected: closed,
  },
  {
    name: "no SETTINGS after the preface",
    run: (port) => exchange(port, [preface, frame(headers, Flag.endHeaders, 1, call)], "wait"),
    expected: protocolError,
  },
  speaking("half a frame", [frame(headers, 0, 1, nothing, 100)], closed, "end"),
  speaking("half a header block", [frame(headers, 0, 1, call.subarray(0, 20))], closed, "end"),
  speaking("half a header block, and a reset", [frame(headers, 0, 1, call.subarray(0, 20))], closed, "reset"),
  speaking("a header block with data within", [frame(headers, 0, 1, call), frame(data, 0, 1, nothing)], protocolError),
  speaking("a frame too large", [frame(data, 0, 1, nothing, 2 ** 24 - 1)], frameSizeError),
  speaking("data of no stream", [frame(data, 0, 0, Buffer.alloc(5))], protocolError),
  speaking("data of a stream that never was", [frame(data, 0, 5, Buffer.alloc(5))], protocolError),
  speaking("a stream of the server's", [frame(headers, Flag.endHeaders, 2, call)], protocolError),
  speaking(
    "headers that point nowhere",
    [frame(headers, Flag.endHeaders, 1, Buffer.of(0xff, 0xff, 0x7f))],
    goaway("COMPRESSION_ERROR"),
  ),
  speaking(
    "headers without a path",
    [frame(headers, Flag.endHeaders, 1, headerBlock({ ":method": "POST" }))],
    /^RST_STREAM PROTOCOL_ERROR$/,
  ),
  speaking(
    "a header name in capitals",
    [frame(headers, Flag.endHeaders, 1, Buffer.concat([call, headerBlock({ "X-Loud": "1" })]))],
    /^RST_STREAM PROTOCOL_ERROR$/,
  ),
  speaking("a window that grows by nothing", [frame(windowUpdate, 0, 0, uint32(0))], protocolError),
  speaking(
    "a window that grows too large",
    [frame(windowUpdate, 0, 0, uint32(2 ** 31 - 1))],
    goaway("FLOW_CONTROL_ERROR"),
  ),
  speaking("settings of an odd length", [frame(settings, 0, 0, Buffer.alloc(5))], frameSizeError),
  speaking("settings of a stream", [frame(settings, 0, 1, nothing)], protocolError),
  speaking("a push", [frame(pushPromise, Flag.endHeaders, 1, Buffer.concat([uint32(2), call]))], protocolError),
  speaking("a continuation of nothing", [frame(continuation, Flag.endHeaders, 1, call)], protocolError),
  speaking(
    "a header block without end",
    [
      frame(headers, 0, 1, call),
      ...Array.from({ length: 100 }, () => frame(continuation, 0, 1, headerBlock({ a: "b".repeat(8000) }))),
    ],
    /^(GOAWAY \w+|RST_STREAM \w+|closed)$/,
  ),
  speaking("a frame of no known type", [frame(0xbe, 0, 0, Buffer.alloc(100))], lives),
  speaking(
    "calls that are reset at once",
    Array.from({ length: 50 }, (_, i) =>
      Buffer.concat([frame(headers, Flag.endHeaders, 2 * i + 1, call), frame(rstStream, 0, 2 * i + 1, uint32(8))]),
    ),
    lives,
  ),
  speaking(
    "a call that is cut off with its connection",
    [frame(headers, Flag.endHeaders, 1, call), frame(data, 0, 1, Buffer.of(0, 0, 0, 0, 9, 1))],
    closed,
    "reset",
  ),
];

/** Messages framed as gRPC frames them, whatever is in them. */
const message = (bytes: Uint8Array, length = bytes.length, flag = 0) =>
  Buffer.concat([Buffer.of(flag), uint32(length), bytes]);
const empty = message(nothing);
const status = (code: Code, details: RegExp) => ({ "grpc-status": String(code), "grpc-message": details });

export const callAttacks: readonly CallAttack[] = [
  {
    name: "another content-type",
    headers: { "content-type": "text/plain" },
    body: empty,
    expected: { ":status": "415" },
  },
  { name: "no content-type", headers: { "content-type": undefined }, body: empty, expected: { ":status": "415" } },
  {
    name: "an encoding that nobody knows",
    headers: { "grpc-encoding": "morse" },
    body: message(Buffer.from("..."), 3, 1),
    expected: { ...status(Code.UNIMPLEMENTED, /morse/), "grpc-accept-encoding": /identity/ },
  },
  {
    name: "a method that is none",
    headers: { ":path": "/kinds.v1.Kinds/None" },
    body: empty,
    expected: status(Code.UNIMPLEMENTED, /None/),
  },
  { name: "a path that is none", headers: { ":path": "/" }, body: empty, expected: status(Code.UNIMPLEMENTED, /./) },
  {
    name: "a path of 4 KiB",
    headers: { ":path": `/${"a".repeat(4096)}` },
    body: empty,
    expected: status(Code.UNIMPLEMENTED, /./),
  },
  {
    name: "a timeout that is none",
    headers: { "grpc-timeout": "soon" },
    body: empty,
    expected: status(Code.INTERNAL, /soon/),
  },
  {
    name: "a length of 4 GiB",
    body: message(nothing, 2 ** 32 - 1),
    expected: status(Code.RESOURCE_EXHAUSTED, /4294967295/),
  },
  {
    name: "a length of 4 GiB, and never an end",
    body: message(nothing, 2 ** 32 - 1),
    staysOpen: true,
    expected: status(Code.RESOURCE_EXHAUSTED, /4294967295/),
  },
  { name: "a message cut short", body: message(Buffer.alloc(10), 100), expected: status(Code.INTERNAL, /cut short/) },
  {
    name: "a message cut short at the end of a stream",
    headers: { ":path": KindsDesc.methods.clientStream.path },
    body: Buffer.concat([empty, message(Buffer.alloc(10), 100)]),
    expected: status(Code.INTERNAL, /cut short/),
  },
  { name: "a prefix cut short", body: empty.subarray(0, 3), expected: status(Code.INTERNAL, /cut short/) },
  { name: "no message", body: nothing, expected: status(Code.UNIMPLEMENTED, /no request/) },
  {
    name: "two messages",
    body: Buffer.concat([empty, empty]),
    expected: status(Code.UNIMPLEMENTED, /more than one request/),
  },
  {
    name: "messages without end",
    body: Buffer.concat(Array.from({ length: 100 }, () => empty)),
    staysOpen: true,
    expected: status(Code.UNIMPLEMENTED, /more than one request/),
  },
  {
    name: "a message that is none",
    body: message(Buffer.of(0x0a, 0x0a, 0)),
    expected: status(Code.INTERNAL, /not a readable/),
  },
  {
    name: "metadata over the limit",
    headers: { "x-long": "a".repeat(17_000) },
    body: empty,
    expected: status(Code.RESOURCE_EXHAUSTED, /maxMetadataBytes/),
  },
  { name: "bytes that are no base64", headers: { "x-a-bin": "%%%" }, body: empty, expected: { "grpc-status": "0" } },
];

/** What is wrong with how it ended, if anything is. */
export function wrongWith({ name, expected }: CallAttack, { headers }: Ended): string | undefined {
  const wrong = Object.entries(expected).filter(([key, wanted]) => {
    const value = decodeURIComponent(String(headers[key]));
    return typeof wanted === "string" ? value !== wanted : !wanted.test(value);
  });
  return wrong.length === 0 ? undefined : `${name}: ${wrong.map(([key]) => `${key} is ${headers[key]}`)}`;
}

export interface Ended {
  readonly headers: IncomingHttpHeaders;
  /** `RST_STREAM` of the server, by its number. */
  readonly rstCode: number;
}

export function attack(session: ClientHttp2Session, { headers, body, staysOpen = false }: CallAttack): Promise<Ended> {
  return new Promise((resolve) => {
    const stream = session.request({ ...request, ...headers }, { endStream: false });
    let all: IncomingHttpHeaders = {};
    const take = (received: IncomingHttpHeaders) => {
      all = { ...all, ...received };
    };
    stream
      .on("response", take)
      .on("trailers", take)
      .on("error", () => {})
      .resume();
    stream.on("close", () => resolve({ headers: all, rstCode: stream.rstCode }));
    if (staysOpen) stream.write(body);
    else stream.end(body);
  });
}
