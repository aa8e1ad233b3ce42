/** Cases have teeth: against a server that is wrong in the one thing that a case is about, it fails and says what. */
import type { Server } from "@trunkline/runtime";
import { defaultSoak } from "../../interop/description.js";
import { attempt } from "../../interop/peers/peer.js";
import { peers } from "../../interop/peers/peers.js";
import { serve, wrongs } from "./wrong-servers.js";

let server: Server;
afterEach(() => server.shutdown());

const clients = peers.flatMap((peer) => peer.transports.map((transport) => ({ name: peer.name, peer, transport })));

describe.each(clients)("the client of $name on $transport, against a server with", ({ peer, transport }) => {
  const cannot = peer.limitations("client", transport);

  test.each(wrongs.filter(({ testCase }) => cannot[testCase] === undefined))("$wrong: $testCase", async (wrong) => {
    const options = {
      transport,
      messages: peer.messages[0]!,
      useTls: wrong.useTls ?? false,
      useTestCa: true,
      serverHostOverride: undefined,
      soak: { ...defaultSoak, perIterationMaxAcceptableLatencyMs: 10_000, overallTimeoutSeconds: 100 },
      concurrentCalls: 20,
    };
    const serving = await serve(wrong);
    server = serving.server;
    expect(await attempt(peer, wrong.testCase, `127.0.0.1:${serving.port}`, options)).toMatch(wrong.says);
  });
});
