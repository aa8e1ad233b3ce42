/** `xds:` targets through @grpc/grpc-js-xds, against a control plane and servers of our own. */
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { insecure, serverTls, tls } from "@trunkline/runtime";
import type { KindsClient, KindsServer } from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import { kindsClient } from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import { event, type Kinds, startKinds } from "../runtime/kinds.js";
import { dialled, holds, stopProxied } from "./proxied.js";
import { ControlPlane, generateXds } from "./xds-control-plane.js";

// What a process was bootstrapped with once it keeps: one control plane for all tests here.
let plane: ControlPlane;
beforeAll(async () => {
  generateXds();
  plane = await ControlPlane.start();
  process.env.GRPC_XDS_BOOTSTRAP_CONFIG = plane.bootstrap;
}, 60_000);
afterAll(() => plane.stop());
afterEach(async () => {
  await stopProxied();
  // A client that is cut off from its control plane looks for it again.
  await holds(() => plane.streams === 0);
});

/** A server that answers with its name. */
function startNamed(text: string, methods: Partial<KindsServer> = {}): Promise<Kinds> {
  return startKinds("grpc-js", { unary: () => ({ text }), ...methods });
}

/** How many of so many calls, one after the other, each server answers. */
async function spread(client: KindsClient, calls: number): Promise<Record<string, number>> {
  const answers: Record<string, number> = {};
  for (let i = 0; i < calls; i++) {
    const { text } = await client.unary({});
    answers[text] = (answers[text] ?? 0) + 1;
  }
  return answers;
}

async function isAnsweredBy(client: KindsClient, name: string): Promise<void> {
  while ((await client.unary({})).text !== name);
}

/** Calls, several at a time, until it is told to stop: rejects where one of them fails. */
function keepCalling(client: KindsClient): () => Promise<unknown> {
  let stopped = false;
  const caller = async () => {
    while (!stopped) await client.unary({});
  };
  const callers = Promise.all(Array.from({ length: 4 }, caller));
  callers.catch(() => {});
  return () => {
    stopped = true;
    return callers;
  };
}

describe("an xDS target", () => {
  test("spreads calls over the endpoints of the control plane, and follows it without a failed call", async () => {
    const arrived = event();
    const released = event();
    const a = await startNamed("a");
    const b = await startNamed("b", {
      unary: async ({ text }) => {
        if (text === "wait") {
          arrived.happen();
          await released.happened;
        }
        return { text: "b" };
      },
    });
    await plane.assign("greeter", [a.address, b.address]);
    const channel = dialled("xds:///greeter", { credentials: insecure() });
    const events: string[] = [];
    channel.onEvent(({ type, ...of }) => events.push(`${type} ${"peer" in of ? of.peer : ""}`));
    const client = kindsClient(channel);

    await isAnsweredBy(client, "a");
    await isAnsweredBy(client, "b");
    expect(await spread(client, 20)).toEqual({ a: 10, b: 10 });

    // One of the two is on b while b goes.
    const waiting = [client.unary({ text: "wait" }), client.unary({ text: "wait" })];
    await arrived.happened;
    let stop = keepCalling(client);
    await plane.assign("greeter", [a.address]);
    expect(await spread(client, 20)).toEqual({ a: 20 });
    await stop();
    released.happen();
    const answered = await Promise.all(waiting);
    expect(answered.map(({ text }) => text).sort()).toEqual(["a", "b"]);

    stop = keepCalling(client);
    await plane.assign("greeter", [a.address, b.address]);
    await isAnsweredBy(client, "b");
    await stop();
    expect(await spread(client, 20)).toEqual({ a: 10, b: 10 });

    // What an update leaves alone stays connected. (The connection to b is kept for a while, or made anew.)
    expect(events.filter((one) => !one.endsWith(b.address))).toEqual([`connected ${a.address}`]);
    expect(events).toContain(`connected ${b.address}`);
    expect(channel.stats).toMatchObject({ callsFailed: 0, state: "READY" });
    expect(plane.refusals).toEqual([]);
  });

  test("needs one stream to the control plane for as long as it is connected, and none afterwards", async () => {
    const { address } = await startNamed("a");
    await plane.assign("replaced", [address]);
    // Each call replaces the channel of the one before.
    const channel = dialled("xds:///replaced", { credentials: insecure(), probeAfterIdleMs: 0 });
    const client = kindsClient(channel);
    await spread(client, 5);
    expect(channel.stats.reconnects).toBeGreaterThan(0);
    expect(plane.streams).toBe(1);
    await channel.close();
    await holds(() => plane.streams === 0);
  });

  test("takes the connections that it has while the control plane is away, and follows it when it is back", async () => {
    const [a, b] = [await startNamed("a"), await startNamed("b")];
    await plane.assign("away", [a.address]);
    const client = kindsClient(dialled("xds:///away", { credentials: insecure() }));
    await client.unary({});
    const { address } = plane;
    await plane.stop();
    expect(await spread(client, 20)).toEqual({ a: 20 });
    plane = await ControlPlane.start(address);
    await plane.assign("away", [b.address]);
    await isAnsweredBy(client, "b");
    expect(await spread(client, 20)).toEqual({ b: 20 });
  });

  test("waits for a service that the control plane has yet to hear of", async () => {
    const { address } = await startNamed("a");
    const answer = kindsClient(dialled("xds:///late", { credentials: insecure() })).unary({});
    await holds(() => plane.streams === 1);
    await plane.assign("late", [address]);
    await expect(answer).resolves.toMatchObject({ text: "a" });
  });

  test("takes the credentials of the dial", async () => {
    const pem = (name: string) => readFileSync(`fixtures/tls/${name}`);
    const { server } = await startNamed("secret");
    const { address } = await server.listen("127.0.0.1:0", {
      credentials: serverTls({ cert: pem("server.pem"), key: pem("server.key") }),
    });
    await plane.assign("localhost", [address]);
    const client = kindsClient(dialled("xds:///localhost", { credentials: tls({ ca: pem("ca.pem") }) }));
    await expect(client.unary({})).resolves.toMatchObject({ text: "secret" });
  });
});

/** What test/programs/xds-call.ts prints. Killed, and so rejected, where it does not exit by itself. */
async function call(targets: string | string[], env: NodeJS.ProcessEnv, cwd = "."): Promise<string> {
  const { GRPC_XDS_BOOTSTRAP_CONFIG: _, ...inherited } = process.env;
  const tsx = pathToFileURL(resolve("node_modules/tsx/dist/loader.mjs")).href;
  const program = ["--import", tsx, "test/programs/xds-call.ts", ...[targets].flat()];
  const options = { cwd, env: { ...inherited, ...env }, timeout: 20_000 };
  const { stdout, stderr } = await promisify(execFile)(process.execPath, program, options);
  expect(stderr).toBe("");
  return stdout.trimEnd();
}

describe("a program that calls an xDS target and closes its connection", () => {
  test("exits by itself", async () => {
    const { address } = await startNamed("a");
    await plane.assign("program", [address]);
    await expect(call("xds:///program", { GRPC_XDS_BOOTSTRAP_CONFIG: plane.bootstrap })).resolves.toBe("a");
  });

  test.each([
    [
      "no bootstrap",
      {},
      /^FAILED_PRECONDITION: xDS cannot be bootstrapped: The GRPC_XDS_BOOTSTRAP or GRPC_XDS_BOOTSTRAP_CONFIG/,
    ],
    [
      "a bootstrap file that is not there",
      { GRPC_XDS_BOOTSTRAP: "test/nowhere.json" },
      /^FAILED_PRECONDITION: xDS cannot be bootstrapped: Failed to read xDS bootstrap file from path test\/nowhere.json/,
    ],
    [
      "a bootstrap that lacks something",
      { GRPC_XDS_BOOTSTRAP_CONFIG: JSON.stringify({ xds_servers: [], node: { id: "test" } }) },
      /^FAILED_PRECONDITION: xDS cannot be bootstrapped: .*locality field missing in node element/,
    ],
  ])("and has %s learns that", async (_what, env, message) => {
    await expect(call("xds:///program", env)).resolves.toMatch(message);
  });

  test("and whose control plane is not there learns that, also when it tries again", async () => {
    const bootstrap = {
      xds_servers: [{ server_uri: "127.0.0.1:1", channel_creds: [{ type: "insecure" }] }],
      node: { id: "test", locality: {} },
    };
    const env = { GRPC_XDS_BOOTSTRAP_CONFIG: JSON.stringify(bootstrap) };
    const [first, ...later] = (await call(["xds:///a", "xds:///a", "xds:///b"], env)).split("\n");
    expect(first).toMatch(/^UNAVAILABLE: .*No connection established to xDS server/);
    expect(later).toEqual(Array.from(later, () => expect.stringMatching(/^UNAVAILABLE: .*No connection established/)));
    expect(later).toHaveLength(2);
  });
});

describe("@grpc/grpc-js-xds", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "trunkline-xds-"));
    for (const name of ["package.json", "tsconfig.json", "tsconfig.base.json", "runtime/src", "test/programs"]) {
      cpSync(name, join(folder, name), { recursive: true });
    }
    cpSync("fixtures/golden/ts-proto/kinds", join(folder, "fixtures/golden/ts-proto/kinds"), { recursive: true });
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  function install(name: string, { copy = false } = {}): void {
    const [from, to] = [resolve("node_modules", name), join(folder, "node_modules", name)];
    mkdirSync(dirname(to), { recursive: true });
    if (copy) cpSync(from, to, { recursive: true });
    else symlinkSync(from, to);
  }

  test("is asked for where it is not installed", async () => {
    install("@grpc/grpc-js");
    install("@bufbuild/protobuf");
    const { peerDependencies } = JSON.parse(readFileSync("runtime/package.json", "utf8"));
    const minor = /^~(\d+\.\d+)\.\d+$/.exec(peerDependencies["@grpc/grpc-js-xds"])?.[1];
    await expect(call("xds:///greeter", {}, folder)).resolves.toBe(
      `FAILED_PRECONDITION: xds: targets need @grpc/grpc-js-xds: npm install @grpc/grpc-js-xds@${minor}`,
    );
  });

  test("has to have the same copy of grpc-js", async () => {
    install("@grpc/grpc-js", { copy: true });
    // Where the links lead there is another one.
    for (const name of ["@grpc/grpc-js-xds", "@grpc/proto-loader", "@js-sdsl", "@bufbuild/protobuf"]) install(name);
    const env = { GRPC_XDS_BOOTSTRAP_CONFIG: plane.bootstrap };
    await expect(call("xds:///greeter", env, folder)).resolves.toMatch(
      /^FAILED_PRECONDITION: xds: targets need one copy of @grpc\/grpc-js/,
    );
  });
});
