/** A server that finds that it is pinged too often says so, and is pinged less: gRFC A8. */
import { once } from "node:events";
import { type AddressInfo, createServer, type Server as NetServer, type Socket } from "node:net";
import { type ClientChannel, dial, Server } from "@trunkline/runtime";
import { Flag, FrameType, frame } from "../runtime/raw-frames.js";
import { wireTransports } from "../runtime/transports.js";
import { holds } from "./proxied.js";

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

const goaway = frame(
  FrameType.goaway,
  0,
  0,
  Buffer.concat([Buffer.from([0, 0, 0, 0, 0, 0, 0, 11]), Buffer.from("too_many_pings")]),
);

/** Ends each connection with its first ping; tells how long after its preface that came. */
async function impatientServer(): Promise<{ readonly address: string; readonly waits: number[] }> {
  const waits: number[] = [];
  const server: NetServer = createServer((socket: Socket) => {
    let beganAt = 0;
    socket.on("error", () => {});
    socket.on("data", (bytes) => {
      if (beganAt === 0) {
        beganAt = performance.now();
        socket.write(
          Buffer.concat([
            frame(FrameType.settings, 0, 0, Buffer.alloc(0)),
            frame(FrameType.settings, Flag.ack, 0, Buffer.alloc(0)),
          ]),
        );
      }
      // A ping comes alone: there are no calls.
      if (bytes.length !== 17 || bytes[3] !== FrameType.ping) return;
      waits.push(performance.now() - beganAt);
      socket.end(goaway);
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  stops.push(() => server.close());
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, waits };
}

function connect(address: string, channelOptions: Parameters<typeof dial>[1]): ClientChannel {
  const channel = dial(address, { backoff: { initialMs: 1, maxMs: 1 }, ...channelOptions });
  stops.push(() => channel.close());
  const again = () => channel.connect();
  channel.watch((state) => state === "IDLE" && setImmediate(again));
  again();
  return channel;
}

describe.each(wireTransports.filter(({ transport }) => transport !== "grpc-js"))("on $name", ({ transport }) => {
  test("each time the client waits twice as long, on connections that are made later", async () => {
    const { address, waits } = await impatientServer();
    connect(address, { transport, keepalive: { timeMs: 25, timeoutMs: 5000, withoutCalls: true } });
    await holds(() => waits.length >= 3);
    // A timer of Node.js may be early by a millisecond; the preface is seen a little later than it was sent.
    expect(waits[0]).toBeGreaterThan(15);
    expect(waits[1]).toBeGreaterThan(40);
    expect(waits[2]).toBeGreaterThan(90);
  });

  test("a server that enforces it lets the connection live as soon as it is pinged seldom enough", async () => {
    const server = new Server({ transport, keepaliveEnforcement: { minTimeMs: 70, withoutCalls: true } });
    stops.push(() => server.shutdown());
    const { address } = await server.listen("127.0.0.1:0");
    const channel = connect(address, { transport, keepalive: { timeMs: 25, timeoutMs: 5000, withoutCalls: true } });
    const reasons: string[] = [];
    channel.onEvent((event) => {
      if (event.type === "disconnected") reasons.push(event.reason);
    });
    await holds(() => server.stats().acceptedConnections === 3);
    const { ageMs } = channel.stats;
    await holds(() => (channel.stats.ageMs ?? 0) > (ageMs ?? 0) + 500);
    expect(reasons).toHaveLength(2);
    for (const reason of reasons) expect(reason).toMatch(/ENHANCE_YOUR_CALM.*too_many_pings/);
  });
});
