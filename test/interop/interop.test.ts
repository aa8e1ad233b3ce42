/** Every interop case, every client against every server, in this process. */
import { jest } from "@jest/globals";
import { caseNames } from "../../interop/description.js";
import { attempt, type Peer, type RunningServer } from "../../interop/peers/peer.js";
import { peers } from "../../interop/peers/peers.js";

/** A peer once for each transport and library of messages that it has. */
const sides = peers.flatMap((peer) =>
  peer.transports.flatMap((transport) =>
    peer.messages.map((messages) => ({ peer, transport, messages, name: `${peer.name} (${transport}, ${messages})` })),
  ),
);
const pairs = sides.flatMap((client) =>
  sides.flatMap((server) => [false, true].map((useTls) => ({ client, server, useTls }))),
);

describe.each(pairs)("$client.name → $server.name, TLS: $useTls", ({ client, server, useTls }) => {
  let running: RunningServer;
  beforeAll(async () => {
    running = await server.peer.serve(0, { ...server, useTls });
  });
  afterAll(() => running.stop());

  test.each(caseNames)("%s", async (name) => {
    expect(await attempt(client.peer, name, `127.0.0.1:${running.port}`, { ...client, useTls })).toBeUndefined();
  });
});

test("a case whose call never ends fails, and says so", async () => {
  const stuck: Peer = { ...peers[0]!, runCase: () => new Promise(() => {}) };
  const stuckOptions = { transport: "grpc-js", messages: "ts-proto", useTls: false };
  jest.useFakeTimers();
  const attempted = attempt(stuck, "empty_unary", "127.0.0.1:1", stuckOptions);
  jest.runAllTimers();
  jest.useRealTimers();
  expect(await attempted).toBe("not over after 10 s");
});
