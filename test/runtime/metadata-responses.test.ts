/** Metadata of responses, as peers that no one here wrote put it on the wire, and what a client makes of it. */
import { createServer, type OutgoingHttpHeaders, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import { Code, dial, Metadata } from "@trunkline/runtime";
import { kindsClient } from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import { startKinds, stopKinds } from "./kinds.js";
import { transports, wireTransports } from "./transports.js";

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  await stopKinds();
});

/** A server that answers every call with one empty message, between these headers and trailers. */
async function answering(headers: OutgoingHttpHeaders, trailers: OutgoingHttpHeaders): Promise<string> {
  const sessions: ServerHttp2Session[] = [];
  const server = createServer();
  server.on("session", (session) => sessions.push(session));
  server.on("stream", (stream) => {
    const response = { ":status": 200, "content-type": "application/grpc", ...headers };
    stream.respond(response, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0", ...trailers }));
    stream.resume().end(Buffer.alloc(5));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(async () => {
    for (const session of sessions) session.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe.each(wireTransports)("a response's metadata on the wire of $name", ({ transport }) => {
  async function received(pairs: OutgoingHttpHeaders): Promise<Metadata[]> {
    const channel = dial(await answering(pairs, pairs), { transport });
    closers.push(() => channel.close());
    const got: Metadata[] = [];
    const onHeaders = (headers: Metadata) => got.push(headers);
    const onTrailers = (trailers: Metadata) => got.push(trailers);
    await expect(kindsClient(channel).unary({}, { onHeaders, onTrailers })).resolves.toMatchObject({ text: "" });
    expect(got).toHaveLength(2);
    return got;
  }

  /** Of a -bin key: what a peer may write, and the bytes that it is. */
  const binaries: [string | string[], number[][]][] = [
    ["AQID", [[1, 2, 3]]],
    ["AQI=", [[1, 2]]],
    ["AQI", [[1, 2]]],
    ["AQ==", [[1]]],
    ["AQ", [[1]]],
    ["AQI,AQ==", [[1, 2], [1]]],
    [
      ["AQI=", "AQ"],
      [[1, 2], [1]],
    ],
    // No base64: no call fails of it.
    ["%%%%", [[]]],
  ];
  test.each(binaries)(
    "a binary value %p, padded or not, is bytes, in headers and in trailers",
    async (value, bytes) => {
      for (const metadata of await received({ "x-data-bin": value })) {
        expect(metadata.getAll("x-data-bin").map((one) => [...one])).toEqual(bytes);
      }
    },
  );

  test("keys are found in any case, several values stay several, and keys of a later gRPC do no harm", async () => {
    for (const metadata of await received({ "x-Several": ["1", "2"], "grpc-later": "x", "x_y.z-1": "ok" })) {
      expect(metadata.get("X-SEVERAL")).toBe(metadata.getAll("x-several")[0]);
      expect(metadata.getAll("x-several").join()).toMatch(/^1, ?2$/);
      expect(metadata.get("x_y.z-1")).toBe("ok");
    }
  });
});

describe.each(transports)("a call's metadata on $name", ({ transport }) => {
  test.each<[string, object, RegExp]>([
    ["a key with a space", { "a b": "x" }, /metadata key "a b"/],
    ["a key of the protocol", { "grpc-anything": "x" }, /"grpc-anything" belongs to the protocol/],
    ["one of them in capitals", { "GRPC-Timeout": "1S" }, /"grpc-timeout" belongs to the protocol/],
    ["text that is not ASCII", { "x-a": "naïve" }, /"x-a" is not printable ASCII/],
    ["text for bytes", { "x-a-bin": "AQID" }, /"x-a-bin" ends in -bin and so wants bytes/],
    ["bytes for text", { "x-a": Uint8Array.of(1) }, /"x-a" wants text/],
  ])("%s fails the call, unsent, with INVALID_ARGUMENT", async (_what, metadata, details) => {
    let calls = 0;
    const { client, dial } = await startKinds(transport, { unary: () => ({ number: BigInt(++calls) }) });
    const expected = { code: Code.INVALID_ARGUMENT, details: expect.stringMatching(details), attempts: 0 };
    await expect(client.unary({}, { metadata: metadata as never })).rejects.toMatchObject(expected);
    // The same where an interceptor sets it.
    const [[key, value] = ["", ""]] = Object.entries(metadata);
    const setting = dial({
      interceptors: [
        (next) => (call) => {
          call.metadata.set(key, value);
          return next(call);
        },
      ],
    });
    await expect(setting.unary({})).rejects.toMatchObject(expected);
    await expect(client.unary({})).resolves.toMatchObject({ number: 1n });
  });

  test("keys with capitals, and every value that may be, arrive in requests, headers and trailers", async () => {
    const all = {
      "X-Capital": "a",
      "x-more": ["1", "2"],
      "x-empty": "",
      "x-ascii": "~ !\"#$%&'()*+-./",
      "x-b-bin": Uint8Array.of(0, 255),
    };
    const { client } = await startKinds(transport, {
      unary(_request, call) {
        const own = [...call.metadata].filter(([key]) => key.startsWith("x-"));
        const back = new Metadata();
        for (const [key, value] of own) back.append(key, value);
        call.sendHeaders(back);
        call.trailers.merge(back);
        return {};
      },
    });
    const got: Metadata[] = [];
    const take = (metadata: Metadata) => void got.push(metadata);
    await client.unary({}, { metadata: all, onHeaders: take, onTrailers: take });
    expect(got).toHaveLength(2);
    for (const metadata of got) {
      expect(metadata.get("x-capital")).toBe("a");
      // HTTP/2 of Node.js joins what came under one key.
      expect(metadata.getAll("x-more").join()).toMatch(/^1, ?2$/);
      expect(metadata.get("x-empty")).toBe("");
      expect(metadata.get("x-ascii")).toBe(all["x-ascii"]);
      expect([...(metadata.get("x-b-bin") ?? [])]).toEqual([0, 255]);
    }
  });
});
