/**
 * What a client makes of answers that are not gRPC's, or not quite: those of proxies, of web servers and of broken
 * deployments (PROTOCOL-HTTP2, Responses; the HTTP to gRPC Status Code Mapping document). And what servers answer to
 * requests that are none of gRPC.
 */
import { once } from "node:events";
import {
  connect,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo } from "node:net";
import { type ClientChannel, Code, codeName, dial, RpcError } from "@trunkline/runtime";
import { KindsDesc, kindsClient } from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import { collect, startKinds, stopKinds } from "../runtime/kinds.js";
import { wireTransports } from "../runtime/transports.js";

const grpc = "application/grpc";
const empty = Buffer.alloc(5);

interface Answer {
  readonly headers: OutgoingHttpHeaders;
  /** Without it, and without trailers, the headers end the stream. */
  readonly body?: Uint8Array | string;
  readonly trailers?: OutgoingHttpHeaders;
  /** There may always be more of it. */
  readonly stays?: boolean;
  /** Before the headers. */
  readonly informational?: readonly number[];
}

type Ends = readonly [code: Code, details: RegExp];

type Row = readonly [what: string, answer: Answer, ends: Ends, onGrpcJs?: Ends];

const page = (title: string) => `<html>\n<head><title>${title}</title></head>\n${" ".repeat(300)}</html>\n`;

/** What to do, by the code that the answer stands for; by all others it is the last. */
const advice: { readonly [code: number]: RegExp } = {
  [Code.UNAVAILABLE]: /a proxy on the way does not reach the server, or takes no more calls/,
  [Code.UNAUTHENTICATED]: /a proxy on the way wants other credentials/,
  [Code.PERMISSION_DENIED]: /a proxy on the way wants other credentials/,
};
const look = /check that the target is a gRPC server, and that proxies on the way pass on HTTP\/2 and its trailers/;

/** As a proxy answers for a server that it does not reach, or does not want to reach. */
function http(status: number, code: Code, contentType = "text/html", more: OutgoingHttpHeaders = {}): Row {
  const answer = { headers: { ":status": status, "content-type": contentType, ...more }, body: page(String(status)) };
  const { source } = advice[code] ?? look;
  const says = new RegExp(`^the answer is not gRPC: HTTP status ${status} with ${contentType}; ${source}$`);
  return [`${status}, ${contentType}`, answer, [code, says]];
}

const { UNAVAILABLE, UNKNOWN, INTERNAL } = Code;

const noStatus: Ends = [UNKNOWN, /^the server ended the call without a status$/];
/** For grpc-js an end without trailers and a reset with NO_ERROR are one, and that is INTERNAL. */
const noTrailersOfGrpcJs: Ends = [INTERNAL, /Call ended without gRPC status/];
const html200: Ends = [UNKNOWN, /^the answer is not gRPC: HTTP status 200 with text\/html; check that the target is/];
const told = (code: Code, text: string): Ends => [code, new RegExp(`^${text}$`)];

const rows: readonly Row[] = [
  http(400, INTERNAL),
  http(401, Code.UNAUTHENTICATED, "application/json", { "www-authenticate": "Bearer" }),
  http(403, Code.PERMISSION_DENIED),
  http(404, Code.UNIMPLEMENTED),
  http(429, UNAVAILABLE, "text/plain"),
  http(431, INTERNAL),
  http(502, UNAVAILABLE),
  http(503, UNAVAILABLE, "text/plain"),
  http(504, UNAVAILABLE),
  ...[302, 405, 408, 413, 415, 418, 500, 501, 505, 520].map((status) => http(status, UNKNOWN)),
  [
    "502 without a body",
    { headers: { ":status": 502, "content-type": "text/html" } },
    [UNAVAILABLE, /HTTP status 502 with text\/html; a proxy on the way does not reach the server/],
  ],
  [
    "503 without a content-type, or anything",
    { headers: { ":status": 503 } },
    [UNAVAILABLE, /^the answer is not gRPC: HTTP status 503; a proxy/],
  ],
  [
    "503 with a body that might be a message",
    { headers: { ":status": 503, "content-type": "text/plain" }, body: empty },
    [UNAVAILABLE, /HTTP status 503 with text\/plain/],
  ],
  ["a page with 200", { headers: { ":status": 200, "content-type": "text/html" }, body: page("Welcome") }, html200],
  ["a page of two bytes", { headers: { ":status": 200, "content-type": "text/html" }, body: "hi" }, html200],
  ["an empty page", { headers: { ":status": 200, "content-type": "text/html" } }, html200],
  [
    "JSON with 200",
    { headers: { ":status": 200, "content-type": "application/json" }, body: '{"error":"quota"}' },
    [UNKNOWN, /HTTP status 200 with application\/json/],
  ],
  [
    "200 without a content-type",
    { headers: { ":status": 200 }, body: page("Welcome") },
    [UNKNOWN, /^the answer is not gRPC: HTTP status 200; check/],
  ],
  [
    "gRPC without trailers",
    { headers: { ":status": 200, "content-type": grpc }, body: empty },
    noStatus,
    noTrailersOfGrpcJs,
  ],
  [
    "gRPC with trailers that have no status",
    { headers: { ":status": 200, "content-type": grpc }, body: empty, trailers: { "x-a": "1" } },
    noStatus,
  ],
  [
    "headers of gRPC that end the stream without a status",
    { headers: { ":status": 200, "content-type": grpc } },
    noStatus,
  ],
  [
    "503 as gRPC, without a status",
    { headers: { ":status": 503, "content-type": grpc }, body: empty },
    [UNAVAILABLE, /HTTP status 503 with application\/grpc/],
  ],
  // Where there is a status of gRPC, it is what counts.
  [
    "404, with a status of gRPC in the same headers",
    { headers: { ":status": 404, "content-type": grpc, "grpc-status": "5", "grpc-message": "no such book" } },
    told(Code.NOT_FOUND, "no such book"),
  ],
  [
    "503 as text, with a status of gRPC in the same headers",
    { headers: { ":status": 503, "content-type": "text/plain", "grpc-status": "14", "grpc-message": "overload" } },
    told(UNAVAILABLE, "overload"),
  ],
  [
    "503 as gRPC, with a status in trailers",
    {
      headers: { ":status": 503, "content-type": grpc },
      body: "",
      trailers: { "grpc-status": "5", "grpc-message": "gone" },
    },
    told(Code.NOT_FOUND, "gone"),
  ],
  [
    "503 as gRPC, with a message and the status OK",
    { headers: { ":status": 503, "content-type": grpc }, body: empty, trailers: { "grpc-status": "0" } },
    told(Code.OK, ""),
  ],
  ...["application/grpc+proto", "application/grpc;charset=utf-8", "application/grpc+json"].map(
    (contentType): Row => [
      contentType,
      { headers: { ":status": 200, "content-type": contentType }, body: empty, trailers: { "grpc-status": "0" } },
      told(Code.OK, ""),
    ],
  ),
  [
    "103 and 100 before the answer",
    {
      informational: [103, 100, 103],
      headers: { ":status": 200, "content-type": grpc },
      body: empty,
      trailers: { "grpc-status": "0" },
    },
    told(Code.OK, ""),
  ],
  [
    "103 before 502",
    { informational: [103], headers: { ":status": 502, "content-type": "text/html" }, body: page("502") },
    [UNAVAILABLE, /HTTP status 502/],
  ],
  // A status that gRPC does not have is UNKNOWN, and its text is kept.
  ...["abc", "-1", "17", "99", "4294967296", "5.5", "5 5", "0x5"].map(
    (value): Row => [
      `a grpc-status of ${value}`,
      { headers: { ":status": 200, "content-type": grpc, "grpc-status": value, "grpc-message": "what it says" } },
      told(UNKNOWN, "what it says"),
      // Number() reads one of them.
      told(value === "0x5" ? Code.NOT_FOUND : UNKNOWN, "what it says"),
    ],
  ),
  [
    "a grpc-status with a zero before it",
    { headers: { ":status": 200, "content-type": grpc, "grpc-status": "05", "grpc-message": "lenient" } },
    told(Code.NOT_FOUND, "lenient"),
  ],
  ...(["0", "5"] as const).map(
    (inHeaders): Row => [
      `a grpc-status of ${inHeaders} in the headers, and another in the trailers`,
      {
        headers: { ":status": 200, "content-type": grpc, "grpc-status": inHeaders },
        body: empty,
        trailers: { "grpc-status": inHeaders === "0" ? "6" : "0" },
      },
      told(inHeaders === "0" ? Code.ALREADY_EXISTS : Code.OK, ""),
    ],
  ),
  ...(
    [
      ["0", "5"],
      ["5", "0"],
      ["0", "0"],
    ] as const
  ).map(
    (values): Row => [
      `the grpc-status ${values.join(" and ")}`,
      { headers: { ":status": 200, "content-type": grpc }, body: empty, trailers: { "grpc-status": [...values] } },
      told(UNKNOWN, ""),
    ],
  ),
];

/** A server of node:http2 that answers one call as it is told, and those after it as a server of gRPC. */
class Answering {
  readonly #server: Http2Server = createServer();
  readonly sessions: ServerHttp2Session[] = [];
  #next: Answer | undefined;

  constructor() {
    this.#server.on("session", (session) => this.sessions.push(session));
    this.#server.on("stream", (stream) => {
      stream.on("error", () => {}).resume(); // Whoever wants no more of it resets it.
      respond(stream, this.#next ?? well);
      this.#next = undefined;
    });
  }

  async start(): Promise<string> {
    await once(this.#server.listen(0, "127.0.0.1"), "listening");
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  answerOnce(answer: Answer): void {
    this.#next = answer;
  }

  async stop(): Promise<void> {
    for (const session of this.sessions) session.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

const well: Answer = {
  headers: { ":status": 200, "content-type": grpc },
  body: empty,
  trailers: { "grpc-status": "0" },
};

function respond(
  stream: ServerHttp2Stream,
  { headers, body, trailers, stays = false, informational = [] }: Answer,
): void {
  for (const status of informational) stream.additionalHeaders({ ":status": status });
  stream.respond(headers, { endStream: body === undefined, waitForTrailers: trailers !== undefined });
  stream.on("wantTrailers", () => stream.sendTrailers(trailers!));
  if (stays) stream.write(body);
  else if (body !== undefined) stream.end(body);
}

describe.each(wireTransports)("a client on $name", ({ name, transport }) => {
  let server: Answering;
  let channel: ClientChannel;

  beforeAll(async () => {
    server = new Answering();
    channel = dial(await server.start(), { transport });
  });
  afterAll(async () => {
    await channel.close();
    await server.stop();
  });

  /** Of a call that ends so: its status, as whoever made it sees it. */
  const failure = (call: Promise<unknown>): Promise<{ code: Code; details: string }> =>
    call.then(
      () => ({ code: Code.OK, details: "" }),
      (error) => {
        expect(error).toBeInstanceOf(RpcError);
        return error;
      },
    );

  const table = rows.map(([what, answer, ends, onGrpcJs = ends]) => {
    const [code, details] = name === "grpc-js" ? onGrpcJs : ends;
    return { what, answer, code, details };
  });

  test.each(table)("$what", async ({ answer, code, details }) => {
    const client = kindsClient(channel);
    server.answerOnce(answer);
    const ended = await failure(client.unary({}, { retry: false }));
    expect([codeName(ended.code), ended.details]).toEqual([codeName(code), expect.stringMatching(details)]);
    expect(ended.details).not.toMatch(/\n/);
    // The same of a stream, where OK means the one message.
    server.answerOnce(answer);
    const streamed = await failure(collect(client.serverStream({}, { retry: false })));
    expect([codeName(streamed.code), streamed.details]).toEqual([codeName(code), ended.details]);
    // The connection is as good as before.
    await expect(client.unary({})).resolves.toMatchObject({ text: "" });
    expect(server.sessions).toHaveLength(1);
  });

  test("what else an answer says that is not gRPC is the error's metadata, and no headers of the call", async () => {
    const location = "https://login.example/";
    const onHeaders: unknown[] = [];
    for (const body of [page("302"), undefined]) {
      const headers = { ":status": 302, "content-type": "text/html", location };
      server.answerOnce(body === undefined ? { headers } : { headers, body });
      const call = kindsClient(channel).unary({}, { retry: false, onHeaders: (metadata) => onHeaders.push(metadata) });
      const error = await call.catch((thrown) => thrown);
      expect(error.metadata.get("location")).toBe(location);
    }
    expect(onHeaders).toEqual([]);
  });

  test("an answer that is not gRPC, and does not end, is none at once; on grpc-js at the deadline", async () => {
    server.answerOnce({
      headers: { ":status": 200, "content-type": "text/event-stream" },
      body: "hi",
      stays: true,
    });
    const timeoutMs = name === "grpc-js" ? 300 : 60_000;
    const { code } = await failure(kindsClient(channel).unary({}, { timeoutMs, retry: false }));
    expect(codeName(code)).toBe(name === "grpc-js" ? "DEADLINE_EXCEEDED" : "UNKNOWN");
  });
});

describe.each(wireTransports)("a server on $name", ({ name, transport }) => {
  afterEach(stopKinds);

  const path = KindsDesc.methods.unary.path;
  const request = { ":method": "POST", ":path": path, "content-type": grpc, te: "trailers" };

  interface Request {
    readonly what: string;
    readonly headers: OutgoingHttpHeaders;
    readonly answer: OutgoingHttpHeaders;
    /** The transport has no say in it. */
    readonly onGrpcJs?: OutgoingHttpHeaders;
  }

  const served = { ":status": 200, "grpc-status": "0" };
  const unsupported = { ":status": 415 };
  const requests: readonly Request[] = [
    // PROTOCOL-HTTP2, Requests, Content-Type
    { what: "text/html", headers: { "content-type": "text/html" }, answer: unsupported },
    { what: "application/json", headers: { "content-type": "application/json" }, answer: unsupported },
    { what: "application/grp", headers: { "content-type": "application/grp" }, answer: unsupported },
    { what: "no content-type", headers: { "content-type": undefined }, answer: unsupported },
    { what: "application/grpc+proto", headers: { "content-type": "application/grpc+proto" }, answer: served },
    // Method is POST. grpc-js looks at the content-type, and not at the method.
    {
      what: "GET, as a browser asks",
      headers: { ":method": "GET", "content-type": undefined, te: undefined },
      answer: { ":status": 405 },
      onGrpcJs: unsupported,
    },
    { what: "PUT", headers: { ":method": "PUT" }, answer: { ":status": 405 }, onGrpcJs: served },
    // TE is there to find proxies that drop it; a server serves the call.
    { what: "no te", headers: { te: undefined }, answer: served },
    { what: "no user-agent", headers: { "user-agent": undefined }, answer: served },
  ];

  test.each(requests)("asked with $what", async ({ headers, answer, onGrpcJs = answer }) => {
    const { address } = await startKinds(transport, { unary: () => ({}) });
    const session = connect(`http://${address}`);
    const ask = async (own: OutgoingHttpHeaders): Promise<IncomingHttpHeaders> => {
      const all: IncomingHttpHeaders = {};
      const stream = session.request({ ...request, ...own }, { endStream: false });
      stream.on("response", (got) => Object.assign(all, got)).on("trailers", (got) => Object.assign(all, got));
      stream.resume().end(empty);
      await once(stream, "close");
      return all;
    };
    try {
      const answered = await ask(headers);
      const expected = name === "grpc-js" ? onGrpcJs : answer;
      expect(answered).toMatchObject(expected);
      // Nothing that is no call of gRPC is told that it has succeeded.
      if (expected !== served) expect(answered["grpc-status"]).not.toBe("0");
      expect(await ask({})).toMatchObject(served);
    } finally {
      session.destroy();
    }
  });
});
