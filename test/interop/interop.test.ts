/** The interop cases, every client against every server, in this process. The matrix has peers in other languages too. */
import { jest } from "@jest/globals";
import { type CaseName, defaultSoak } from "../../interop/description.js";
import { applicable, attempt, type Peer, type RunningServer } from "../../interop/peers/peer.js";
import { peers } from "../../interop/peers/peers.js";

/** A peer once for each transport and library of messages that it has. */
const sides = peers.flatMap((peer) =>
  peer.transports.flatMap((transport) =>
    peer.messages.map((messages) => ({ peer, transport, messages, name: `${peer.name} (${transport}, ${messages})` })),
  ),
);
const pairs = sides.flatMap((client) =>
  sides
    .filter((server) => server.peer.serve !== undefined)
    .flatMap((server) => [false, true].map((useTls) => ({ client, server, useTls }))),
);

/** What takes long, and depends on the transports alone, is left to the matrix but for the first pair of each. */
const long: readonly CaseName[] = ["concurrent_large_unary", "rpc_soak", "channel_soak"];

function isFirstOfItsTransports(pair: (typeof pairs)[number]): boolean {
  const isLike = ({ client, server }: typeof pair) =>
    client.transport === pair.client.transport && server.transport === pair.server.transport;
  return pairs.find(isLike) === pair;
}

const clientOptions = { useTestCa: true, serverHostOverride: undefined, soak: defaultSoak };

describe.each(pairs)("$client.name → $server.name, TLS: $useTls", (pair) => {
  const { client, server, useTls } = pair;
  let running: RunningServer;
  beforeAll(async () => {
    running = await server.peer.serve!(0, { ...server, useTls });
  });
  afterAll(() => running.stop());

  const { cases } = applicable(
    client.peer.limitations("client", client.transport),
    server.peer.limitations("server", server.transport),
    { useTls },
  );
  test.each(cases.filter((name) => isFirstOfItsTransports(pair) || !long.includes(name)))("%s", async (name) => {
    const options = { ...client, ...clientOptions, useTls };
    expect(await attempt(client.peer, name, `127.0.0.1:${running.port}`, options)).toBeUndefined();
  });
});

test("a case whose call never ends fails, and says so", async () => {
  const stuck: Peer = { ...peers[0]!, runCase: () => new Promise(() => {}) };
  const stuckOptions = { transport: "grpc-js", messages: "ts-proto", useTls: false, ...clientOptions };
  jest.useFakeTimers();
  const attempted = attempt(stuck, "empty_unary", "127.0.0.1:1", stuckOptions);
  jest.runAllTimers();
  jest.useRealTimers();
  expect(await attempted).toBe("not over after 10 s");
});
