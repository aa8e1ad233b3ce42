/** The Python peer has teeth, and speaks with Trunkline both ways; the matrix has all of its pairs. */
import { spawnSync } from "node:child_process";
import { defaultConcurrentCalls, defaultSoak } from "../../interop/description.js";
import { runClient, startServer } from "../../interop/matrix/programs.js";
import { pairs, securities } from "../../interop/matrix/sides.js";
import { attempt } from "../../interop/peers/peer.js";
import { missingForPython, pythonPeer } from "../../interop/peers/python/side.js";
import { trunkline } from "../../interop/peers/trunkline/trunkline.js";
import { serve, wrongs } from "../../test/interop/wrong-servers.js";

const missing = missingForPython();
// In a run of many files jest does not show the titles of what it skips.
if (missing !== undefined) console.warn(`python-peer.test.ts skips all that it has: ${missing}`);
const describeWithPython = missing === undefined ? describe : describe.skip;
const skipped = missing === undefined ? "" : ` (skipped: ${missing})`;

beforeAll(() => (missing === undefined ? pythonPeer.prepare() : undefined));

const toTrunkline = (useTls: boolean) =>
  pairs.find(
    ({ client, server, security }) =>
      client === pythonPeer && server.isTrunkline && security === (useTls ? "TLS" : "plaintext"),
  )!;

describeWithPython(`the client of ${pythonPeer.name}, against a server with${skipped}`, () => {
  // A thousand calls at once are left to the matrix.
  const cannot = { ...pythonPeer.limitations.client, concurrent_large_unary: "takes long" };

  test.each(wrongs.filter(({ testCase }) => cannot[testCase] === undefined))("$wrong: $testCase", async (wrong) => {
    const { server, port } = await serve(wrong);
    const outcomes = await runClient(toTrunkline(wrong.useTls ?? false), [wrong.testCase], port);
    await server.shutdown();
    expect(outcomes.get(wrong.testCase)).toMatch(wrong.says);
  });
});

const sample = ["ping_pong", "custom_metadata", "server_compressed_streaming"] as const;

describeWithPython(`${pythonPeer.name} and Trunkline${skipped}`, () => {
  test.each(securities)("the client calls, over %s", async (security) => {
    const server = await trunkline.serve!(0, { transport: "http2", messages: "ts-proto", useTls: security === "TLS" });
    const outcomes = await runClient(toTrunkline(security === "TLS"), sample, server.port);
    await server.stop();
    expect([...outcomes]).toEqual(sample.map((name) => [name, undefined]));
  });

  test.each(securities)("the server is called, over %s, and ends as it should", async (security) => {
    const server = await startServer(pythonPeer, security);
    const options = {
      transport: "http2",
      messages: "ts-proto",
      useTls: security === "TLS",
      useTestCa: true,
      serverHostOverride: undefined,
      soak: defaultSoak,
      concurrentCalls: defaultConcurrentCalls,
    };
    for (const name of [...sample, "client_compressed_unary"] as const)
      expect([name, await attempt(trunkline, name, `127.0.0.1:${server.port}`, options)]).toEqual([name, undefined]);
    expect(await server.stop()).toBeUndefined();
  });

  test("a wrong flag is one line and exit 2", () => {
    const [file, ...args] = pythonPeer.command("server", ["--prot=1"]);
    const { status, stderr } = spawnSync(file, args, { encoding: "utf8" });
    expect([status, stderr]).toEqual([2, "server: unrecognized arguments: --prot=1\n"]);
  });
});
