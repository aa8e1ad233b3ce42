/** RFC 9113, section 5.1: every kind of frame on a stream in every state, at both ends. */
import { type ClientChannel, dial } from "@trunkline/runtime";
import { KindsDesc, kindsClient } from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import { startKinds, stopKinds } from "../runtime/kinds.js";
import { frame, headerBlock } from "../runtime/raw-frames.js";
import * as raw from "./raw-peer.js";

const { continuation, data, endHeaders, endStream, headers, message, priority, pushPromise, request, rstStream } = raw;
const { uint32, windowUpdate } = raw;

const unary = KindsDesc.methods.unary.path;
const serverStream = KindsDesc.methods.serverStream.path;
const clientStream = KindsDesc.methods.clientStream.path;

const lives = "lives";
const protocolError = "GOAWAY PROTOCOL_ERROR";

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
  await stopKinds();
});

/** On stream 1. */
const kinds = {
  DATA: frame(data, 0, 1, message()),
  PRIORITY: frame(priority, 0, 1, Buffer.alloc(5)),
  RST_STREAM: frame(rstStream, 0, 1, uint32(8)),
  WINDOW_UPDATE: frame(windowUpdate, 0, 1, uint32(9)),
  CONTINUATION: frame(continuation, endHeaders, 1, raw.nothing),
  PUSH_PROMISE: frame(pushPromise, endHeaders, 1, Buffer.concat([uint32(2), headerBlock(raw.requestFields(unary))])),
};
type Kind = keyof typeof kinds | "HEADERS" | "HEADERS with END_STREAM" | "DATA with END_STREAM";
type Outcomes = { readonly [kind in Kind]: string };

/** How a stream comes to be in its state, and what is made of each frame then; the reset of its own is no complaint. */
type States<Reach> = { readonly [state: string]: readonly [reach: Reach, outcomes: Outcomes] };

const rowsOf = <Reach>(states: States<Reach>) =>
  Object.entries(states).flatMap(([state, [reach, outcomes]]) =>
    (Object.entries(outcomes) as [Kind, string][]).map(([kind, outcome]) => ({ kind, state, reach, outcome })),
  );

/** Wrong in every state. */
const never = { CONTINUATION: protocolError, PUSH_PROMISE: protocolError };

/** Of a stream that the other end has closed: who sent it may not have known. */
const forgiven: Outcomes = {
  ...never,
  ...{ DATA: lives, "DATA with END_STREAM": lives, HEADERS: lives, "HEADERS with END_STREAM": lives },
  ...{ PRIORITY: lives, RST_STREAM: lives, WINDOW_UPDATE: lives },
};

describe("a server, of whose stream a client says", () => {
  const sent = {
    ...kinds,
    HEADERS: request(1, clientStream),
    "HEADERS with END_STREAM": request(1, clientStream, endHeaders | endStream),
    "DATA with END_STREAM": frame(data, endStream, 1, message()),
  };

  const states: States<(peer: raw.RawPeer) => Promise<unknown>> = {
    idle: [
      async () => {},
      {
        ...never,
        ...{ DATA: protocolError, "DATA with END_STREAM": protocolError },
        ...{ HEADERS: lives, "HEADERS with END_STREAM": lives, PRIORITY: lives },
        ...{ RST_STREAM: protocolError, WINDOW_UPDATE: protocolError },
      },
    ],
    open: [
      async (peer) => peer.write(request(1, clientStream)),
      {
        ...never,
        ...{ DATA: lives, "DATA with END_STREAM": lives, PRIORITY: lives, RST_STREAM: lives, WINDOW_UPDATE: lives },
        HEADERS: "RST_STREAM 1 PROTOCOL_ERROR",
        // Trailers, but those that follow begin like a request.
        "HEADERS with END_STREAM": "RST_STREAM 1 PROTOCOL_ERROR",
      },
    ],
    "half-closed (remote)": [
      async (peer) => peer.write(request(1, serverStream), frame(data, endStream, 1, message())),
      {
        ...never,
        ...{ DATA: "RST_STREAM 1 STREAM_CLOSED", "DATA with END_STREAM": "RST_STREAM 1 STREAM_CLOSED" },
        ...{ HEADERS: "RST_STREAM 1 STREAM_CLOSED", "HEADERS with END_STREAM": "RST_STREAM 1 STREAM_CLOSED" },
        ...{ PRIORITY: lives, RST_STREAM: lives, WINDOW_UPDATE: lives },
      },
    ],
    "closed, by END_STREAM of both ends": [
      (peer) => peer.call(1, unary),
      {
        ...never,
        ...{ DATA: "RST_STREAM 1 STREAM_CLOSED", "DATA with END_STREAM": "RST_STREAM 1 STREAM_CLOSED" },
        ...{ HEADERS: "GOAWAY STREAM_CLOSED", "HEADERS with END_STREAM": "GOAWAY STREAM_CLOSED" },
        ...{ PRIORITY: lives, RST_STREAM: lives, WINDOW_UPDATE: lives },
      },
    ],
    "closed, by RST_STREAM of the client": [
      async (peer) => peer.write(request(1, clientStream), frame(rstStream, 0, 1, uint32(8))),
      {
        ...never,
        ...{ DATA: "RST_STREAM 1 STREAM_CLOSED", "DATA with END_STREAM": "RST_STREAM 1 STREAM_CLOSED" },
        ...{ HEADERS: "GOAWAY STREAM_CLOSED", "HEADERS with END_STREAM": "GOAWAY STREAM_CLOSED" },
        ...{ PRIORITY: lives, RST_STREAM: lives, WINDOW_UPDATE: lives },
      },
    ],
    "closed, by RST_STREAM of the server": [
      async (peer) => {
        peer.write(request(1, clientStream), frame(windowUpdate, 0, 1, uint32(0)));
        await peer.first(({ type }) => type === rstStream);
        peer.frames.length = 0;
      },
      forgiven,
    ],
  };

  test.each(rowsOf(states))("$kind when it is $state: $outcome", async ({ kind, reach, outcome }) => {
    const { address } = await startKinds("http2", {
      unary: (one) => one,
      async clientStream(requests) {
        for await (const _ of requests);
        return {};
      },
      serverStream: (_request, call) => ({
        async *[Symbol.asyncIterator]() {
          await new Promise((resolve) => call.signal.addEventListener("abort", resolve));
        },
      }),
    });
    const peer = raw.RawPeer.toServer(Number(address.split(":").at(-1)));
    stops.push(() => peer.close());
    await reach(peer);
    peer.write(sent[kind]);
    if (outcome.startsWith("GOAWAY")) {
      expect(await peer.end()).toBe(outcome);
    } else {
      expect(await peer.outcome()).toBe(outcome);
      expect(await peer.call(3, unary)).toBe("0");
    }
  });
});

describe("a client, of whose stream a server says", () => {
  const answerHeaders = headerBlock({ ":status": "200", "content-type": "application/grpc" });
  const sent = {
    ...kinds,
    HEADERS: frame(headers, endHeaders, 1, answerHeaders),
    "HEADERS with END_STREAM": frame(headers, endHeaders | endStream, 1, headerBlock({ "grpc-status": "5" })),
    "DATA with END_STREAM": frame(data, endStream, 1, message()),
  };

  type Reach = (peer: raw.RawPeer, channel: ClientChannel) => Promise<unknown>;
  const call: Reach = async (peer, channel) => {
    kindsClient(channel)
      .unary({}, { retry: false })
      .catch(() => {});
    await peer.first((one) => one.type === data && one.streamId === 1);
  };
  const states: States<Reach> = {
    idle: [
      async (peer) => peer.settled(),
      {
        ...never,
        ...{ DATA: protocolError, "DATA with END_STREAM": protocolError },
        ...{ HEADERS: protocolError, "HEADERS with END_STREAM": protocolError, PRIORITY: lives },
        ...{ RST_STREAM: protocolError, WINDOW_UPDATE: protocolError },
      },
    ],
    open: [
      async (peer, channel) => {
        kindsClient(channel)
          .clientStream(pending(), { retry: false })
          .catch(() => {});
        await peer.first((one) => one.type === headers && one.streamId === 1);
      },
      {
        ...never,
        // A message before any headers is none of gRPC's.
        ...{ DATA: "RST_STREAM 1 PROTOCOL_ERROR", "DATA with END_STREAM": "RST_STREAM 1 PROTOCOL_ERROR" },
        ...{ HEADERS: lives, PRIORITY: lives, RST_STREAM: lives, WINDOW_UPDATE: lives },
        // Not without :status.
        "HEADERS with END_STREAM": "RST_STREAM 1 PROTOCOL_ERROR",
      },
    ],
    "half-closed (local)": [
      async (peer, channel) => {
        await call(peer, channel);
        peer.write(sent.HEADERS);
        await peer.settled();
      },
      {
        ...never,
        ...{ DATA: lives, "DATA with END_STREAM": lives, PRIORITY: lives, RST_STREAM: lives, WINDOW_UPDATE: lives },
        ...{ HEADERS: "RST_STREAM 1 PROTOCOL_ERROR", "HEADERS with END_STREAM": lives },
      },
    ],
    "closed, by END_STREAM of both ends": [
      async (peer, channel) => {
        await call(peer, channel);
        peer.write(raw.answer(1));
        await peer.settled();
      },
      {
        ...never,
        ...{ DATA: "RST_STREAM 1 STREAM_CLOSED", "DATA with END_STREAM": "RST_STREAM 1 STREAM_CLOSED" },
        ...{ HEADERS: lives, "HEADERS with END_STREAM": lives },
        ...{ PRIORITY: lives, RST_STREAM: lives, WINDOW_UPDATE: lives },
      },
    ],
    "closed, by RST_STREAM of the client": [
      async (peer, channel) => {
        const abort = new AbortController();
        kindsClient(channel)
          .unary({}, { retry: false, signal: abort.signal })
          .catch(() => {});
        await peer.first((one) => one.type === data && one.streamId === 1);
        abort.abort();
        await peer.first(({ type }) => type === rstStream);
        peer.frames.length = 0;
      },
      forgiven,
    ],
  };

  test.each(rowsOf(states))("$kind when it is $state: $outcome", async ({ kind, reach, outcome }) => {
    const server = await raw.RawServer.start();
    const channel = dial(server.address, { transport: "http2" });
    stops.push(
      () => channel.close({ graceMs: 0 }),
      () => server.stop(),
    );
    channel.connect();
    const peer = await server.connection();
    await reach(peer, channel);
    peer.write(sent[kind]);
    if (outcome.startsWith("GOAWAY")) {
      expect(await peer.end()).toBe(outcome);
      return;
    }
    expect(await peer.outcome()).toBe(outcome);
    // A good call on the same connection.
    const before = peer.frames.length;
    const good = kindsClient(channel).unary({}, { retry: false });
    const isRequest = (one: raw.Frame) => one.type === headers && peer.frames.indexOf(one) >= before;
    peer.write(raw.answer((await peer.first(isRequest))!.streamId));
    await expect(good).resolves.toMatchObject({ text: "" });
    expect(server.accepted).toBe(1);
  });

  /** Requests that do not come. */
  function pending(): AsyncIterable<never> {
    return { [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }) };
  }
});
