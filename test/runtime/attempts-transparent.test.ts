/** Calls that a server has provably not processed: over a wire, from a server that says so in HTTP/2. */
import { constants, createServer, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { Code, type DialOptions, dial, type RetryPolicy } from "@trunkline/runtime";
import { kindsClient } from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import { collect } from "./kinds.js";
import { wireTransports } from "./transports.js";

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const { NGHTTP2_CANCEL, NGHTTP2_INTERNAL_ERROR, NGHTTP2_REFUSED_STREAM } = constants;
const frame = Buffer.alloc(5);

/** Puts an end to a stream in a way that says whether it was looked at. */
type Refuse = (stream: ServerHttp2Stream) => void;
const refuse: Refuse = (stream) => stream.close(NGHTTP2_REFUSED_STREAM);
/** No stream was the last one to be processed: the client may send this one to another connection. */
const goAway: Refuse = (stream) => {
  stream.session?.goaway(0, 0);
  refuse(stream);
};

interface Refusing {
  readonly address: string;
  /** `grpc-previous-rpc-attempts` of each stream that has come. */
  readonly seen: unknown[];
}

/** A server that ends so many streams with `end`, and answers all others with an empty message. */
async function refusing(times: number, end: Refuse): Promise<Refusing> {
  const seen: unknown[] = [];
  const sessions: ServerHttp2Session[] = [];
  const server = createServer();
  server.on("session", (session) => sessions.push(session));
  server.on("stream", (stream, headers) => {
    stream.on("error", () => {}); // A stream that is reset is one, to its own server too.
    if (seen.push(headers["grpc-previous-rpc-attempts"]) <= times) return end(stream);
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.resume().on("end", () => stream.end(frame));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(async () => {
    for (const session of sessions) session.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

const policy: RetryPolicy = {
  maxAttempts: 2,
  initialBackoffMs: 1,
  maxBackoffMs: 1,
  backoffMultiplier: 1,
  codes: [Code.UNAVAILABLE],
};

describe.each(wireTransports)("a call that was not processed, on $name", ({ transport }) => {
  function client({ address }: Refusing, options: DialOptions = {}) {
    // After a GOAWAY the call waits for the next connection.
    const channel = dial(address, { transport, backoff: { initialMs: 10 }, ...options });
    closers.push(() => channel.close());
    return kindsClient(channel);
  }

  const policies: [string, DialOptions][] = [
    ["without a policy", {}],
    ["where no retry is wanted", { retry: false }],
    ["where the policy is for other failures", { retry: { ...policy, codes: [Code.ABORTED] } }],
  ];
  const refusals: [string, Refuse][] = [
    ["REFUSED_STREAM", refuse],
    ["GOAWAY", goAway],
  ];
  const cases = policies.flatMap(([when, options]) => refusals.map(([how, end]) => [how, when, options, end] as const));
  test.each(cases)("refused by %s is made again, %s, and is no attempt more", async (_how, _when, options, end) => {
    const server = await refusing(1, end);
    await expect(client(server, options).unary({ text: "x" })).resolves.toMatchObject({ text: "" });
    expect(server.seen).toEqual([undefined, undefined]);
  });

  test("is made again with all of its requests, of every kind", async () => {
    const calls: ((to: ReturnType<typeof client>) => Promise<unknown>)[] = [
      (to) => to.clientStream([{ text: "a" }, { text: "b" }]),
      (to) => collect(to.serverStream({ text: "a" })),
      (to) => collect(to.bidiStream([{ text: "a" }, { text: "b" }])),
    ];
    for (const call of calls) {
      const server = await refusing(1, refuse);
      await call(client(server));
      expect(server.seen).toEqual([undefined, undefined]);
    }
  });

  test("and is refused again has failed; a policy then counts that as its first attempt", async () => {
    const twice = await refusing(2, refuse);
    await expect(client(twice).unary({})).rejects.toMatchObject({ code: Code.UNAVAILABLE });
    expect(twice.seen).toEqual([undefined, undefined]);
    const withPolicy = await refusing(2, refuse);
    await expect(client(withPolicy, { retry: policy }).unary({})).resolves.toMatchObject({ text: "" });
    expect(withPolicy.seen).toEqual([undefined, undefined, "1"]);
  });

  test.each([
    ["CANCEL", NGHTTP2_CANCEL],
    ["INTERNAL_ERROR", NGHTTP2_INTERNAL_ERROR],
  ])("one that may have been processed is not made again: %s", async (_name, code) => {
    const server = await refusing(1, (stream) => stream.close(code));
    await expect(client(server).unary({})).rejects.toMatchObject({ attempts: 1 });
    expect(server.seen).toHaveLength(1);
  });
});
