/**
 * What our servers send, byte for byte where a document fixes it: frames as a tap hears them, header lists as nghttp2
 * decodes them, in a client of node:http2.
 */
import { once } from "node:events";
import { type ClientHttp2Session, connect, type OutgoingHttpHeaders } from "node:http2";
import { gunzipSync } from "node:zlib";
import { Code, Metadata, RpcError, type ServerOptions } from "@trunkline/runtime";
import { KindsDesc } from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import { collect, startKinds, stopKinds } from "../runtime/kinds.js";
import { Flag, FrameType } from "../runtime/raw-frames.js";
import { wireTransports } from "../runtime/transports.js";
import {
  checkRule,
  type Fields,
  fieldsOf,
  type Heard,
  messagesOf,
  namesOf,
  type Rule,
  titleOf,
  valuesOf,
  WireTap,
} from "./wire-tap.js";

const { data, headers, rstStream, settings, pushPromise, goaway } = FrameType;
const { methods } = KindsDesc;

const b1 = Uint8Array.of(0xfb, 0xff);
const metadata = { "x-text": ["one", "two"], "x-one-bin": b1, "x-two-bin": [b1, Uint8Array.of(1)] };
const customNames = Object.keys(metadata);
/** What has to be encoded, and what must not be touched. */
const text = "é 100%\n\t~\u007f😀 a;b/c?";
const note = { number: 7n, text: "x".repeat(300) };
/** Worth being compressed. */
const longNote = { number: 7n, text: "x".repeat(10_000) };

type CallName =
  | ("unary" | "serverStream" | "noResponses" | "clientStream" | "bidiStream" | "error" | "lateError")
  | ("unknownMethod" | "early" | "late" | "compressed");

interface Call {
  readonly streamId: number;
  /** Header lists in their order. */
  readonly lists: readonly Fields[];
}

interface Recorded {
  readonly server: Heard;
  readonly calls: { readonly [name in CallName]: Call };
  readonly lastStream: number;
}

async function record(transport: ServerOptions["transport"]): Promise<Recorded> {
  const { address, server } = await startKinds(transport!, {
    async unary({ text: wanted }, call) {
      if (wanted === "fail") throw new RpcError(Code.ABORTED, text, { metadata: new Metadata(metadata) });
      if (wanted === "wait") await new Promise((resolve) => call.signal.addEventListener("abort", resolve));
      if (wanted === "compress") {
        call.compression = transport === "grpc-js" ? "identity" : "gzip";
        return longNote;
      }
      call.sendHeaders(new Metadata(metadata));
      call.trailers.merge(new Metadata(metadata));
      return note;
    },
    async *serverStream({ number }) {
      for (let i = 0n; i < number; i++) yield note;
      if (number === 2n) throw new RpcError(Code.ABORTED, text);
    },
    async clientStream(requests, call) {
      if (call.metadata.has("x-early")) return note;
      await collect(requests);
      return note;
    },
    bidiStream: (requests) => requests,
  });
  const tap = await WireTap.start(Number(address.split(":").at(-1)));
  const session: ClientHttp2Session = connect(`http://${tap.address}`);
  const calls: { [name: string]: Call } = {};
  const make = async (name: CallName, path: string, body: Uint8Array, more: OutgoingHttpHeaders = {}, ends = true) => {
    const fields = { ":method": "POST", ":path": path, "content-type": "application/grpc", te: "trailers", ...more };
    const stream = session.request(fields, { endStream: false });
    const lists: Fields[] = [];
    const take = (_fields: unknown, _flags: number, raw: unknown) => lists.push(fieldsOf(raw as string[]));
    stream.on("response", take as never).on("trailers", take as never);
    stream.on("error", () => {}).resume();
    if (ends) stream.end(body);
    else stream.write(body);
    await once(stream, "close");
    calls[name] = { streamId: stream.id!, lists };
  };
  const request = (message: { text?: string; number?: bigint }) => {
    const bytes = methods.unary.request.encode(message);
    return Buffer.concat([Buffer.of(0, 0, 0, 0, bytes.length), bytes]);
  };
  const { unary, serverStream, clientStream, bidiStream } = methods;
  await make("unary", unary.path, request({}));
  await make("serverStream", serverStream.path, request({ number: 3n }));
  await make("noResponses", serverStream.path, request({}));
  await make("clientStream", clientStream.path, Buffer.concat([request({}), request({})]));
  await make("bidiStream", bidiStream.path, Buffer.concat([request({}), request({ text: "b" })]));
  await make("error", unary.path, request({ text: "fail" }));
  await make("lateError", serverStream.path, request({ number: 2n }));
  await make("unknownMethod", "/kinds.v1.Kinds/None", request({}));
  await make("early", clientStream.path, request({}), { "x-early": "1" }, false);
  await make("late", unary.path, request({ text: "wait" }), { "grpc-timeout": "100m" });
  const gzip = { "grpc-encoding": "gzip", "grpc-accept-encoding": "gzip" };
  await make("compressed", unary.path, request({ text: "compress" }), gzip);
  // One that is open: a client without calls goes when it hears the first GOAWAY, and there may be two.
  const fields = { ":method": "POST", ":path": bidiStream.path, "content-type": "application/grpc", te: "trailers" };
  const open = session.request(fields, { endStream: false });
  open.write(request({}));
  await once(open.resume(), "response");
  const down = server.shutdown({ graceMs: 10_000 });
  await tap.server.first(({ type, payload }) => type === goaway && payload.readUInt32BE(0) !== 2 ** 31 - 1);
  open.end();
  await down;
  const lastStream = open.id!;
  session.destroy();
  await tap.stop();
  await stopKinds();
  return { server: tap.server, calls: calls as Recorded["calls"], lastStream };
}

/** HEADERS and DATA of a call, and which of them says that it is the last. */
const endsOf = ({ server }: Recorded, { streamId }: Call) =>
  server
    .of(streamId)
    .filter(({ type }) => type === data || type === headers)
    .map(({ type, flags }) => `${type === data ? "DATA" : "HEADERS"}${flags & Flag.endStream ? ", the last" : ""}`);

const whole = (count: number) => ["HEADERS", ...Array.from({ length: count }, () => "DATA"), "HEADERS, the last"];

const oneOf = (fields: Fields, name: string): string => {
  const values = valuesOf(fields, name);
  expect(values).toHaveLength(1);
  return values[0]!;
};

const rules: readonly Rule<Recorded>[] = [
  {
    source: "RFC 9113, 3.4",
    rule: "SETTINGS come first",
    check: ({ server }) => expect(server.frames[0]).toMatchObject({ type: settings, flags: 0, streamId: 0 }),
  },
  {
    source: "RFC 9113, 6.5.3",
    rule: "the client's SETTINGS are acknowledged, with nothing in it",
    check: ({ server }) =>
      expect(server.of(0, settings).filter(({ flags }) => flags === Flag.ack)[0]?.payload).toHaveLength(0),
  },
  {
    source: "RFC 9113, 8.4",
    rule: "nothing is pushed, and ENABLE_PUSH is not said to be 1",
    check({ server }) {
      expect(server.frames.filter(({ type }) => type === pushPromise)).toEqual([]);
      const first = server.frames[0]!.payload;
      const values = Array.from({ length: first.length / 6 }, (_, i) =>
        first.subarray(i * 6, i * 6 + 6).toString("hex"),
      );
      expect(values).not.toContain("000200000001");
    },
  },
  {
    source: "PROTOCOL-HTTP2, Response-Headers",
    rule: ":status 200 first, and no other pseudo-header field; content-type once",
    check({ calls }) {
      for (const { lists } of Object.values(calls)) {
        const [first] = lists as [Fields];
        expect(first[0]).toEqual([":status", "200"]);
        expect(namesOf(first).filter((name) => name.startsWith(":"))).toEqual([":status"]);
        expect(oneOf(first, "content-type")).toMatch(/^application\/grpc(\+proto)?$/);
      }
    },
  },
  {
    source: "RFC 9113, 8.1",
    rule: "trailers have no pseudo-header field",
    check({ calls }) {
      for (const { lists } of Object.values(calls))
        for (const fields of lists.slice(1)) expect(namesOf(fields).join()).not.toMatch(/:/);
    },
  },
  {
    source: "RFC 9113, 8.2.1 and 8.2.2",
    rule: "names in lower case, and none that belongs to a connection of HTTP/1.1",
    check({ calls }) {
      for (const name of Object.values(calls).flatMap(({ lists }) => lists.flatMap(namesOf))) {
        expect(name).toMatch(/^:?[!#$%&'*+\-.^_`|~0-9a-z]+$/);
        expect(["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "te"]).not.toContain(
          name,
        );
      }
    },
  },
  ...(["unary", "serverStream", "clientStream", "bidiStream"] as const).map(
    (name): Rule<Recorded> => ({
      source: "PROTOCOL-HTTP2, Response",
      rule: `of ${name}: headers, messages, trailers, of which nothing but the trailers has END_STREAM`,
      check(recorded) {
        const count = { unary: 1, serverStream: 3, clientStream: 1, bidiStream: 2 }[name];
        const ends = endsOf(recorded, recorded.calls[name]);
        expect([...new Set(ends)]).toEqual(["HEADERS", "DATA", "HEADERS, the last"]);
        expect(ends.filter((end) => end === "HEADERS")).toHaveLength(1);
        const messages = messagesOf(recorded.server.of(recorded.calls[name].streamId, data));
        expect(messages.map(({ flag }) => flag)).toEqual(Array.from({ length: count }, () => 0));
      },
    }),
  ),
  {
    source: "PROTOCOL-HTTP2, Status",
    rule: "the status is in the trailers, also where it is OK, and in them alone; no text with it",
    check({ calls }) {
      for (const name of ["unary", "serverStream", "clientStream", "bidiStream"] as const) {
        const [first, trailers, ...more] = calls[name].lists as [Fields, Fields];
        expect(more).toEqual([]);
        expect(valuesOf(first, "grpc-status")).toEqual([]);
        expect(oneOf(trailers, "grpc-status")).toBe("0");
        expect(valuesOf(trailers, "grpc-message").join("")).toBe("");
      }
    },
  },
  {
    source: "PROTOCOL-HTTP2, Trailers",
    rule: "Status and Status-Message come before Custom-Metadata",
    check({ calls: { unary, error } }) {
      for (const fields of [unary.lists[1]!, error.lists[0]!]) {
        const names = namesOf(fields);
        const last = Math.max(names.indexOf("grpc-status"), names.indexOf("grpc-message"));
        for (const name of customNames) expect(names.indexOf(name)).toBeGreaterThan(last);
      }
    },
  },
  {
    source: "PROTOCOL-HTTP2, Response-Headers",
    rule: "Custom-Metadata comes last",
    check({ calls: { unary } }) {
      const names = namesOf(unary.lists[0]!);
      const own = [":status", "content-type", "grpc-accept-encoding", "grpc-encoding"];
      const last = Math.max(...own.map((name) => names.indexOf(name)));
      for (const name of customNames) expect(names.indexOf(name)).toBeGreaterThan(last);
    },
  },
  {
    source: "PROTOCOL-HTTP2, Custom-Metadata",
    rule: "the values of one key keep their order, each a field; bytes are base64",
    check({ calls: { unary, error } }) {
      for (const fields of [...unary.lists, error.lists[0]!]) {
        expect(valuesOf(fields, "x-text")).toEqual(["one", "two"]);
        const bytes = valuesOf(fields, "x-two-bin").map((value) => Buffer.from(value, "base64").toString("hex"));
        expect(bytes).toEqual(["fbff", "01"]);
        expect(oneOf(fields, "x-one-bin")).toMatch(/^\+\/8=?$/);
      }
    },
  },
  {
    source: "PROTOCOL-HTTP2, Binary-Header",
    rule: "and are not padded",
    check: ({ calls: { unary } }) => expect(valuesOf(unary.lists[1]!, "x-two-bin")).toEqual(["+/8", "AQ"]),
    notOnGrpcJs: "it pads; every reader takes both",
  },
  {
    source: "PROTOCOL-HTTP2, Trailers-Only",
    rule: "an error before any message is one HEADERS with END_STREAM",
    check(recorded) {
      for (const name of ["error", "unknownMethod"] as const) {
        const { lists } = recorded.calls[name];
        expect(endsOf(recorded, recorded.calls[name])).toEqual(["HEADERS, the last"]);
        expect(lists).toHaveLength(1);
        expect(lists[0]![0]).toEqual([":status", "200"]);
        expect(oneOf(lists[0]!, "grpc-status")).toBe(name === "error" ? "10" : "12");
      }
    },
  },
  {
    source: "PROTOCOL-HTTP2, Response",
    rule: "an error behind messages is in the trailers",
    check(recorded) {
      expect(endsOf(recorded, recorded.calls.lateError)).toEqual(whole(2));
      expect(oneOf(recorded.calls.lateError.lists[1]!, "grpc-status")).toBe("10");
    },
  },
  {
    source: "PROTOCOL-HTTP2, Response",
    rule: "no message and OK is trailers, or headers and trailers",
    check(recorded) {
      const ends = endsOf(recorded, recorded.calls.noResponses);
      expect(ends.at(-1)).toBe("HEADERS, the last");
      expect(ends.join()).not.toMatch(/DATA/);
      expect(oneOf(recorded.calls.noResponses.lists.at(-1)!, "grpc-status")).toBe("0");
    },
  },
  {
    source: "PROTOCOL-HTTP2, Status-Message",
    rule: "UTF-8, percent-encoded in capitals: whatever is not printable ASCII, and the percent sign",
    check({ calls: { error, lateError } }) {
      for (const fields of [error.lists[0]!, lateError.lists[1]!]) {
        const sent = oneOf(fields, "grpc-message");
        expect(sent).toMatch(/^([\x20-\x24\x26-\x7e]|%[0-9A-F]{2})*$/);
        expect(decodeURIComponent(sent)).toBe(text);
      }
    },
  },
  {
    source: "PROTOCOL-HTTP2, Status-Message",
    rule: "and no more than that",
    check: ({ calls: { error } }) =>
      expect(oneOf(error.lists[0]!, "grpc-message")).toBe("%C3%A9 100%25%0A%09~%7F%F0%9F%98%80 a;b/c?"),
    notOnGrpcJs: "it encodes blanks too, as in a URI",
  },
  {
    source: "PROTOCOL-HTTP2, Length-Prefixed-Message",
    rule: "a byte 0, four bytes of length, the most significant first, and the message",
    check({ server, calls: { unary } }) {
      const encoded = Buffer.concat([Buffer.of(0x0a, 0xac, 0x02), Buffer.alloc(300, "x"), Buffer.of(0x10, 7)]);
      const body = Buffer.concat(server.of(unary.streamId, data).map(({ payload }) => payload));
      expect(body).toEqual(Buffer.concat([Buffer.of(0, 0, 0, encoded.length >> 8, encoded.length & 0xff), encoded]));
    },
  },
  {
    source: "PROTOCOL-HTTP2, Message-Accept-Encoding",
    rule: "it says what it reads to whose requests are in an encoding",
    check: ({ calls: { compressed } }) =>
      expect(oneOf(compressed.lists[0]!, "grpc-accept-encoding").split(",").sort()).toEqual([
        "deflate",
        "gzip",
        "identity",
      ]),
  },
  {
    source: "PROTOCOL-HTTP2, Message-Encoding and Compressed-Flag",
    rule: "a message with the flag 1 is in the encoding that the headers name",
    check({ server, calls: { compressed } }) {
      expect(oneOf(compressed.lists[0]!, "grpc-encoding")).toBe("gzip");
      const [{ flag, bytes }] = messagesOf(server.of(compressed.streamId, data)) as [{ flag: number; bytes: Buffer }];
      expect(flag).toBe(1);
      expect(methods.unary.response.decode(gunzipSync(bytes))).toMatchObject(longNote);
    },
    notOnGrpcJs: "it cannot compress responses",
  },
  {
    source: "PROTOCOL-HTTP2, Early Server Closure",
    rule: "an answer before the end of the request is followed by RST_STREAM, NO_ERROR",
    check({ server, calls: { early } }) {
      const all = server.of(early.streamId).filter(({ type }) => [headers, data, rstStream].includes(type as never));
      expect(all.at(-1)).toMatchObject({ type: rstStream, payload: Buffer.alloc(4) });
      expect(all.at(-2)!.flags & Flag.endStream).toBe(Flag.endStream);
      expect(oneOf(early.lists.at(-1)!, "grpc-status")).toBe("0");
    },
  },
  {
    source: "PROTOCOL-HTTP2, Client Cancellation",
    // The document has a reset with CANCEL here; a status says more, and ends the stream as well.
    rule: "a server keeps the deadline itself, and tells a client that does not",
    check({ calls: { late } }) {
      expect(oneOf(late.lists.at(-1)!, "grpc-status")).toBe("4");
    },
  },
  {
    source: "RFC 9113, 5.1",
    rule: "nothing comes on a stream that has ended, and nobody resets one that has ended well",
    check({ server, calls }) {
      for (const [name, { streamId }] of Object.entries(calls)) {
        const all = server.of(streamId).filter(({ type }) => type === data || type === headers);
        expect(all.findIndex(({ flags }) => (flags & Flag.endStream) !== 0)).toBe(all.length - 1);
        // Of a method that nobody serves, the answer does not wait for the request.
        if (name !== "early" && name !== "unknownMethod") expect(server.of(streamId, rstStream)).toEqual([]);
      }
    },
  },
  {
    source: "RFC 9113, 6.8",
    rule: "shutdown() says GOAWAY without an error; the last one names the last stream that was served",
    check({ server, lastStream }) {
      const all = server.of(0, goaway).map(({ payload }) => [payload.readUInt32BE(0), payload.readUInt32BE(4)]);
      expect(all.map(([, error]) => error)).toEqual(all.map(() => 0));
      expect(all.at(-1)![0]).toBe(lastStream);
    },
  },
];

describe.each(wireTransports)("a server on $name", ({ name, transport }) => {
  let recorded: Recorded;
  beforeAll(async () => {
    recorded = await record(transport);
  });

  test.each(rules.map((rule) => ({ rule, title: titleOf(rule, name) })))("$title", ({ rule }) =>
    checkRule(rule, name, recorded),
  );
});
