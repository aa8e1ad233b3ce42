import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { Code, dial, Server } from "@trunkline/runtime";
import { kindsClient } from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

async function start(graceMs: number) {
  const program = ["--import", "tsx", "test/programs/signalled-server.ts", String(graceMs)];
  const child = spawn(process.execPath, program, { stdio: ["ignore", "pipe", "inherit"] });
  stops.push(() => child.kill("SIGKILL"));
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const line = async () => (await lines.next()).value as string;
  const channel = dial(await line());
  stops.push(() => channel.close());
  const exited = once(child, "exit") as Promise<[number | null, NodeJS.Signals | null]>;
  return { child, line, client: kindsClient(channel), exited };
}

describe("installSignalHandlers", () => {
  test.each(["SIGTERM", "SIGINT"] as const)(
    "%s ends the server, and then the process by the same signal",
    async (signal) => {
      const { child, line, exited } = await start(60_000);
      child.kill(signal);
      expect([await line(), await line()]).toEqual(["stopping", "stopped, 0 cut"]);
      expect(await exited).toEqual([null, signal]);
    },
  );

  test("what is in flight may end within the grace; a second signal cuts it", async () => {
    const { child, line, client, exited } = await start(60_000);
    const call = client.unary({}).catch((error) => error);
    expect(await line()).toBe("called");
    child.kill("SIGTERM");
    expect(await line()).toBe("stopping");
    child.kill("SIGTERM");
    expect(await line()).toBe("stopped, 1 cut");
    expect(await call).toMatchObject({ code: Code.UNAVAILABLE });
    expect(await exited).toEqual([null, "SIGTERM"]);
  });

  test("the handlers can be taken away", () => {
    const before = process.listenerCount("SIGTERM");
    const uninstall = new Server().installSignalHandlers({ signals: ["SIGTERM"] });
    expect(process.listenerCount("SIGTERM")).toBe(before + 1);
    uninstall();
    expect(process.listenerCount("SIGTERM")).toBe(before);
  });
});
