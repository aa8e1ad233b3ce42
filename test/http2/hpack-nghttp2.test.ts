/** HPACK against an end that no one here wrote: node:http2, which is nghttp2, reads our blocks and we read its. */
import { once } from "node:events";
import * as http2 from "node:http2";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { type Random, seeded } from "../fuzz/target.js";
import { closed } from "../runtime/closed.js";
import type { Pair } from "./hpack-blocks.js";
import { HpackPeer, type Received } from "./hpack-peer.js";

const tableSizes = [0, 100, 4096, 65_536];
const requestCount = 150;

/** Lists as both ends take them: pseudo-header fields first, values of visible characters. */
function list(random: Random, pseudo: readonly Pair[]): Pair[] {
  const names = [
    "content-type",
    "user-agent",
    "x-tenant",
    "x-request-id",
    "traceparent",
    "grpc-timeout",
    "accept",
    "etag",
  ];
  const regular = names
    .filter(() => random.int(3) > 0)
    .concat(random.int(8) === 0 ? [`x-${random.int(1000)}`] : [])
    .map((name): Pair => [name, value(random, name)]);
  return [...pseudo, ...regular];
}

function value(random: Random, name: string): string {
  if (random.int(3) > 0) return `${name} ${random.int(3)}`;
  if (random.int(30) === 0) return "long {value} ".repeat(random.int(200)).trim();
  return Array.from({ length: 1 + random.int(40) }, () => String.fromCharCode(33 + random.int(94))).join("");
}

const pairsOf = ({ fields }: Received) => fields.map(({ name, value }): Pair => [name, value]);

/** A client of node:http2, and the other end of its socket. */
async function nodeClient(options: http2.ClientSessionOptions = {}) {
  const listener = createServer();
  const accepted = new Promise<Socket>((resolve) => listener.once("connection", resolve));
  await once(listener.listen(0, "127.0.0.1"), "listening");
  const client = http2.connect(`http://127.0.0.1:${(listener.address() as AddressInfo).port}`, options);
  const socket = await accepted;
  const stop = async () => {
    client.destroy();
    const end = closed(socket);
    socket.destroy();
    await end;
    await new Promise((resolve) => listener.close(resolve));
  };
  return { client, socket, stop };
}

/** As node:http2 tells them: a flat list. */
function paired(raw: readonly string[]): Pair[] {
  return raw.flatMap((name, i) => (i % 2 === 0 ? [[name, raw[i + 1]!] as const] : []));
}

const objectOf = (pairs: readonly Pair[]) => Object.fromEntries(pairs);

const withoutDate = { endStream: true, sendDate: false };

/** Pseudo-header fields that change, each of their own way. */
const pseudoOf = (random: Random): Pair[] => [
  [":method", random.int(2) === 0 ? "POST" : "GET"],
  [":authority", "localhost:50051"],
  [":scheme", "http"],
  [":path", `/greeter.v1.Greeter/${random.int(5)}`],
];

const seed = Date.now();

describe(`seed ${seed}`, () => {
  describe.each(tableSizes)("a table of %i bytes", (tableBytes) => {
    const options = { settings: { headerTableSize: tableBytes }, maxDeflateDynamicTableSize: tableBytes };

    test("a server reads our requests, and we read its responses", async () => {
      const random = seeded(seed);
      const server = http2.createServer(options);
      const seen: Pair[][] = [];
      const sent: Pair[][] = [];
      server.on("stream", (stream: http2.ServerHttp2Stream, _headers: object, _flags: number, raw: string[]) => {
        seen.push(paired(raw));
        const response = list(random, [[":status", random.int(3) > 0 ? "200" : "404"]]);
        sent.push(response);
        stream.respond(objectOf(response), withoutDate);
      });
      await once(server.listen(0, "127.0.0.1"), "listening");
      const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
      try {
        const peer = new HpackPeer(socket, tableBytes, "client");
        await peer.settled;
        const requests: Pair[][] = [];
        const responses: Pair[][] = [];
        for (let i = 0; i < requestCount; i++) {
          const request = list(random, pseudoOf(random));
          requests.push(request);
          peer.send(1 + 2 * i, request);
          responses.push(pairsOf(await peer.receive()));
        }
        expect(seen).toEqual(requests);
        expect(responses).toEqual(sent);
        const used = [peer.encoder.table.length > 0, peer.decoder.table.length > 0];
        expect(used).toEqual(tableBytes > 100 ? [true, true] : [false, tableBytes > 0]);
      } finally {
        const end = closed(socket);
        socket.destroy();
        await end;
        await new Promise((resolve) => server.close(resolve));
      }
    });

    test("we read a client's requests, and it reads our responses", async () => {
      const random = seeded(seed + 1);
      const { client, socket, stop } = await nodeClient(options);
      try {
        const peer = new HpackPeer(socket, tableBytes, "server");
        await Promise.all([peer.settled, once(client, "remoteSettings")]);
        const [sent, requests, responses, seen]: Pair[][][] = [[], [], [], []];
        for (let i = 0; i < requestCount; i++) {
          const request = list(random, pseudoOf(random));
          sent!.push(request);
          const stream = client.request(objectOf(request), { endStream: true });
          const answered = once(stream, "response");
          const received = await peer.receive();
          requests!.push(pairsOf(received));
          const response = list(random, [[":status", "200"]]);
          responses!.push(response);
          peer.send(received.stream, response);
          const [, , raw] = await answered;
          seen!.push(paired(raw as string[]));
          await once(stream.resume(), "close");
        }
        expect(requests).toEqual(sent);
        expect(seen).toEqual(responses);
        expect(peer.decoder.table.maxBytes).toBeLessThanOrEqual(tableBytes);
        expect(peer.encoder.table.length > 0).toBe(tableBytes > 100);
      } finally {
        await stop();
      }
    });
  });
});

test("what a client calls sensitive comes as such, and so does what we call sensitive", async () => {
  const { client, socket, stop } = await nodeClient();
  try {
    const peer = new HpackPeer(socket, 4096, "server");
    const headers = { "x-key": "secret", "x-id": "1", [http2.sensitiveHeaders]: ["x-key"] };
    const stream = client.request(headers, { endStream: true });
    const answered = once(stream, "response");
    const { fields, stream: id } = await peer.receive();
    const isSensitive = Object.fromEntries(fields.map((field) => [field.name, field.isSensitive]));
    expect(isSensitive).toMatchObject({ "x-key": true, "x-id": false });
    const cookie: Pair = ["set-cookie", "secret"];
    peer.send(id, [[":status", "200"], cookie]);
    const [response] = await answered;
    expect(response[http2.sensitiveHeaders]).toEqual(["set-cookie"]);
    await once(stream.resume(), "close");
  } finally {
    await stop();
  }
});
