/** The status page as an HTTP client sees it: who may look, what is told, and that nothing is left behind. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { channel as diagnosticsChannel } from "node:diagnostics_channel";
import { once } from "node:events";
import { createServer, type Server as HttpServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { createInterface } from "node:readline";
import { jest } from "@jest/globals";
import { Code, dial, RpcError, Server, type ServerStats } from "@trunkline/runtime";
import { type StatusPageOptions, type StatusSnapshot, statusPage } from "@trunkline/runtime/status-page";
import { CallCounter } from "../../runtime/src/server/method-stats.js";
import { event, startKinds, stopKinds } from "./kinds.js";

interface Served {
  readonly port: number;
  /** Responses that were asked for, the first first. */
  readonly responses: readonly ServerResponse[];
}

const servers: HttpServer[] = [];

/** @param remoteAddress where requests seem to come from; by default from where they do */
async function serve(server: Pick<Server, "stats">, options: StatusPageOptions = {}, remoteAddress?: string) {
  const handle = statusPage(server, options);
  const responses: ServerResponse[] = [];
  const http = createServer((request, response) => {
    if (remoteAddress !== undefined) Object.defineProperty(request.socket, "remoteAddress", { value: remoteAddress });
    responses.push(response);
    handle(request, response);
  }).listen(0, "127.0.0.1");
  servers.push(http);
  await once(http, "listening");
  return { port: (http.address() as AddressInfo).port, responses } satisfies Served;
}

afterEach(async () => {
  jest.restoreAllMocks();
  for (const http of servers.splice(0)) {
    http.closeAllConnections();
    await once(http.close(), "close");
  }
  await stopKinds();
});

interface Asked {
  readonly method?: string;
  readonly headers?: { readonly [name: string]: string };
}

async function open({ port }: Pick<Served, "port">, path: string, asked: Asked = {}): Promise<IncomingMessage> {
  const sent = request({ host: "127.0.0.1", port, path, agent: false, ...asked }).end();
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  return response;
}

async function ask(served: Pick<Served, "port">, path: string, asked: Asked = {}) {
  const response = await open(served, path, asked);
  let body = "";
  for await (const text of response.setEncoding("utf8")) body += text;
  return { code: response.statusCode, headers: response.headers, body };
}

/** An event stream, read event by event. */
async function stream(served: Pick<Served, "port">) {
  const response = await open(served, "/events");
  const lines = linesOf(response);
  return {
    response,
    lines,
    async next(): Promise<StatusSnapshot> {
      for (;;) {
        const { value: line = "", done } = await lines.next();
        if (done) throw new Error("the stream has ended");
        if (line.startsWith("data: ")) return JSON.parse(line.slice("data: ".length)) as StatusSnapshot;
      }
    },
    close: () => response.destroy(),
  };
}

/** Not readline: it ends lines where an event stream does not. */
async function* linesOf(response: IncomingMessage): AsyncGenerator<string, undefined> {
  let rest = "";
  for await (const text of response.setEncoding("utf8")) {
    const lines = `${rest}${text}`.split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}

const idle = new Server();

describe("what it serves", () => {
  test("the page: one HTML file whose own style and script are all that it may run", async () => {
    const { code, headers, body } = await ask(await serve(idle), "/");
    expect({ code, type: headers["content-type"] }).toEqual({ code: 200, type: "text/html; charset=utf-8" });
    expect(body).toMatch(/^<!doctype html>/);
    const hash = (tag: string) => {
      const found = [...body.matchAll(new RegExp(`<${tag}>([^]*?)</${tag}>`, "g"))];
      expect(found).toHaveLength(1);
      return `'sha256-${createHash("sha256").update(found[0]![1]!).digest("base64")}'`;
    };
    expect(String(headers["content-security-policy"]).split("; ")).toEqual([
      "default-src 'none'",
      `script-src ${hash("script")}`,
      `style-src ${hash("style")}`,
      "connect-src 'self'",
      "img-src data:",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ]);
    expect(body).not.toMatch(/\s(on\w+|style|src)=/);
    expect(body).not.toMatch(/innerHTML|insertAdjacentHTML|outerHTML|document\.write/);
  });

  test("stats as JSON", async () => {
    const { code, headers } = await ask(await serve(idle), "/stats?pretty");
    expect({ code, type: headers["content-type"] }).toEqual({ code: 200, type: "application/json" });
  });

  test("a stream of events, which says how soon to come back", async () => {
    const { response, lines, next, close } = await stream(await serve(idle, { everyMs: 100 }));
    expect(response.headers["content-type"]).toBe("text/event-stream");
    expect((await lines.next()).value).toBe("retry: 100");
    const first = await next();
    expect((await next()).process.uptimeMs).toBeGreaterThan(first.process.uptimeMs);
    close();
  });

  test.each(["/", "/stats", "/events", "/nothing"])("%s keeps what it says to itself", async (path) => {
    const { headers } = await ask(await serve(idle), path, { method: "HEAD" });
    expect(headers).toMatchObject({
      "cache-control": "no-store, no-transform",
      "cross-origin-resource-policy": "same-origin",
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
    });
    expect(headers["access-control-allow-origin"]).toBeUndefined();
    expect(headers["content-security-policy"]).toMatch(/^default-src 'none'/);
  });

  test.each(["/", "/stats", "/events"])("HEAD %s is what GET is, without its body", async (path) => {
    const { code, body } = await ask(await serve(idle), path, { method: "HEAD" });
    expect({ code, body }).toEqual({ code: 200, body: "" });
  });

  test.each(["POST", "PUT", "DELETE", "OPTIONS"])("%s is not for looking", async (method) => {
    const { code, headers, body } = await ask(await serve(idle), "/stats", { method });
    expect({ code, allow: headers.allow }).toEqual({ code: 405, allow: "GET, HEAD" });
    expect(body).toMatch(/GET and HEAD only/);
  });

  test.each(["/nothing", "/stats/", "//", "/events/more", "/constructor"])("there is nothing at %s", async (path) => {
    const { code, body } = await ask(await serve(idle), path);
    expect({ code, body }).toMatchObject({ code: 404, body: expect.stringContaining("at /stats and /events") });
  });

  test("below a path it is there only", async () => {
    const served = await serve(idle, { path: "/status/" });
    const codes: { [path: string]: number | undefined } = {};
    for (const path of ["/status", "/status/", "/status/stats", "/", "/stats", "/statuses", "/status/status"]) {
      codes[path] = (await ask(served, path)).code;
    }
    expect(codes).toEqual({
      "/status": 200,
      "/status/": 200,
      "/status/stats": 200,
      "/": 404,
      "/stats": 404,
      "/statuses": 404,
      "/status/status": 404,
    });
  });
});

describe("who may look", () => {
  test.each(["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1"])("%s", async (address) => {
    expect((await ask(await serve(idle, {}, address), "/stats")).code).toBe(200);
  });

  test.each(["192.0.2.1", "10.0.0.1", "::ffff:192.0.2.1", "2001:db8::1", "::", "0.0.0.0"])(
    "not %s",
    async (address) => {
      for (const path of ["/", "/stats", "/events", "/nothing"]) {
        const { code, body } = await ask(await serve(idle, {}, address), path);
        expect({ code, body }).toMatchObject({ code: 403, body: expect.stringContaining("allowRemote: true") });
      }
    },
  );

  test.each(["localhost", "LOCALHOST:8080", "127.0.0.1:1", "[::1]", "[::1]:8080"])(
    "under the name %s",
    async (host) => {
      expect((await ask(await serve(idle), "/stats", { headers: { host } })).code).toBe(200);
    },
  );

  test.each(["evil.example", "localhost.evil.example", "evil.example:localhost", "localhost@evil.example", "::1"])(
    "not under the name %s, to which a site may lead a browser",
    async (host) => {
      const { code, body } = await ask(await serve(idle), "/stats", { headers: { host } });
      expect({ code, body }).toMatchObject({ code: 403, body: expect.stringContaining("allowRemote: true") });
    },
  );

  test("everybody, if it is said so", async () => {
    const served = await serve(idle, { allowRemote: true }, "192.0.2.1");
    expect((await ask(served, "/stats", { headers: { host: "status.example" } })).code).toBe(200);
  });
});

test.each([
  [{ allowRemote: "false" }, /allowRemote: must be true or false, not "false"/],
  [{ everyMs: 99 }, /everyMs: must be a number, at least 100 and at most 60000, not 99/],
  [{ everyMs: Number.NaN }, /everyMs/],
  [{ path: "status" }, /path: must be a path such as "\/status", not "status"/],
  [{ path: "/a b" }, /path/],
])("%j cannot be used", (options, message) => {
  const make = () => statusPage(idle, options as StatusPageOptions);
  expect(make).toThrow(RpcError);
  expect(make).toThrow(message);
});

describe("what it tells", () => {
  test("is what server and connections say of themselves", async () => {
    const kinds = await startKinds("grpc-js", {
      unary({ text }) {
        if (text === "bad") throw new RpcError(Code.NOT_FOUND, text);
        return { text };
      },
    });
    for (const text of ["a", "b", "c"]) await kinds.client.unary({ text });
    await expect(kinds.client.unary({ text: "bad" })).rejects.toThrow(/NOT_FOUND/);
    const { body } = await ask(await serve(kinds.server), "/stats");
    const told = JSON.parse(body) as StatusSnapshot;

    const real = JSON.parse(JSON.stringify(kinds.server.stats())) as ServerStats;
    expect(told.server).toEqual({ ...real, freeFileDescriptors: told.server.freeFileDescriptors });
    expect(told.server).toMatchObject({ state: "serving", addresses: [kinds.address], openConnections: 1 });
    const unary = told.server.services[0]!.methods.find(({ path }) => path.endsWith("/Unary"))!;
    expect(unary).toMatchObject({ callsStarted: 4, callsSucceeded: 3, callsFailed: 1, inFlight: 0 });
    expect(unary.latencyMs?.buckets.reduce((sum, { calls }) => sum + calls, 0)).toBe(4);

    const connection = told.connections.find(({ target }) => target === kinds.channel.target);
    expect(connection).toMatchObject({ state: "READY", callsStarted: 4, callsSucceeded: 3, callsFailed: 1 });
    expect(told.process).toMatchObject({ pid: process.pid, nodeVersion: process.version });
  });

  test("is live: calls in flight, a new connection, and why one is lost", async () => {
    const arrived = event();
    const kinds = await startKinds("grpc-js", {
      async unary(_request, call) {
        arrived.happen();
        return new Promise((_, reject) => call.signal.addEventListener("abort", () => reject(call.signal.reason)));
      },
    });
    const { next, close } = await stream(await serve(kinds.server, { everyMs: 100 }));
    const inFlight = ({ server }: StatusSnapshot) =>
      server.services.flatMap(({ methods }) => methods).reduce((sum, method) => sum + method.inFlight, 0);
    const first = await next();
    expect(inFlight(first)).toBe(0);
    const ofTest = ({ events }: StatusSnapshot) => events.filter(({ target }) => target === kinds.channel.target);
    expect(ofTest(first)).toEqual([]);

    const failed = kinds.client.unary({}).catch((error: RpcError) => error.code);
    await arrived.happened;
    let told = await next();
    while (inFlight(told) === 0) told = await next();
    expect(ofTest(told)).toMatchObject([{ type: "connected", peer: kinds.address }]);

    await kinds.server.shutdown();
    expect(await failed).toBe(Code.UNAVAILABLE);
    while (ofTest(told).length < 2 || told.server.state !== "stopped") told = await next();
    expect(ofTest(told).map(({ type }) => type)).toContain("disconnected");
    expect(inFlight(told)).toBe(0);
    close();
  });

  test("is text whatever is in it: a name cannot end an event or begin another", async () => {
    const hostile = '</script><img src=x onerror="alert(1)">\n\ndata: {"server":"mine"}\r\n\u2028event: close';
    const stats = () => ({ ...idle.stats(), services: [{ serviceName: hostile, methods: [] }] });
    const served = await serve({ stats }, { everyMs: 100 });
    const { lines, close } = await stream(served);
    const said: string[] = [];
    while (said.filter((line) => line.startsWith("data: ")).length < 2) said.push((await lines.next()).value!);
    expect(said.filter((line) => !/^(retry: 100|data: \{.*\}|)$/s.test(line))).toEqual([]);
    const names = said
      .filter((line) => line.startsWith("data: "))
      .map((line) => JSON.parse(line.slice(6)) as StatusSnapshot);
    expect(names.map(({ server }) => server.services[0]?.serviceName)).toEqual([hostile, hostile]);
    close();
    // The page itself has nothing in it that comes from outside.
    expect((await ask(served, "/")).body).toBe((await ask(await serve(idle), "/")).body);
  });
});

describe("what it leaves behind", () => {
  const hears = () => diagnosticsChannel("trunkline:connection").hasSubscribers;

  test("one timer for all streams, and neither timer nor listener when the last reader is gone", async () => {
    const started = jest.spyOn(globalThis, "setInterval");
    const stopped = jest.spyOn(globalThis, "clearInterval");
    const timers = () => started.mock.results.map(({ value }) => value as NodeJS.Timeout);
    const served = await serve(idle, { everyMs: 100 });
    await ask(served, "/");
    await ask(served, "/stats");
    await ask(served, "/events", { method: "HEAD" });
    expect({ timers: timers().length, hears: hears() }).toEqual({ timers: 0, hears: false });

    const readers = [await stream(served), await stream(served), await stream(served)];
    for (const { next } of readers) await next();
    expect({ timers: timers().length, hears: hears() }).toEqual({ timers: 1, hears: true });
    expect(timers()[0]!.hasRef()).toBe(false);

    const streams = served.responses.slice(-3);
    for (const [i, { close }] of readers.entries()) {
      expect(hears()).toBe(true);
      const closed = once(streams[i]!, "close");
      close();
      await closed;
    }
    expect(hears()).toBe(false);
    expect(stopped).toHaveBeenCalledWith(timers()[0]);

    // And it begins anew.
    const again = await stream(served);
    await again.next();
    await again.next();
    expect({ timers: timers().length, hears: hears() }).toEqual({ timers: 2, hears: true });
    const closed = once(served.responses.at(-1)!, "close");
    again.close();
    await closed;
  });

  test("no events for who does not read them: they are missed, and what was begun is finished", async () => {
    const filler = "x".repeat(1_000_000);
    const stats = () => ({ ...idle.stats(), services: [{ serviceName: filler, methods: [] }] });
    const served = await serve({ stats }, { everyMs: 100 });
    const slow = connect(served.port, "127.0.0.1");
    await once(slow, "connect");
    slow.pause();
    slow.write("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n");
    const quick = await stream(served);
    const response = () => served.responses.find(({ req }) => req.socket.remotePort === slow.localPort);
    // The kernel takes some of them before it takes no more; what is written then stays where it is.
    let last = 0;
    for (let same = 0; same < 5; ) {
      await quick.next();
      const { writableNeedDrain = false, writableLength = 0 } = response() ?? {};
      expect(writableLength).toBeLessThan(2 * filler.length);
      same = writableNeedDrain && writableLength === last ? same + 1 : 0;
      last = writableLength;
    }

    let said = "";
    slow.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
    slow.resume();
    await once(response()!, "drain");
    const before = said.length;
    while (said.length < before + 2 * filler.length) await once(slow, "data");
    for (const line of said.replace(/\r\n[0-9a-f]*\r\n/g, "").matchAll(/^data: (.*)\n\n/gm)) JSON.parse(line[1]!);
    slow.destroy();
    quick.close();
  });

  test("no process: one that has nothing else to do exits, although somebody looks", async () => {
    const child = spawn(process.execPath, ["--import", "tsx", "test/programs/status-page.ts"], {
      stdio: ["ignore", "pipe", "inherit"],
      timeout: 15_000,
    });
    const exited = once(child, "exit");
    const [port] = (await once(createInterface(child.stdout!), "line")) as [string];
    const { next } = await stream({ port: Number(port) });
    await next();
    expect(await exited).toEqual([0, null]);
  });
});

test("a call is in the bucket that its time is in", () => {
  const counter = new CallCounter(undefined);
  const times = [
    0, 0.0004, 0.1, 0.1004, 0.1006, 0.25, 0.2506, 1, 1.001, 9.9, 10, 10.001, 999, 1001, 10_000, 10_001, 4e6, 9e9,
  ];
  for (const time of times) counter.onEnd(Code.OK, time);
  const buckets = counter.stats.latencyMs!.buckets;
  expect(buckets.map(({ upToMs }) => upToMs)).toEqual([
    ...[0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000],
    Number.POSITIVE_INFINITY,
  ]);
  expect(
    Object.fromEntries(buckets.filter(({ calls }) => calls > 0).map(({ upToMs, calls }) => [upToMs, calls])),
  ).toEqual({
    0.1: 4,
    0.25: 2,
    0.5: 1,
    1: 1,
    2.5: 1,
    10: 2,
    25: 1,
    1000: 1,
    2500: 1,
    10000: 1,
    Infinity: 3,
  });
});

test("a connection that has been closed is told of no more", async () => {
  const kinds = await startKinds("grpc-js", { unary: () => ({ text: "" }) });
  const served = await serve(kinds.server);
  const told = async () => (JSON.parse((await ask(served, "/stats")).body) as StatusSnapshot).connections;
  const targets = async () => (await told()).map(({ target }) => target);
  const short = dial(kinds.address, { transport: "grpc-js", connection: "short" });
  expect((await told()).map(({ isShort, target }) => ({ isShort, target }))).toEqual([
    { isShort: false, target: kinds.channel.target },
    { isShort: true, target: kinds.channel.target },
  ]);
  await short.close();
  expect(await targets()).toEqual([kinds.channel.target]);
  await kinds.channel.close();
  expect(await targets()).toEqual([]);
});
