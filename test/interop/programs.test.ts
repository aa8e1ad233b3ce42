/** The programs as processes: what they print and how they exit. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { Server } from "@trunkline/runtime";
import { caseNames, zeros } from "../../interop/description.js";
import { FlagError, parseCommand } from "../../interop/flags.js";
import {
  registerTestServiceServer,
  UnimplementedTestServiceServer,
} from "../../interop/gen/ts-proto/grpc/testing/test_grpc.js";
import { bundle, bundleOf } from "../../interop/matrix/bundle.js";
import { peers } from "../../interop/peers/peers.js";

const program = "interop/main.ts";
beforeAll(() => bundle(program));

const started: ChildProcess[] = [];
afterEach(() => started.splice(0).map((child) => child.kill("SIGKILL")));

function start(...args: string[]) {
  const child = spawn(process.execPath, [bundleOf(program), ...args]);
  started.push(child);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  const ended = once(child, "close").then(([code]) => ({ code: code as number | null, output }));
  return { child, ended };
}

async function startServer(...flags: string[]) {
  const server = start("server", "--port=0", ...flags);
  const [said] = await once(server.child.stdout, "data");
  const port = /^listening on 127\.0\.0\.1, port (\d+)\n$/.exec(said)![1]!;
  return { ...server, target: ["--server_host=localhost", "--server_port", port] };
}

test.each(["grpc-js", "http2"])(
  "%s: a server says its port, a client passes, and both exit with 0",
  async (transport) => {
    const server = await startServer("--use_tls", "false", "--transport", transport);
    const client = start(
      "client",
      ...server.target,
      "--test_case=ping_pong",
      "--transport",
      transport,
      "--use_tls=false",
    );
    expect(await client.ended).toEqual({ code: 0, output: "ping_pong: passed\n" });
    server.child.kill("SIGTERM");
    expect(await server.ended).toMatchObject({ code: 0 });
  },
);

test.each(["trunkline", "grpc-js"])("--use_tls is TLS, at both ends of %s", async (peer) => {
  const server = await startServer("--use_tls=true", "--peer", peer);
  const run = (useTls: boolean) =>
    start(
      "client",
      ...server.target,
      "--test_case=empty_unary",
      "--peer",
      peer,
      `--use_tls=${useTls}`,
      "--use_test_ca=true",
    ).ended;
  const [encrypted, plain] = await Promise.all([run(true), run(false)]);
  expect(encrypted).toEqual({ code: 0, output: "empty_unary: passed\n" });
  expect(plain.code).toBe(1);
});

test("where the server is wrong a client says what and exits with 1", async () => {
  const server = new Server();
  const wrong = { unaryCall: () => ({ payload: { body: zeros(3) } }) };
  registerTestServiceServer(server, Object.assign(new UnimplementedTestServiceServer(), wrong));
  const { port } = await server.listen("127.0.0.1:0");
  const client = (peer: string) => start("client", `--server_port=${port}`, "--test_case=large_unary", "--peer", peer);
  const output = "large_unary: size of the response's payload: expected 314159, got 3\n";
  const outcomes = await Promise.all([client("trunkline").ended, client("grpc-js").ended]);
  expect(outcomes).toEqual([
    { code: 1, output },
    { code: 1, output },
  ]);
  await server.shutdown();
});

test("a client makes its cases one after another, and says of each how it went", async () => {
  const server = await startServer("--transport=http2");
  const flags = ["--test_case=rpc_soak,channel_soak,ping_pong", "--soak_iterations=3", "--soak_max_failures=0"];
  const late = ["--soak_per_iteration_max_acceptable_latency_ms=0"];
  const [passed, failed] = await Promise.all([
    start("client", ...server.target, ...flags).ended,
    start("client", ...server.target, ...flags, ...late).ended,
  ]);
  expect(passed).toEqual({ code: 0, output: "rpc_soak: passed\nchannel_soak: passed\nping_pong: passed\n" });
  expect(failed.code).toBe(1);
  expect(failed.output).toMatch(
    /^rpc_soak: 3 of 3 calls failed: call 1 took \d+ ms\nchannel_soak: 3 of 3 .*\nping_pong: passed\n$/,
  );
});

test("a wrong flag is one line and exit 2", async () => {
  const { code, output } = await start("server", "--prot=1").ended;
  expect(code).toBe(2);
  expect(output).toBe("server has no --prot, only --port, --use_tls, --peer, --transport, --messages\n");
});

function parse(line: string) {
  return parseCommand(
    line.split(" ").filter((word) => word !== ""),
    peers,
  );
}

const client = "client --server_port=1 --test_case=empty_unary";
const cases = caseNames.join(", ");
test.each([
  ["", "command is missing: there are client, server, matrix"],
  ["clinet", 'command cannot be "clinet": there are client, server, matrix'],
  [`${client} more`, /^client has no more, only --server_host, --server_host_override, --server_port, --test_case, /],
  [`${client} -v`, /^client has no -v, only /],
  [`${client} --`, /^client has no --, only /],
  [`${client} --test_case`, "--test_case needs a value"],
  [`${client} --test_case=fly`, `--test_case cannot be "fly": there are ${cases}`],
  ["client --server_port=1", `--test_case is missing: there are ${cases}`],
  ["client --test_case=empty_unary", "--server_port is missing: a port is a number up to 65535"],
  [`${client} --server_port=70000`, '--server_port cannot be "70000": a port is a number up to 65535'],
  [
    `${client} --server_port --use_tls=false`,
    '--server_port cannot be "--use_tls=false": a port is a number up to 65535',
  ],
  ["server --port=0x10", '--port cannot be "0x10": a port is a number up to 65535'],
  ["server --transport=pigeon", '--transport of trunkline cannot be "pigeon": there are grpc-js, http2'],
  ["server --messages=json", '--messages of trunkline cannot be "json": there are ts-proto, protobuf-es'],
  ["server --peer=grpc-go", '--peer cannot be "grpc-go": there are trunkline, grpc-js, buf-curl'],
  ["server --peer=buf-curl", "buf-curl is a client only"],
  ["server --use_tls=yes", '--use_tls cannot be "yes": there are true, false'],
  [`${client},fly`, `--test_case cannot be "fly": there are ${cases}`],
  [`${client} --soak_iterations=-1`, '--soak_iterations cannot be "-1": it is a number'],
  [`${client} --concurrent_calls=many`, '--concurrent_calls cannot be "many": it is a number'],
  [`${client} --use_test_ca=maybe`, '--use_test_ca cannot be "maybe": there are true, false'],
  ["matrix --write=yes", "--write takes no value"],
])("%s: %s", (line, message) => {
  let thrown: unknown;
  try {
    parse(line);
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(FlagError);
  expect((thrown as FlagError).message).toEqual(typeof message === "string" ? message : expect.stringMatching(message));
});

test("flags have both forms", () => {
  const spaced = parse("client --server_host ::1 --server_port 5 --test_case ping_pong --use_tls false");
  const joined = parse("client --server_host=::1 --server_port=5 --test_case=ping_pong --use_tls=false");
  expect(spaced).toEqual(joined);
  expect(spaced).toMatchObject({ address: "[::1]:5", testCases: ["ping_pong"], options: { transport: "grpc-js" } });
});
