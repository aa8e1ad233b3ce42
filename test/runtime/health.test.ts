/** The health service of a server: what it says of which service, to whom it tells changes, how it ends. */
import { Client, credentials, type ServiceError } from "@grpc/grpc-js";
import {
  type ClientChannel,
  Code,
  dial,
  type Interceptor,
  Reply,
  type RpcError,
  Server,
  type ServerOptions,
  type ServiceOptions,
} from "@trunkline/runtime";
import {
  type Health,
  type HealthCheckResponse,
  type HealthClient,
  healthClient,
  registerHealth,
  HealthStatus as Status,
} from "@trunkline/runtime/health";
import { registerKindsServer, UnimplementedKindsServer } from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import { event } from "./kinds.js";
import { transports, wireTransports } from "./transports.js";

const kinds = "kinds.v1.Kinds";
const { SERVING, NOT_SERVING, SERVICE_UNKNOWN } = Status;

interface Started {
  readonly server: Server;
  readonly health: Health;
  readonly channel: ClientChannel;
  readonly client: HealthClient;
  readonly address: string;
  /** Watchers that the server has now. */
  watching(): number;
}

const started: Started[] = [];
afterEach(async () => {
  for (const { channel, server } of started.splice(0)) {
    await channel.close();
    await server.shutdown();
  }
});

async function start(
  transport: NonNullable<ServerOptions["transport"]>,
  options: ServerOptions = {},
  ofHealth?: ServiceOptions,
): Promise<Started> {
  const server = new Server({ transport, ...options });
  const health = registerHealth(server, ofHealth);
  // After the health service, which has to know of it all the same.
  registerKindsServer(server, new UnimplementedKindsServer());
  let watchers = 0;
  const watch = health.watch.bind(health);
  health.watch = (service, listener) => {
    const stop = watch(service, listener);
    watchers++;
    return () => {
      watchers--;
      stop();
    };
  };
  const { address } = await server.listen("127.0.0.1:0");
  const channel = dial(address, { transport });
  const all = { server, health, channel, client: healthClient(channel), address, watching: () => watchers };
  started.push(all);
  return all;
}

/** Resolves when it holds, looked at in every turn of the event loop. */
async function holds(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(setImmediate);
}

function watcher(client: HealthClient, service: string, signal?: AbortSignal) {
  const messages = client.watch({ service }, { signal })[Symbol.asyncIterator]();
  return {
    next: async () => (await messages.next()).value?.status as HealthCheckResponse["status"] | undefined,
    leave: async () => void (await messages.return?.()),
  };
}

describe.each(transports)("health on $name", ({ transport }) => {
  test("of every service that is registered, and of the server as a whole, is SERVING; of no other", async () => {
    const { client } = await start(transport);
    for (const service of ["", kinds, "grpc.health.v1.Health"]) {
      expect(await client.check({ service })).toEqual({ status: SERVING });
    }
    await expect(client.check({ service: "kinds.v1.Kind" })).rejects.toMatchObject({
      code: Code.NOT_FOUND,
      details: 'there is no service "kinds.v1.Kind" here',
    });
    expect(await client.list({})).toEqual({
      statuses: {
        "": { status: SERVING },
        [kinds]: { status: SERVING },
        "grpc.health.v1.Health": { status: SERVING },
      },
    });
  });

  test("is what was said of it, of each service by itself, until that is taken back", async () => {
    const { client, health } = await start(transport);
    const check = async (service: string) => (await client.check({ service })).status;
    health.set(kinds, "NOT_SERVING");
    health.set("a.queue", "UNKNOWN");
    expect([await check(kinds), await check(""), await check("a.queue")]).toEqual([
      NOT_SERVING,
      SERVING,
      Status.UNKNOWN,
    ]);
    expect(Object.keys((await client.list({})).statuses).sort()).toEqual([
      "",
      "a.queue",
      "grpc.health.v1.Health",
      kinds,
    ]);
    health.set("", "NOT_SERVING");
    health.clear(kinds);
    health.clear("a.queue");
    expect([await check(kinds), await check("")]).toEqual([SERVING, NOT_SERVING]);
    await expect(check("a.queue")).rejects.toMatchObject({ code: Code.NOT_FOUND });
    expect([health.get(kinds), health.get(""), health.get("a.queue")]).toEqual(["SERVING", "NOT_SERVING", undefined]);
  });

  test("is watched: the status now, then every change, and nothing twice", async () => {
    const { client, health } = await start(transport);
    const { next } = watcher(client, kinds);
    expect(await next()).toBe(SERVING);
    health.set(kinds, "SERVING");
    health.set("", "NOT_SERVING");
    health.set(kinds, "NOT_SERVING");
    expect(await next()).toBe(NOT_SERVING);
    health.set(kinds, "NOT_SERVING");
    health.clear(kinds);
    expect(await next()).toBe(SERVING);
  });

  test("of an unknown service is watched until it is known, and unknown again", async () => {
    const { client, health } = await start(transport);
    const { next } = watcher(client, "a.queue");
    expect(await next()).toBe(SERVICE_UNKNOWN);
    health.set("a.queue", "SERVING");
    expect(await next()).toBe(SERVING);
    health.clear("a.queue");
    expect(await next()).toBe(SERVICE_UNKNOWN);
  });

  test("changes faster than a watcher takes it: the watcher gets what it is then", async () => {
    const taken = event();
    const go = event();
    const slow: Interceptor = (next) => (call) => {
      const { messages } = next(call);
      return Reply.stream(
        (async function* () {
          for await (const message of messages) {
            yield message;
            taken.happen();
            await go.happened;
          }
        })(),
      );
    };
    const { client, health } = await start(transport, {}, { interceptors: [slow] });
    const { next } = watcher(client, kinds);
    expect(await next()).toBe(SERVING);
    await taken.happened;
    for (let i = 0; i < 100; i++) {
      health.set(kinds, "UNKNOWN");
      await new Promise(setImmediate);
      health.set(kinds, "NOT_SERVING");
      await new Promise(setImmediate);
    }
    go.happen();
    expect(await next()).toBe(NOT_SERVING);
    health.set(kinds, "SERVING");
    expect(await next()).toBe(SERVING);
  });

  test("forgets watchers, however they go", async () => {
    const { client, address, watching } = await start(transport);
    const leaving = watcher(client, kinds);
    await leaving.next();
    const abort = new AbortController();
    const cancelled = watcher(client, "unknown", abort.signal);
    await cancelled.next();
    const late = client.watch({ service: "" }, { timeoutMs: 50 })[Symbol.asyncIterator]();
    await late.next();
    const channel = dial(address, { transport, authority: "another.connection" });
    const closed = watcher(healthClient(channel), kinds);
    await closed.next();
    expect(watching()).toBe(4);
    await leaving.leave();
    await holds(() => watching() === 3);
    abort.abort();
    await expect(cancelled.next()).rejects.toMatchObject({ code: Code.CANCELLED });
    await expect(late.next()).rejects.toMatchObject({ code: Code.DEADLINE_EXCEEDED });
    await holds(() => watching() === 1);
    await channel.close();
    closed.next().catch(() => {});
    // A transport in memory has no connection to lose.
    if (wireTransports.some((row) => row.transport === transport)) await holds(() => watching() === 0);
  });

  test("turns NOT_SERVING when the server begins to shut down; watchers hear of it and do not hold it up", async () => {
    const { client, health, server, watching } = await start(transport);
    health.set("a.queue", "SERVING");
    const watchers = [kinds, "", "a.queue", "unknown"].map((service) => watcher(client, service));
    expect(await Promise.all(watchers.map(({ next }) => next()))).toEqual([SERVING, SERVING, SERVING, SERVICE_UNKNOWN]);
    const down = server.shutdown({ preStopMs: 60_000, graceMs: 60_000 });
    expect(await Promise.all(watchers.slice(0, 3).map(({ next }) => next()))).toEqual([
      NOT_SERVING,
      NOT_SERVING,
      NOT_SERVING,
    ]);
    health.set(kinds, "SERVING");
    health.set("b.queue", "SERVING");
    health.clear("a.queue");
    expect([health.get(kinds), health.get("a.queue"), health.get("b.queue")]).toEqual([
      "NOT_SERVING",
      "NOT_SERVING",
      undefined,
    ]);
    expect(await client.check({ service: kinds })).toEqual({ status: NOT_SERVING });
    const new_ = watcher(client, kinds);
    expect(await new_.next()).toBe(NOT_SERVING);
    expect(watching()).toBe(5);
    // Asked again, it waits for calls only: as when the time before them has passed.
    const report = await server.shutdown({ graceMs: 60_000 });
    expect(report).toEqual({ cutCalls: 0 });
    await down;
    for (const { next } of [...watchers, new_]) {
      await expect(next()).rejects.toMatchObject({ code: Code.UNAVAILABLE, details: "the server is shutting down" });
    }
    expect(watching()).toBe(0);
  });

  test("tells watchers also where the server waits for nothing", async () => {
    const { client, server } = await start(transport);
    const { next } = watcher(client, kinds);
    expect(await next()).toBe(SERVING);
    const down = server.shutdown({ graceMs: 60_000 });
    expect(await next()).toBe(NOT_SERVING);
    await expect(next()).rejects.toMatchObject({ code: Code.UNAVAILABLE });
    expect(await down).toEqual({ cutCalls: 0 });
  });

  test("is asked without a deadline even where other calls need one, unless it is to be otherwise", async () => {
    const free = await start(transport, { requireDeadline: true });
    expect(await watcher(free.client, kinds).next()).toBe(SERVING);
    const strict = await start(transport, {}, { requireDeadline: true });
    await expect(watcher(strict.client, kinds).next()).rejects.toMatchObject({ code: Code.INVALID_ARGUMENT });
  });

  test("of more than a hundred services is no list", async () => {
    const { client, health } = await start(transport);
    for (let i = 0; i < 97; i++) health.set(`queue-${i}`, "SERVING");
    expect(Object.keys((await client.list({})).statuses)).toHaveLength(100);
    health.set("one too many", "SERVING");
    await expect(client.list({})).rejects.toMatchObject({
      code: Code.RESOURCE_EXHAUSTED,
      details: expect.stringContaining("101 services"),
    });
  });
});

test("what is no name, no status, or comes too late, is refused", async () => {
  const { health, server } = await start("grpc-js");
  const misuse = (action: () => void): RpcError => {
    try {
      action();
    } catch (error) {
      return error as RpcError;
    }
    throw new Error("nothing was thrown");
  };
  expect(misuse(() => health.set(kinds, "GOOD" as never))).toMatchObject({
    code: Code.INVALID_ARGUMENT,
    details: 'health of "kinds.v1.Kinds": must be one of SERVING, NOT_SERVING, UNKNOWN, not "GOOD"',
  });
  for (const action of [() => health.set(7 as never, "SERVING"), () => health.clear(undefined as never)]) {
    expect(misuse(action)).toMatchObject({
      code: Code.INVALID_ARGUMENT,
      details: expect.stringMatching(/named by a text/),
    });
  }
  expect(misuse(() => registerHealth(server)).code).toBe(Code.FAILED_PRECONDITION);
  const twice = new Server();
  registerHealth(twice);
  expect(misuse(() => registerHealth(twice)).code).toBe(Code.ALREADY_EXISTS);
});

describe.each(wireTransports)(
  "a client of grpc-js that knows nothing but paths, against health on $name",
  ({ transport }) => {
    const bytes = (value: Buffer) => value;
    const theirs: Client[] = [];
    afterEach(() => {
      for (const client of theirs.splice(0)) client.close();
    });

    /** HealthCheckRequest, by hand: field 1, a string. */
    const request = (service: string) =>
      service === "" ? Buffer.alloc(0) : Buffer.concat([Buffer.from([0x0a, service.length]), Buffer.from(service)]);
    /** HealthCheckResponse: field 1, an enum. */
    const response = (status: number) => Buffer.from([0x08, status]);

    async function connected(): Promise<Started & { readonly their: Client }> {
      const all = await start(transport);
      const their = new Client(all.address, credentials.createInsecure());
      theirs.push(their);
      return { ...all, their };
    }

    test("checks", async () => {
      const { their, health } = await connected();
      const check = (service: string) =>
        new Promise<Buffer | ServiceError>((resolve) => {
          their.makeUnaryRequest("/grpc.health.v1.Health/Check", bytes, bytes, request(service), (error, value) =>
            resolve(error ?? value!),
          );
        });
      expect(await check("")).toEqual(response(1));
      health.set(kinds, "NOT_SERVING");
      expect(await check(kinds)).toEqual(response(2));
      expect(await check("nobody")).toMatchObject({ code: Code.NOT_FOUND });
    });

    test("watches, and cancels", async () => {
      const { their, health, watching } = await connected();
      const stream = their.makeServerStreamRequest("/grpc.health.v1.Health/Watch", bytes, bytes, request(kinds));
      stream.on("error", () => {});
      const messages = stream[Symbol.asyncIterator]();
      expect((await messages.next()).value).toEqual(response(1));
      health.set(kinds, "NOT_SERVING");
      expect((await messages.next()).value).toEqual(response(2));
      stream.cancel();
      await holds(() => watching() === 0);
    });
  },
);
