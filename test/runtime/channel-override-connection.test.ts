/** What a channel that was dialled is to grpc-js' clients: its connection, identity, parents, and what they ask of it. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import {
  type ChannelInterface,
  type Client,
  type ClientUnaryCall,
  connectivityState,
  credentials,
  Metadata as GrpcMetadata,
  Server as GrpcServer,
  propagate,
  ServerCredentials,
  type ServerUnaryCall,
  type sendUnaryData,
  status,
} from "@grpc/grpc-js";
import {
  type Channel,
  Code,
  type DialOptions,
  insecure,
  RpcError,
  Server,
  type ServerCall,
  serverTls,
  tls,
} from "@trunkline/runtime";
import { toGrpcJsChannel } from "@trunkline/runtime/grpc-js";
import type { Note } from "../../fixtures/golden/ts-proto/kinds/v1/kinds.js";
import { KindsDesc, kindsClient, registerKindsServer } from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import {
  answered,
  clientOn,
  dialled,
  echoing,
  ownClient,
  reads,
  recorded,
  startOverridden,
  stopOverridden,
  stops,
} from "./callback-clients.js";
import { event, startKinds } from "./kinds.js";
import { transports } from "./transports.js";

afterEach(stopOverridden);

function ready(client: Client, deadline: Date | number): Promise<void> {
  return new Promise((resolve, reject) => {
    client.waitForReady(deadline, (error) => (error === undefined ? resolve() : reject(error)));
  });
}

function changed(channel: ChannelInterface, known: connectivityState, deadline: number): Promise<Error | undefined> {
  return new Promise((resolve) => channel.watchConnectivityState(known, deadline, resolve));
}

describe.each(transports)("the connection under a client of grpc-js on $name", ({ transport }) => {
  const fast = { backoff: { initialMs: 10, maxMs: 20 } };

  test("waitForReady() connects, and waits no longer than it may", async () => {
    const { client, override, channel } = await startOverridden(transport, echoing);
    expect(override.getConnectivityState(false)).toBe(connectivityState.IDLE);
    await ready(client, Date.now() + 10_000);
    expect(override.getConnectivityState(true)).toBe(connectivityState.READY);
    await channel.close();
    await expect(ready(client, Date.now() + 10_000)).rejects.toThrow("The channel has been closed");
    expect(() => override.watchConnectivityState(connectivityState.READY, 0, () => {})).toThrow(RpcError);
    const lost = clientOn(toGrpcJsChannel(dialled("127.0.0.1:1", { transport, ...fast })));
    await expect(ready(lost, new Date(Date.now() + 200))).rejects.toThrow("Failed to connect before the deadline");
  });

  test("a change of state is told to who watches, once; and that there was none in time", async () => {
    const { override } = await startOverridden(transport, echoing);
    const { IDLE, READY } = connectivityState;
    expect(await changed(override, IDLE, Date.now() + 20)).toMatchObject({ code: Code.DEADLINE_EXCEEDED });
    expect(await changed(override, READY, Number.POSITIVE_INFINITY)).toBeUndefined();
    let told = 0;
    override.watchConnectivityState(IDLE, Number.POSITIVE_INFINITY, () => told++);
    const change = changed(override, IDLE, Number.POSITIVE_INFINITY);
    await ready(clientOn(override), Date.now() + 10_000);
    expect(await change).toBeUndefined();
    expect(told).toBe(1);
  });

  test("where no attempt to connect can even be begun, a client that waits makes few", async () => {
    const { address } = await startKinds(transport, echoing);
    let asked = 0;
    const openAt = performance.now() + 200;
    const hesitant = async () => {
      asked++;
      if (performance.now() < openAt) throw new Error("no vault");
      return insecure();
    };
    const channel = dialled(address, { transport, credentials: hesitant });
    await ready(clientOn(toGrpcJsChannel(channel)), Date.now() + 10_000);
    expect(asked).toBe(2);
  });

  test("a call waits for it where its metadata, or the channel, say so, and fails at once where not", async () => {
    const gone = await startKinds(transport, echoing);
    await gone.server.shutdown();
    const client = clientOn(recorded("channel", toGrpcJsChannel(dialled(gone.address, { transport, ...fast }))));
    const patient = clientOn(toGrpcJsChannel(dialled(gone.address, { transport, ...fast, waitForReady: true })));
    const refused = answered((callback) => client.unary({ text: "now" }, callback));
    await expect(refused).rejects.toMatchObject({ code: status.UNAVAILABLE });
    const waits = (waitForReady: boolean) => new GrpcMetadata({ waitForReady });
    const reply = answered((callback) => client.unary({ text: "later" }, waits(true), callback));
    const other = answered((callback) => patient.unary({ text: "too" }, callback));
    const hasty = answered((callback) => patient.unary({ text: "now" }, waits(false), callback));
    await expect(hasty).rejects.toMatchObject({ code: status.UNAVAILABLE });
    const server = new Server({ transport });
    stops.push(() => server.shutdown());
    registerKindsServer(server, echoing);
    await server.listen(gone.address);
    await expect(reply).resolves.toMatchObject({ text: "later!" });
    await expect(other).resolves.toMatchObject({ text: "too!" });
  });

  test("close() lets calls in flight end, and takes no more, without throwing", async () => {
    const started = event();
    const goOn = event();
    const { client, channel } = await startOverridden(transport, {
      async unary({ text }) {
        started.happen();
        await goOn.happened;
        return { text };
      },
    });
    const reply = answered((callback) => client.unary({ text: "in flight" }, callback));
    await started.happened;
    client.close();
    expect(channel.state).toBe("SHUTDOWN");
    const refused = answered((callback) => client.unary({}, callback));
    await expect(refused).rejects.toMatchObject({ code: status.UNAVAILABLE });
    goOn.happen();
    await expect(reply).resolves.toMatchObject({ text: "in flight" });
  });

  test("is everyone's who has dialled it, and its figures count these calls", async () => {
    const { client, channel, override } = await startOverridden(transport, echoing);
    await kindsClient(channel).unary({ text: "a" });
    await answered((callback) => client.unary({ text: "b" }, callback));
    expect(channel.stats).toMatchObject({ callsSucceeded: 2, inFlight: 0, channels: 1, reconnects: 0 });
    expect(override.getTarget()).toBe(channel.target);
    expect(override.getChannelzRef()).toEqual({ kind: "channel", id: 0, name: channel.target });
  });

  test("tells the server's address once there is one", async () => {
    const { client, channel, address } = await startOverridden(transport, echoing);
    let call!: ClientUnaryCall;
    const peers: string[] = [];
    await answered((callback) => {
      call = client.unary({ text: "hi" }, callback);
      peers.push(call.getPeer());
      call.on("metadata", () => peers.push(call.getPeer()));
    });
    expect(peers).toEqual([channel.target, address]);
    expect(call.getAuthContext()).toBeNull();
  });

  test("a retry policy of the channel holds, with every request sent again", async () => {
    let attempts = 0;
    const retry = {
      ...{ maxAttempts: 3, initialBackoffMs: 1, maxBackoffMs: 1, backoffMultiplier: 1 },
      codes: [Code.UNAVAILABLE],
    };
    const { client } = await startOverridden(
      transport,
      {
        async clientStream(requests) {
          let text = "";
          for await (const request of requests) text += request.text;
          if (++attempts < 3) throw new RpcError(Code.UNAVAILABLE, "again");
          return { text };
        },
      },
      { retry },
    );
    const reply = answered((callback) => {
      const call = client.clientStream(callback);
      for (const text of ["a", "b", "c"]) call.write({ text });
      call.end();
    });
    await expect(reply).resolves.toMatchObject({ text: "abc" });
    expect(attempts).toBe(3);
  });

  describe("credentials of calls", () => {
    const pem = (name: string) => readFileSync(`fixtures/tls/${name}`);

    async function secure(options: DialOptions = {}) {
      const server = new Server({ transport });
      stops.push(() => server.shutdown());
      registerKindsServer(server, {
        ...echoing,
        unary: (_note, call) => ({ text: call.metadata.getAll("authorization").join("; ") }),
      });
      const cert = { cert: pem("server.pem"), key: pem("server.key") };
      const { port } = await server.listen("127.0.0.1:0", { credentials: serverTls(cert) });
      const channel = dialled(`localhost:${port}`, { transport, credentials: tls({ ca: pem("ca.pem") }), ...options });
      return clientOn(recorded("channel", toGrpcJsChannel(channel)));
    }

    const bearing = (token: string) =>
      credentials.createFromMetadataGenerator(({ service_url, method_name }, callback) => {
        const metadata = new GrpcMetadata();
        metadata.set("authorization", `${token} ${service_url} ${method_name}`);
        callback(null, metadata);
      });

    test("identify a call, for the service as grpc-js names it, and stand in for the channel's", async () => {
      const theirs = { credentials: bearing("theirs") };
      const expected = "theirs https://localhost/kinds.v1.Kinds /kinds.v1.Kinds/Unary";
      const client = await secure();
      const { text } = await answered((callback) => client.unary({}, theirs, callback));
      expect(text).toBe(expected);
      const known = await secure({ callCredentials: () => ({ authorization: "ours" }) });
      expect(await answered((callback) => known.unary({}, callback))).toMatchObject({ text: "ours" });
      expect(await answered((callback) => known.unary({}, theirs, callback))).toMatchObject({ text: expected });
    });

    test("never travel in plaintext", async () => {
      let called = 0;
      const { client } = await startOverridden(transport, { unary: () => ({ number: BigInt(++called) }) });
      const reply = answered((callback) => client.unary({}, { credentials: bearing("secret") }, callback));
      await expect(reply).rejects.toMatchObject({ code: status.UNAUTHENTICATED });
      expect(called).toBe(0);
    });

    test("that fail, or take too long, fail the call", async () => {
      const client = await secure();
      const failing = credentials.createFromMetadataGenerator((_options, callback) => callback(new Error("no token")));
      const failed = answered((callback) => client.unary({}, { credentials: failing }, callback));
      await expect(failed).rejects.toMatchObject({ details: "no token" });
      const silent = credentials.createFromMetadataGenerator(() => {});
      const late = answered((callback) =>
        client.unary({}, { credentials: silent, deadline: Date.now() + 50 }, callback),
      );
      await expect(late).rejects.toMatchObject({
        code: status.DEADLINE_EXCEEDED,
        details: expect.stringContaining("credentials"),
      });
    });
  });

  describe("calls on behalf of others", () => {
    /** A server of grpc-js whose handler calls on with what `call` does; `inner` is where that arrives. */
    async function chained(
      call: (parent: ServerUnaryCall<Note, Partial<Note>>, answer: sendUnaryData<Note>) => void,
    ): Promise<ReturnType<typeof ownClient>> {
      const server = new GrpcServer();
      stops.push(() => server.forceShutdown());
      server.addService(KindsDesc.methods, { unary: call });
      const port = await new Promise<number>((resolve, reject) => {
        server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
          error === null ? resolve(bound) : reject(error),
        );
      });
      return ownClient(`127.0.0.1:${port}`);
    }

    test("a server call of grpc-js passes on its deadline and its cancellation, as the flags say", async () => {
      const arrived = [event<ServerCall>(), event<ServerCall>()];
      let calls = 0;
      const { client: inner } = await startOverridden(transport, {
        unary(_note, call) {
          arrived[calls++]!.happen(call);
          return new Promise<never>(() => {});
        },
      });
      const outer = await chained((parent, answer) => {
        inner.unary({}, { parent, propagate_flags: propagate.DEFAULTS }, answer);
        const alone = inner.unary({}, { parent, propagate_flags: 0 }, () => {});
        stops.unshift(() => alone.cancel());
      });
      let call!: ClientUnaryCall;
      const deadline = Date.now() + 15_000;
      const reply = answered((callback) => {
        call = outer.unary({}, { deadline }, callback);
      });
      const [inheriting, alone] = await Promise.all(arrived.map(({ happened }) => happened));
      expect(inheriting!.timeLeftMs()).toBeLessThanOrEqual(15_000);
      expect(alone!.deadline).toBeUndefined();
      const aborted = event();
      inheriting!.signal.addEventListener("abort", () => aborted.happen());
      call.cancel();
      await expect(reply).rejects.toMatchObject({ code: status.CANCELLED });
      await aborted.happened;
      expect(alone!.signal.aborted).toBe(false);
    });

    test("a parent has one listener more, however many calls it has; one that has ended takes none", async () => {
      const { client: inner } = await startOverridden(transport, echoing);
      const parents: ServerUnaryCall<Note, Partial<Note>>[] = [];
      const listeners: number[] = [];
      const ends: Promise<unknown>[] = [];
      const outer = await chained((parent, answer) => {
        parents.push(parent);
        ends.push(once(parent, "cancelled"));
        const before = parent.listenerCount("cancelled");
        const count = parent.request.text === "many" ? 30 : 0;
        const all = Array.from({ length: count }, () =>
          answered((callback) => inner.unary({ text: "x" }, { parent }, callback)),
        );
        Promise.all(all).then(() => {
          listeners.push(parent.listenerCount("cancelled") - before);
          answer(null, parent.request);
        }, answer);
      });
      for (const text of ["many", "none"]) await answered((callback) => outer.unary({ text }, callback));
      expect(listeners).toEqual([1, 0]);
      await Promise.all(ends);
      for (const parent of parents) {
        const late = answered((callback) => inner.unary({ text: "x" }, { parent }, callback));
        await expect(late).rejects.toMatchObject({ code: status.CANCELLED });
      }
    });

    test("inside a handler of a server with propagate: auto they inherit by themselves", async () => {
      const left = event<number>();
      const { client: inner } = await startOverridden(
        transport,
        {
          unary(_note, call) {
            left.happen(call.timeLeftMs());
            return {};
          },
        },
        { marginMs: 1000 },
      );
      const outer = await startKinds(
        transport,
        { unary: () => answered((callback) => inner.unary({}, callback)) },
        { propagate: "auto" },
      );
      await outer.client.unary({}, { timeoutMs: 15_000 });
      expect(await left.happened).toBeLessThanOrEqual(14_000);
    });
  });
});

test("what did not come from dial(), and what grpc-js would not pass, is refused with what to do", async () => {
  const mock = { unary: async () => ({}) } as unknown as Channel;
  for (const channel of [mock, null as unknown as Channel]) {
    expect(() => toGrpcJsChannel(channel)).toThrow(/toGrpcJsChannel\(\) needs a channel that dial\(\) has returned/);
  }
  const { override } = await startOverridden("in-process", echoing);
  const create = override.createCall.bind(override) as (...args: unknown[]) => unknown;
  expect(() => create(1, 0, null, null, 0)).toThrow(/the method must be a path, not 1/);
  expect(() => create("/a/B", "soon", null, null, 0)).toThrow(/deadline must be/);
  expect(() => create("/a/B", 0, null, {}, 0)).toThrow(/parent: must be a server call of grpc-js/);
});

test("grpc-js asks of a channel and a call what it is known to ask, and no more", async () => {
  reads.channel.clear();
  reads.call.clear();
  const { client } = await startOverridden("in-process", echoing);
  await ready(client, Date.now() + 10_000);
  const token = credentials.createFromMetadataGenerator((_options, callback) => callback(null, new GrpcMetadata()));
  let call!: ClientUnaryCall;
  await answered((callback) => {
    call = client.unary({ text: "hi" }, callback);
  });
  call.getPeer();
  call.getAuthContext();
  const refused = answered((callback) => {
    call = client.unary({}, { credentials: token }, callback);
  });
  await expect(refused).rejects.toMatchObject({ code: status.UNAUTHENTICATED });
  for await (const _ of client.serverStream({ text: "abc" }));
  await answered((callback) => client.clientStream(callback).end({ text: "x" }));
  const both = client.bidiStream();
  both.write({ text: "x" });
  const cancelled = event<unknown>();
  both.on("error", cancelled.happen);
  both.on("data", () => both.cancel());
  await expect(cancelled.happened).resolves.toMatchObject({ code: status.CANCELLED });
  client.getChannel();
  client.close();
  expect([...reads.channel].sort()).toEqual(["close", "createCall", "getConnectivityState", "watchConnectivityState"]);
  expect([...reads.call].sort()).toEqual([
    "cancelWithStatus",
    "getAuthContext",
    "getPeer",
    "halfClose",
    "sendMessageWithContext",
    "setCredentials",
    "start",
    "startRead",
  ]);
});
