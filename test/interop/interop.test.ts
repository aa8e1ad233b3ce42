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
const allPairs = sides.flatMap((client) =>
  sides
    .filter((server) => server.peer.serve !== undefined)
    .flatMap((server) => [false, true].map((useTls) => ({ client, server, useTls }))),
);
/** With what is ours alone. */
const onlyPairOfBufCurl = allPairs.find(
  ({ client, server, useTls }) => client.peer.name === "buf-curl" && server.transport === "http2" && useTls,
);

/**
 * TLS, and what takes long, depend on the transports alone: the first pair of each does them, the matrix all. Where every
 * call is a process of its own, one pair has to do.
 */
const pairs = allPairs.filter((pair) =>
  pair.client.peer.name === "buf-curl" ? pair === onlyPairOfBufCurl : !pair.useTls || isFirstOfItsTransports(pair),
);

const long: readonly CaseName[] = ["concurrent_large_unary", "rpc_soak", "channel_soak"];

function isFirstOfItsTransports(pair: (typeof allPairs)[number]): boolean {
  const isLike = ({ client, server, useTls }: typeof pair) =>
    client.transport === pair.client.transport && server.transport === pair.server.transport && useTls === pair.useTls;
  return allPairs.find(isLike) === pair;
}

/** Machines that run tests may be slow: what a call may take is for those who run the soak. */
const soak = { ...defaultSoak, perIterationMaxAcceptableLatencyMs: 10_000, overallTimeoutSeconds: 100 };
const clientOptions = { useTestCa: true, serverHostOverride: undefined, soak, concurrentCalls: 20 };

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

describe.each(sides)("the client of $name", ({ peer, transport, messages }) => {
  test.each([
    ["the name of the certificate", { serverHostOverride: "server.test" }, undefined],
    [
      "a name that it does not have",
      { serverHostOverride: "elsewhere.test" },
      /altnames|certificate|UNAVAILABLE|connect/,
    ],
    ["the authorities of the platform", { useTestCa: false }, /certificate|UNAVAILABLE|connect/],
  ])("over TLS, with %s", async (_what, more, failure) => {
    const running = await peers[0]!.serve!(0, { transport: "http2", messages: "ts-proto", useTls: true });
    const options = { transport, messages, useTls: true, ...clientOptions, ...more };
    const outcome = await attempt(peer, "empty_unary", `127.0.0.1:${running.port}`, options);
    if (failure === undefined) expect(outcome).toBeUndefined();
    else expect(outcome).toMatch(failure);
    await running.stop();
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
