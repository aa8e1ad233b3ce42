/** grpc-go as a peer: that its program is right, and a pair in each direction. The matrix has all of them. */
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { type CaseName, defaultConcurrentCalls, defaultSoak } from "../../interop/description.js";
import { runClient, startServer } from "../../interop/matrix/programs.js";
import { sides } from "../../interop/matrix/sides.js";
import { grpcGo, missingForGrpcGo } from "../../interop/peers/go/side.js";
import { applicable, attempt } from "../../interop/peers/peer.js";
import { trunkline } from "../../interop/peers/trunkline/trunkline.js";
import { serve, wrongs } from "../../test/interop/wrong-servers.js";

const missing = missingForGrpcGo();

// In a run of many files jest does not show the titles of what it skips.
if (missing !== undefined) console.warn(`go-peer.test.ts is skipped: ${missing}`);
const describeWithGo = missing === undefined ? describe : describe.skip;

/** Milliseconds for the first build; the next ones take a second. */
const buildTimeoutMs = 300_000;

/** What takes long is left to the matrix. */
const long: readonly CaseName[] = ["concurrent_large_unary", "rpc_soak", "channel_soak"];

describeWithGo(`grpc-go${missing === undefined ? "" : ` (skipped: ${missing})`}`, () => {
  beforeAll(() => grpcGo.prepare(), buildTimeoutMs);

  const ours = sides.find(({ name }) => name === "http2, ts-proto")!;
  const options = { transport: "http2", messages: "ts-proto", useTls: true };
  const casesOf = (client: typeof ours, server: typeof ours) =>
    applicable(client.limitations.client, server.limitations.server, options).cases.filter(
      (name) => !long.includes(name),
    );

  describe("its client, against a server of ours with", () => {
    test.each(wrongs)("$wrong: $testCase", async (wrong) => {
      const { server, port } = await serve(wrong);
      try {
        const pair = { client: grpcGo, server: ours, security: wrong.useTls ? "TLS" : "plaintext" } as const;
        const outcomes = await runClient(pair, [wrong.testCase], port);
        expect(outcomes.get(wrong.testCase)).toMatch(wrong.says);
      } finally {
        await server.shutdown();
      }
    });
  });

  test("its client passes against our server", async () => {
    const server = await trunkline.serve!(0, options);
    try {
      const pair = { client: grpcGo, server: ours, security: "TLS" } as const;
      const cases = casesOf(grpcGo, ours);
      const outcomes = await runClient(pair, cases, server.port);
      expect([...outcomes]).toEqual(cases.map((name) => [name, undefined]));
    } finally {
      await server.stop();
    }
  });

  test("our client passes against its server, which then stops by itself", async () => {
    const server = await startServer(grpcGo, "TLS");
    const outcomes: [CaseName, string | undefined][] = [];
    const cases = casesOf(ours, grpcGo);
    const clientOptions = {
      ...options,
      useTestCa: true,
      serverHostOverride: "server.test",
      soak: defaultSoak,
      concurrentCalls: defaultConcurrentCalls,
    };
    for (const name of cases) {
      outcomes.push([name, await attempt(trunkline, name, `127.0.0.1:${server.port}`, clientOptions)]);
    }
    expect(await server.stop()).toBeUndefined();
    expect(outcomes).toEqual(cases.map((name) => [name, undefined]));
  });

  test.each([
    [["fly"], 'the first argument cannot be "fly": there are server, client\n'],
    [["server", "--prot=1"], /^server: flag provided but not defined: -prot: there are --port, .*--use_tls\n$/],
    [["server", "--use_tls", "yes"], /^server: invalid value "yes" for flag -use_tls: there are true, false: .*\n$/],
    [["client", "--test_case=fly"], "client: --server_port is missing: a port is a number up to 65535\n"],
    [["client", "--server_port=1", "--test_case=fly"], /^client: --test_case cannot be "fly": there are .*\n$/],
  ])("wrong arguments are one line and exit 2: %s", (args, says) => {
    const [program] = grpcGo.command("client", []);
    const { status, stdout, stderr } = spawnSync(program, args, { encoding: "utf8" });
    expect({ status, stdout, stderr }).toEqual({
      status: 2,
      stdout: "",
      stderr: typeof says === "string" ? says : expect.stringMatching(says),
    });
  });

  test("its sources are formatted", () => {
    const folder = "interop/peers/go";
    const files = readdirSync(folder).filter((name) => name.endsWith(".go"));
    expect(files).toContain("main.go");
    const { status, stdout } = spawnSync("/usr/bin/gofmt", ["-l", ...files.map((name) => join(folder, name))], {
      encoding: "utf8",
    });
    expect({ status, stdout }).toEqual({ status: 0, stdout: "" });
  });
});
