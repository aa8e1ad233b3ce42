/**
 * What our clients send, byte for byte where a document fixes it: frames as a tap hears them, header lists as nghttp2
 * decodes them, in a server of node:http2.
 */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import {
  createSecureServer,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";
import { type ClientChannel, Code, type DialOptions, dial, tls } from "@trunkline/runtime";
import { KindsDesc, kindsClient } from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import { collect } from "../runtime/kinds.js";
import { Flag, FrameType, preface } from "../runtime/raw-frames.js";
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

const { data, headers, rstStream, settings, goaway } = FrameType;
const { methods } = KindsDesc;

interface Request {
  readonly streamId: number;
  readonly fields: Fields;
}

/** Answers each call with one empty message and OK, when its request has ended; at once, or not at all, who asks for that. */
class Peer {
  readonly #server: Http2Server;
  readonly #sessions: ServerHttp2Session[] = [];
  readonly requests: Request[] = [];
  #onRequest: (() => void)[] = [];

  constructor(server: Http2Server = createServer()) {
    this.#server = server;
    server.on("session", (session) => this.#sessions.push(session));
    server.on("stream", (stream: ServerHttp2Stream, received: IncomingHttpHeaders, _flags: number, raw: unknown) => {
      this.requests.push({ streamId: stream.id!, fields: fieldsOf(raw as string[]) });
      for (const tell of this.#onRequest.splice(0)) tell();
      stream.on("error", () => {}).resume();
      if (received["x-silent"] !== undefined) return;
      const fields = { ":status": 200, "content-type": "application/grpc" };
      const answer = () => {
        stream.respond(fields, { waitForTrailers: true });
        stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
        stream.end(Buffer.alloc(5));
      };
      if (received["x-early"] !== undefined) answer();
      else stream.on("end", answer);
    });
  }

  async start(): Promise<number> {
    await once(this.#server.listen(0, "127.0.0.1"), "listening");
    return (this.#server.address() as AddressInfo).port;
  }

  async request(which: number): Promise<Request> {
    while (this.requests[which] === undefined) await new Promise<void>((resolve) => this.#onRequest.push(resolve));
    return this.requests[which];
  }

  async stop(): Promise<void> {
    for (const session of this.#sessions) session.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

const b1 = Uint8Array.of(0xfb, 0xff);
const metadata = {
  "x-text": ["one", "two"],
  "x-blank": "a b, c",
  "x-one-bin": b1,
  "x-two-bin": [b1, Uint8Array.of(1)],
};
const customNames = Object.keys(metadata);
/** The last is eleven years. */
const timeouts = [50, 999, 10_000, 99_999_999, 100_000_000, 2e9, 3.6e11];

/** The calls that rules look at. */
type CallName =
  | ("plain" | "full" | "compressed" | "serverStream" | "clientStream" | "bidiStream" | "noRequests")
  | ("cancelled" | "cancelledRequests" | "late" | "answeredEarly");

interface Recorded {
  readonly client: Heard;
  readonly calls: { readonly [name in CallName]: Request };
  readonly timed: readonly Request[];
  readonly address: string;
}

const note = { number: 7n, text: "x".repeat(300) };

async function record(transport: DialOptions["transport"]): Promise<Recorded> {
  const peer = new Peer();
  const tap = await WireTap.start(await peer.start());
  const { address } = tap;
  const channel: ClientChannel = dial(address, { transport, compression: "gzip" });
  const client = kindsClient(channel);
  const calls: { [name: string]: Request } = {};
  const make = async (name: CallName, call: () => Promise<unknown>) => {
    const which = peer.requests.length;
    await call();
    calls[name] = await peer.request(which);
  };
  const identity = { compression: "identity" as const };
  await make("plain", () => client.unary(note, identity));
  await make("full", () => client.unary({}, { ...identity, metadata, timeoutMs: 10_000 }));
  await make("compressed", () => client.unary(note, { compression: { encoding: "gzip", thresholdBytes: 1 } }));
  await make("serverStream", () => collect(client.serverStream({}, identity)));
  await make("clientStream", () => client.clientStream([note, {}], identity));
  await make("bidiStream", () => collect(client.bidiStream([note, {}], identity)));
  await make("noRequests", () => client.clientStream([], identity));
  const timed: Request[] = [];
  for (const timeoutMs of timeouts) {
    const which = peer.requests.length;
    await client.unary({}, { timeoutMs });
    timed.push(await peer.request(which));
  }
  const silent = { ...identity, metadata: { "x-silent": "1" }, retry: false as const };
  const isReset = (streamId: number) => tap.client.first((one) => one.type === rstStream && one.streamId === streamId);
  const cancelled = async (call: (signal: AbortSignal) => Promise<unknown>) => {
    const abort = new AbortController();
    const which = peer.requests.length;
    const ended = call(abort.signal);
    const { streamId } = await peer.request(which);
    abort.abort();
    await expect(ended).rejects.toMatchObject({ code: Code.CANCELLED });
    await isReset(streamId);
  };
  await make("cancelled", () => cancelled((signal) => client.unary({}, { ...silent, signal })));
  await make("cancelledRequests", () => cancelled((signal) => client.clientStream(endless(), { ...silent, signal })));
  await make("answeredEarly", async () => {
    const which = peer.requests.length;
    await client.clientStream(endless(), { ...identity, metadata: { "x-early": "1" } });
    const { streamId } = await peer.request(which);
    await tap.client.first(
      (one) =>
        one.streamId === streamId && (one.type === rstStream || (one.type === data && one.flags === Flag.endStream)),
    );
  });
  await make("late", async () => {
    const which = peer.requests.length;
    const ended = client.unary({}, { ...silent, timeoutMs: 200 });
    await expect(ended).rejects.toMatchObject({ code: Code.DEADLINE_EXCEEDED });
    await isReset((await peer.request(which)).streamId);
  });
  await channel.close();
  await tap.client.first(({ type }) => type === goaway);
  await tap.stop();
  await peer.stop();
  return { client: tap.client, calls: calls as Recorded["calls"], timed, address };
}

async function* endless() {
  yield {};
  await new Promise(() => {});
}

/** Of a grpc-timeout. */
const millis = (value: string): number => {
  const [, digits, unit] = /^(\d{1,8})([HMSmun])$/.exec(value)!;
  return Number(digits) * { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 }[unit!]!;
};

const settingsOf = (payload: Buffer): Map<number, number> =>
  new Map(
    Array.from({ length: payload.length / 6 }, (_, i) => [
      payload.readUInt16BE(i * 6),
      payload.readUInt32BE(i * 6 + 2),
    ]),
  );

const everyRequest = ({ calls, timed }: Recorded): readonly Request[] => [...Object.values(calls), ...timed];

/** DATA and HEADERS of a call, and which of them says that it is the last. */
const endsOf = ({ client }: Recorded, { streamId }: Request) => {
  const all = client.of(streamId).filter(({ type }) => type === data || type === headers);
  return all.map(({ type, flags }) => [type === data ? "DATA" : "HEADERS", (flags & Flag.endStream) !== 0]);
};

const callDefinition = ["te", "grpc-timeout", "content-type", "grpc-encoding", "grpc-accept-encoding", "user-agent"];

const rules: readonly Rule<Recorded>[] = [
  {
    source: "RFC 9113, 3.4",
    rule: "the preface comes first, and SETTINGS right behind it",
    check({ client }) {
      expect(client.preface).toEqual(preface);
      expect(client.frames[0]).toMatchObject({ type: settings, flags: 0, streamId: 0 });
    },
  },
  {
    source: "RFC 9113, 6.5.2",
    rule: "ENABLE_PUSH is 0: nobody wants a push",
    check: ({ client }) => expect(settingsOf(client.frames[0]!.payload).get(2)).toBe(0),
    notOnGrpcJs: "node:http2 is not told to, and nobody pushes",
  },
  {
    source: "RFC 9113, 6.5.3",
    rule: "the server's SETTINGS are acknowledged, with nothing in it",
    check: ({ client }) =>
      expect(client.of(0, settings).filter(({ flags }) => flags === Flag.ack)[0]?.payload).toHaveLength(0),
  },
  {
    source: "RFC 9113, 5.1.1",
    rule: "streams have odd numbers, each higher than the one before",
    check({ client }) {
      const opened = client.frames.filter(({ type }) => type === headers).map(({ streamId }) => streamId);
      expect(opened.every((id) => id % 2 === 1)).toBe(true);
      expect(opened).toEqual([...new Set(opened)].sort((a, b) => a - b));
    },
  },
  {
    source: "RFC 9113, 4.1",
    rule: "no bit that is reserved, and no frame that is longer than the server takes",
    check({ client }) {
      expect(client.frames.every(({ streamId }) => streamId < 2 ** 31)).toBe(true);
      expect(Math.max(...client.frames.map(({ payload }) => payload.length))).toBeLessThanOrEqual(16_384);
    },
  },
  {
    source: "RFC 9113, 8.3",
    rule: "pseudo-header fields come before all others, each once",
    check(recorded) {
      for (const { fields } of everyRequest(recorded)) {
        const names = namesOf(fields);
        const pseudo = names.slice(0, 4);
        expect([...pseudo].sort()).toEqual([":authority", ":method", ":path", ":scheme"]);
        expect(names.slice(4).filter((name) => name.startsWith(":"))).toEqual([]);
      }
    },
  },
  {
    source: "PROTOCOL-HTTP2, Method, Scheme, Path, Authority",
    rule: "POST, http, /package.Service/Method, the target",
    check({ calls, address }) {
      const paths = { plain: methods.unary, serverStream: methods.serverStream, bidiStream: methods.bidiStream };
      expect(methods.unary.path).toBe("/kinds.v1.Kinds/Unary");
      for (const [name, { path }] of Object.entries(paths)) {
        const { fields } = calls[name as CallName];
        const pseudo = Object.fromEntries(fields.slice(0, 4));
        expect(pseudo).toEqual({ ":method": "POST", ":scheme": "http", ":path": path, ":authority": address });
      }
    },
  },
  {
    source: "RFC 9113, 8.2.1 and 8.2.2",
    rule: "names in lower case, and none that belongs to a connection of HTTP/1.1",
    check(recorded) {
      for (const name of everyRequest(recorded).flatMap(({ fields }) => namesOf(fields))) {
        expect(name).toMatch(/^:?[!#$%&'*+\-.^_`|~0-9a-z]+$/);
        expect(["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"]).not.toContain(name);
      }
    },
  },
  {
    source: "PROTOCOL-HTTP2, TE and Content-Type",
    rule: "te: trailers, and application/grpc, once each",
    check(recorded) {
      for (const { fields } of everyRequest(recorded)) {
        expect(valuesOf(fields, "te")).toEqual(["trailers"]);
        expect(valuesOf(fields, "content-type")).toEqual([expect.stringMatching(/^application\/grpc(\+proto)?$/)]);
      }
    },
  },
  {
    source: "PROTOCOL-HTTP2, Timeout",
    rule: "at most eight digits and a unit, not more than a part of it over the time that is left; without a deadline none",
    check({ calls, timed }) {
      expect(valuesOf(calls.plain.fields, "grpc-timeout")).toEqual([]);
      for (const [i, { fields }] of timed.slice(0, -1).entries()) {
        const [value, ...more] = valuesOf(fields, "grpc-timeout");
        expect(more).toEqual([]);
        expect(millis(value!)).toBeGreaterThan(timeouts[i]! - 10_000);
        expect(millis(value!)).toBeLessThanOrEqual(timeouts[i]! * 1.001 + 1);
      }
    },
  },
  {
    source: "PROTOCOL-HTTP2, Timeout",
    rule: "one of years is sent too, in a unit that has room for it",
    check: ({ timed }) => expect(valuesOf(timed.at(-1)!.fields, "grpc-timeout")).toEqual(["100000H"]),
    notOnGrpcJs: "of more than 24 days it sends none",
  },
  {
    source: "PROTOCOL-HTTP2, Request-Headers",
    rule: "the timeout comes right behind the pseudo-header fields",
    check: ({ calls }) => expect(calls.full.fields[4]![0]).toBe("grpc-timeout"),
    notOnGrpcJs: "it stands behind the custom metadata",
  },
  {
    source: "PROTOCOL-HTTP2, Request-Headers",
    rule: "Call-Definition comes before Custom-Metadata",
    check({ calls }) {
      const names = namesOf(calls.full.fields);
      const last = Math.max(...callDefinition.map((name) => names.indexOf(name)));
      for (const name of customNames) expect(names.indexOf(name)).toBeGreaterThan(last);
    },
    notOnGrpcJs: "te, content-type and user-agent stand behind it",
  },
  {
    source: "PROTOCOL-HTTP2, Custom-Metadata",
    rule: "no field besides those of the call: whatever else begins with grpc- is not ours to use",
    check({ calls }) {
      const known = [...callDefinition, ":method", ":scheme", ":path", ":authority"];
      expect(namesOf(calls.plain.fields).filter((name) => !known.includes(name))).toEqual([]);
    },
    notOnGrpcJs: "it says accept-encoding: identity too, which HTTP knows",
  },
  {
    source: "PROTOCOL-HTTP2, Custom-Metadata",
    rule: "the values of one key keep their order, each a field; blanks and commas in them are theirs",
    check({ calls: { full } }) {
      expect(valuesOf(full.fields, "x-text")).toEqual(["one", "two"]);
      expect(valuesOf(full.fields, "x-blank")).toEqual(["a b, c"]);
    },
  },
  {
    source: "PROTOCOL-HTTP2, Binary-Header",
    rule: "bytes are base64, of the alphabet of RFC 4648 section 4",
    check({ calls: { full } }) {
      const decoded = ["x-one-bin", "x-two-bin"].map((name) =>
        valuesOf(full.fields, name).map((value) => Buffer.from(value.replace(/=+$/, ""), "base64").toString("hex")),
      );
      expect(decoded).toEqual([["fbff"], ["fbff", "01"]]);
      expect(valuesOf(full.fields, "x-one-bin")[0]).toMatch(/^\+\/8=?$/);
    },
  },
  {
    source: "PROTOCOL-HTTP2, Binary-Header",
    rule: "and are not padded",
    check: ({ calls: { full } }) => expect(valuesOf(full.fields, "x-two-bin")).toEqual(["+/8", "AQ"]),
    notOnGrpcJs: "it pads; every reader takes both",
  },
  {
    source: "PROTOCOL-HTTP2, Message-Accept-Encoding",
    rule: "it says what it reads",
    check({ calls: { plain } }) {
      const [value, ...more] = valuesOf(plain.fields, "grpc-accept-encoding");
      expect([value!.split(",").sort(), more]).toEqual([["deflate", "gzip", "identity"], []]);
    },
  },
  {
    source: "PROTOCOL-HTTP2, Message-Encoding and Compressed-Flag",
    rule: "a message with the flag 1 is in the encoding that the headers name",
    check({ client, calls: { compressed } }) {
      expect(valuesOf(compressed.fields, "grpc-encoding")).toEqual(["gzip"]);
      const [{ flag, bytes }, ...more] = messagesOf(client.of(compressed.streamId, data)) as [
        { flag: number; bytes: Buffer },
      ];
      expect([flag, more]).toEqual([1, []]);
      expect(methods.unary.request.decode(gunzipSync(bytes))).toMatchObject(note);
    },
  },
  {
    source: "PROTOCOL-HTTP2, Length-Prefixed-Message",
    rule: "a byte 0, four bytes of length, the most significant first, and the message",
    check({ client, calls: { plain } }) {
      const body = Buffer.concat(client.of(plain.streamId, data).map(({ payload }) => payload));
      // Field 1 of Note is a text, field 2 a number.
      const encoded = Buffer.concat([Buffer.of(0x0a, 0xac, 0x02), Buffer.alloc(300, "x"), Buffer.of(0x10, 7)]);
      expect(body).toEqual(Buffer.concat([Buffer.of(0, 0, 0, encoded.length >> 8, encoded.length & 0xff), encoded]));
    },
  },
  {
    source: "PROTOCOL-HTTP2, User-Agents",
    rule: "grpc- and a language, a variant, a version",
    check(recorded) {
      for (const { fields } of everyRequest(recorded)) {
        expect(valuesOf(fields, "user-agent")).toEqual([
          expect.stringMatching(/^grpc-[a-z]+(-[a-z]+)?\/\d+\.\d+\.\d+( \([^)]*\))?$/),
        ]);
      }
    },
  },
  ...(["plain", "serverStream", "clientStream", "bidiStream"] as const).map(
    (name): Rule<Recorded> => ({
      source: "PROTOCOL-HTTP2, EOS",
      rule: `of ${name === "plain" ? "unary" : name}: no more than the last DATA has END_STREAM, and no HEADERS follow`,
      check(recorded) {
        const [first, ...rest] = endsOf(recorded, recorded.calls[name]);
        expect(first).toEqual(["HEADERS", false]);
        expect(rest.map(([type]) => type)).toEqual(rest.map(() => "DATA"));
        expect(rest.map(([, ends]) => ends)).toEqual(rest.map((_, i) => i === rest.length - 1));
        const sent = messagesOf(recorded.client.of(recorded.calls[name].streamId, data));
        expect(sent).toHaveLength(name === "clientStream" || name === "bidiStream" ? 2 : 1);
      },
    }),
  ),
  {
    source: "PROTOCOL-HTTP2, EOS",
    rule: "a stream without a request is an empty DATA with END_STREAM",
    check(recorded) {
      const { calls, client } = recorded;
      expect(endsOf(recorded, calls.noRequests)).toEqual([
        ["HEADERS", false],
        ["DATA", true],
      ]);
      expect(client.of(calls.noRequests.streamId, data)[0]!.payload).toHaveLength(0);
    },
  },
  ...(["cancelled", "cancelledRequests", "late"] as const).map(
    (name): Rule<Recorded> => ({
      source: "PROTOCOL-HTTP2, Client Cancellation",
      rule: `a call that is ${name === "late" ? "late" : "cancelled"}${name === "cancelledRequests" ? " while it sends" : ""} is reset with CANCEL, and nothing comes on it any more`,
      check({ client, calls }) {
        const all = client.of(calls[name].streamId);
        const resets = all.filter(({ type }) => type === rstStream);
        expect(resets.map(({ payload }) => payload.readUInt32BE(0))).toEqual([8]);
        expect(all.at(-1)).toBe(resets[0]);
      },
    }),
  ),
  {
    source: "PROTOCOL-HTTP2, Early Server Closure",
    rule: "where the answer comes before the end of the request, the client resets the stream with NO_ERROR",
    check: ({ client, calls: { answeredEarly } }) =>
      expect(client.of(answeredEarly.streamId).at(-1)).toMatchObject({ type: rstStream, payload: Buffer.alloc(4) }),
    notOnGrpcJs: "it ends its half instead",
  },
  {
    source: "RFC 9113, 8.4",
    rule: "nobody resets a call that has ended well",
    check({ client, calls }) {
      for (const name of ["plain", "serverStream", "clientStream", "bidiStream"] as const)
        expect(client.of(calls[name].streamId, rstStream)).toEqual([]);
    },
  },
  {
    source: "RFC 9113, 5.4.1 and 6.8",
    rule: "close() says GOAWAY, without an error, before the connection ends",
    check({ client }) {
      const all = client.of(0, goaway);
      expect(all.map(({ payload }) => [payload.readUInt32BE(0), payload.readUInt32BE(4)])).toContainEqual([0, 0]);
      expect(client.frames.at(-1)!.type).toBe(goaway);
    },
  },
];

describe.each(wireTransports)("a client on $name", ({ name, transport }) => {
  let recorded: Recorded;
  beforeAll(async () => {
    recorded = await record(transport);
  });

  test.each(rules.map((rule) => ({ rule, title: titleOf(rule, name) })))("$title", ({ rule }) =>
    checkRule(rule, name, recorded),
  );

  test("PROTOCOL-HTTP2, Scheme: https over TLS; the authority is what was asked for", async () => {
    const pem = (file: string) => readFileSync(`fixtures/tls/${file}`);
    const server = createSecureServer({ cert: pem("server.pem"), key: pem("server.key") });
    const peer = new Peer(server as unknown as Http2Server);
    const port = await peer.start();
    const channel = dial(`localhost:${port}`, { transport, credentials: tls({ ca: pem("ca.pem") }) });
    await kindsClient(channel).unary({});
    await channel.close();
    await peer.stop();
    const pseudo = Object.fromEntries(peer.requests[0]!.fields.slice(0, 4));
    expect(pseudo).toMatchObject({ ":scheme": "https", ":authority": `localhost:${port}`, ":method": "POST" });
  });
});
