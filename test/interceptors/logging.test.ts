/** `logging`: one line for each call, at its end. */
import { Code, type Interceptor, RpcError } from "@trunkline/runtime";
import { type CallRecord, type Logger, type LoggingOptions, logging } from "@trunkline/runtime/interceptors/logging";
import { collect, event, startKinds, stopKinds } from "../runtime/kinds.js";
import { transports } from "../runtime/transports.js";

afterEach(stopKinds);

interface Line extends CallRecord {
  readonly level: string;
  readonly text: string;
}

/** Keeps lines, and tells when there are so many. */
function notebook(): { readonly logger: Logger; readonly lines: Line[]; written(count: number): Promise<Line[]> } {
  const lines: Line[] = [];
  const waiting: { count: number; resolve: () => void }[] = [];
  const at = (level: string) => (fields: object, text: string) => {
    lines.push({ ...(fields as CallRecord), level, text });
    for (const { count, resolve } of waiting) if (lines.length >= count) resolve();
  };
  return {
    logger: { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") },
    lines,
    async written(count) {
      if (lines.length < count) await new Promise<void>((resolve) => waiting.push({ count, resolve }));
      return lines.slice();
    },
  };
}

describe.each(transports)("logging on $name", ({ transport }) => {
  test("a line on each side for each kind, with the messages of streams counted", async () => {
    const { logger, lines, written } = notebook();
    const kinds = await startKinds(
      transport,
      {
        unary: () => ({ text: "secret" }),
        serverStream: () => [{}, {}, {}],
        async clientStream(requests) {
          await collect(requests);
          return {};
        },
        async *bidiStream(requests) {
          for await (const _ of requests) yield {};
        },
      },
      { interceptors: [logging({ logger })] },
    );
    const client = kinds.dial({ interceptors: [logging({ logger })] });
    await client.unary({ text: "secret" });
    await collect(client.serverStream({}));
    await client.clientStream([{}, {}]);
    await collect(client.bidiStream([{}, {}]));
    await written(8);
    expect(JSON.stringify(lines)).not.toMatch(/secret/);
    for (const side of ["client", "server"]) {
      const common = { side, service: "kinds.v1.Kinds", code: "OK", level: "info" };
      const own = lines.filter((line) => line.side === side);
      expect(own).toMatchObject([
        { ...common, method: "Unary", kind: "unary", text: "/kinds.v1.Kinds/Unary ended with OK" },
        { ...common, method: "ServerStream", kind: "serverStream", responses: 3 },
        { ...common, method: "ClientStream", kind: "clientStream", requests: 2 },
        { ...common, method: "BidiStream", kind: "bidiStream", requests: 2, responses: 2 },
      ]);
      for (const line of own) expect(line.durationMs).toBeGreaterThanOrEqual(0);
      if (side === "server") for (const line of own) expect(line.peer).toEqual(expect.any(String));
    }
    expect(lines).toHaveLength(8);
  });

  test("failures: the code decides the level; the server's line has the cause, the client's the peer", async () => {
    const { logger, lines, written } = notebook();
    const fault = new TypeError("broken");
    const kinds = await startKinds(
      transport,
      {
        unary({ text }) {
          if (text === "fault") throw fault;
          throw new RpcError(Code[text as "ABORTED"], "no");
        },
        async *serverStream() {
          yield {};
          throw fault;
        },
      },
      { interceptors: [logging({ logger })], onError: () => {} },
    );
    const client = kinds.dial({ interceptors: [logging({ logger, levels: { NOT_FOUND: "debug", ABORTED: false } })] });
    for (const text of ["NOT_FOUND", "ABORTED", "UNAVAILABLE", "fault"]) await client.unary({ text }).catch(() => {});
    await collect(client.serverStream({})).catch(() => {});
    await written(9);
    const peer = expect.any(String);
    expect(lines.filter(({ side }) => side === "client")).toMatchObject([
      { code: "NOT_FOUND", details: "no", level: "debug", peer },
      { code: "UNAVAILABLE", level: "warn", peer },
      { code: "UNKNOWN", level: "error", peer },
      { code: "UNKNOWN", level: "error", peer, responses: 1 },
    ]);
    expect(lines.filter(({ side }) => side === "server")).toMatchObject([
      { code: "NOT_FOUND", details: "no", level: "info" },
      { code: "ABORTED", level: "warn" },
      { code: "UNAVAILABLE", level: "warn" },
      { code: "UNKNOWN", details: "broken", level: "error", err: fault },
      { code: "UNKNOWN", details: "broken", level: "error", err: fault, responses: 1 },
    ]);
  });

  test("a cancelled call has its line at once, although the handler goes on", async () => {
    const { logger, lines, written } = notebook();
    const [started, finish] = [event(), event()];
    const { client } = await startKinds(
      transport,
      {
        async unary() {
          started.happen();
          await finish.happened;
          return {};
        },
      },
      { interceptors: [logging({ logger })] },
    );
    const controller = new AbortController();
    const reply = client.unary({}, { signal: controller.signal });
    await started.happened;
    controller.abort();
    await expect(reply).rejects.toMatchObject({ code: Code.CANCELLED });
    await written(1);
    finish.happen();
    expect(lines).toMatchObject([{ code: "CANCELLED", side: "server" }]);
  });

  test("a call that was cancelled before it came this far has its line, although the handler goes on", async () => {
    const { logger, written } = notebook();
    const [arrived, cancelled] = [event(), event()];
    const late: Interceptor = (next) => async (call) => {
      call.server?.signal.addEventListener("abort", () => cancelled.happen());
      arrived.happen();
      await cancelled.happened;
      return next(call);
    };
    const { client } = await startKinds(
      transport,
      { unary: () => new Promise<never>(() => {}) },
      { interceptors: [late, logging({ logger })] },
    );
    const controller = new AbortController();
    const reply = client.unary({}, { signal: controller.signal });
    await arrived.happened;
    controller.abort();
    await expect(reply).rejects.toMatchObject({ code: Code.CANCELLED });
    expect(await written(1)).toMatchObject([{ code: "CANCELLED", side: "server" }]);
  });

  test("the messages of a stream are counted before its line is written, whenever they are read", async () => {
    const { logger, written } = notebook();
    const kinds = await startKinds(transport, { serverStream: () => [{ number: 1n }, { number: 2n }] });
    const stream = kinds.dial({ interceptors: [logging({ logger, payloads: true })] }).serverStream({});
    expect(await written(1)).toMatchObject([{ responses: 2, response: [{ number: "1" }, { number: "2" }] }]);
    expect(await collect(stream)).toHaveLength(2);
  });

  test("a code that gRPC does not know is an error", async () => {
    const { logger, written } = notebook();
    const interceptors = [
      logging({ logger }),
      () => () => {
        throw new RpcError(99 as Code, "made up");
      },
    ];
    const kinds = await startKinds(transport, {});
    await expect(kinds.dial({ interceptors }).unary({})).rejects.toBeInstanceOf(RpcError);
    expect(await written(1)).toMatchObject([{ code: "CODE_99", level: "error" }]);
  });

  test("a stream that is left early has its line", async () => {
    const { logger, written } = notebook();
    const kinds = await startKinds(
      transport,
      {
        async *serverStream() {
          for (;;) yield {};
        },
      },
      { interceptors: [logging({ logger })] },
    );
    const client = kinds.dial({ interceptors: [logging({ logger })] });
    for await (const _ of client.serverStream({})) break;
    const lines = await written(2);
    expect(lines.map(({ side, code }) => `${side} ${code}`).sort()).toEqual(["client CANCELLED", "server CANCELLED"]);
  });

  test("payloads by choice, without what is redacted, bounded for streams", async () => {
    const { logger, written } = notebook();
    const options: LoggingOptions = {
      logger,
      payloads: ({ method }) => method.kind !== "clientStream",
      redact: ["text"],
      maxMessages: 2,
    };
    const kinds = await startKinds(
      transport,
      {
        unary: () => ({ text: "secret", number: 7n, data: Uint8Array.of(1, 2) }),
        serverStream: () => [{ number: 1n }, { number: 2n }, { number: 3n }],
        clientStream: () => ({}),
      },
      { interceptors: [logging(options)] },
    );
    const client = kinds.dial({ interceptors: [logging(options)] });
    await client.unary({ text: "secret", number: 5n });
    await collect(client.serverStream({}));
    await client.clientStream([]);
    const lines = await written(6);
    expect(JSON.stringify(lines)).not.toMatch(/secret/);
    for (const side of ["client", "server"]) {
      const [unary, serverStream, clientStream] = lines.filter((line) => line.side === side);
      expect(unary).toMatchObject({
        request: { text: "[redacted]", number: "5" },
        response: { text: "[redacted]", number: "7", data: "2 bytes" },
      });
      expect(serverStream).toMatchObject({ response: [{ number: "1" }, { number: "2" }], responses: 3 });
      expect(clientStream).not.toHaveProperty("response");
    }
  });

  test("redaction reaches into messages, lists and maps", async () => {
    const { logger, written } = notebook();
    const kinds = await startKinds(transport, { unary: () => ({}) });
    const redact = ["user.token", "items.*.key", "map.a"];
    const client = kinds.dial({ interceptors: [logging({ logger, payloads: true, redact })] });
    const request = {
      user: { token: "x", name: "n" },
      items: [{ key: "x", at: new Date(0) }, { key: "x" }],
      map: new Map([
        ["a", "x"],
        ["b", "y"],
      ]),
      token: "kept",
    };
    await client.unary(request as object);
    const [line] = await written(1);
    expect(line?.request).toEqual({
      user: { token: "[redacted]", name: "n" },
      items: [{ key: "[redacted]", at: new Date(0) }, { key: "[redacted]" }],
      map: { a: "[redacted]", b: "y" },
      token: "kept",
    });
  });

  test("a logger that throws harms no call", async () => {
    const { logger } = notebook();
    const { error } = console;
    const printed = event<string>();
    console.error = (...values) => printed.happen(String(values));
    const broken: Logger = {
      ...logger,
      info() {
        throw new Error("disk full");
      },
    };
    const kinds = await startKinds(transport, { unary: () => ({}) });
    await kinds.dial({ interceptors: [logging({ logger: broken })] }).unary({});
    expect(await printed.happened).toMatch(/logging\(\).*disk full/);
    console.error = error;
  });
});

test.each<[string, unknown]>([
  ["no logger", {}],
  ["one without levels", { logger: { info() {} } }],
  ["a level that it lacks", { logger: notebook().logger, levels: { OK: "trace" } }],
])("logging() refuses %s", (_what, options) => {
  expect(() => logging(options as LoggingOptions)).toThrow(expect.objectContaining({ code: Code.INVALID_ARGUMENT }));
});
