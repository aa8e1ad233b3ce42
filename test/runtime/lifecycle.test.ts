import { Code, codeName, dial, RpcError, rawMethod, Server } from "@trunkline/runtime";
import {
  KindsDesc,
  kindsClient,
  registerKindsServer,
  UnimplementedKindsServer,
} from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import { collect, event, startKinds, stopKinds } from "./kinds.js";
import { transports } from "./transports.js";

afterEach(stopKinds);

const aborted = (signal: AbortSignal) =>
  new Promise<unknown>((resolve) => {
    if (signal.aborted) resolve(signal.reason);
    signal.addEventListener("abort", () => resolve(signal.reason));
  });

describe.each(transports)("the end of a server on $name", ({ transport }) => {
  test("a call in flight ends as it would, and is not counted among the cut", async () => {
    const started = event();
    const go = event();
    const { client, server } = await startKinds(transport, {
      async unary({ text }) {
        started.happen();
        await go.happened;
        return { text };
      },
    });
    const call = client.unary({ text: "to the end" });
    await started.happened;
    const stopped = server.shutdown({ graceMs: 60_000 });
    expect(server.stats().state).toBe("stopping");
    go.happen();
    expect(await call).toMatchObject({ text: "to the end" });
    expect(await stopped).toEqual({ cutCalls: 0 });
    expect(server.stats()).toMatchObject({ state: "stopped" });
  });

  test("what has not ended within the grace is cut with UNAVAILABLE, and counted", async () => {
    let begun = 0;
    const started = event();
    const ends: unknown[] = [];
    const { client, server } = await startKinds(transport, {
      async unary(_request, call) {
        call.onEnd(({ code }) => ends.push(codeName(code)));
        if (++begun === 3) started.happen();
        return new Promise(() => {});
      },
    });
    const calls = [1, 2, 3].map(() => client.unary({}).catch((error: RpcError) => error.code));
    await started.happened;
    expect(await server.shutdown({ graceMs: 20 })).toEqual({ cutCalls: 3 });
    expect(await Promise.all(calls)).toEqual([Code.UNAVAILABLE, Code.UNAVAILABLE, Code.UNAVAILABLE]);
    expect(ends).toEqual(["UNAVAILABLE", "UNAVAILABLE", "UNAVAILABLE"]);
  });

  test("before it begins to refuse, it waits: listeners are told, and calls are answered as before", async () => {
    const { client, server } = await startKinds(transport, { unary: ({ text }) => ({ text }) });
    await client.unary({});
    const told = event();
    server.onShutdown(told.happen);
    const stopped = server.shutdown({ preStopMs: 60_000, graceMs: 1000 });
    await told.happened;
    expect(await client.unary({ text: "still here" })).toMatchObject({ text: "still here" });
    const late = event();
    server.onShutdown(late.happen);
    await late.happened;
    // Who asks again is in a hurry.
    expect(await server.shutdown()).toEqual({ cutCalls: 0 });
    expect(await stopped).toEqual({ cutCalls: 0 });
  });

  test("streams are asked to end through their signal, and may still say a last word", async () => {
    const started = event();
    const { client, server } = await startKinds(transport, {
      async *serverStream(_request, call) {
        yield { text: "first" };
        started.happen();
        const reason = await aborted(call.signal);
        yield { text: (reason as RpcError).details };
      },
    });
    const messages = collect(client.serverStream({}));
    await started.happened;
    expect(await server.shutdown({ graceMs: 60_000 })).toEqual({ cutCalls: 0 });
    expect((await messages).map(({ text }) => text)).toEqual(["first", "the server is shutting down"]);
  });

  test("a stream whose handler stops as the platform does ends with UNAVAILABLE, and is no fault", async () => {
    const started = event();
    const faults: unknown[] = [];
    const { client, server } = await startKinds(
      transport,
      {
        async *serverStream(_request, call) {
          started.happen();
          yield {};
          await aborted(call.signal);
          throw new DOMException("This operation was aborted", "AbortError");
        },
      },
      { onError: (error) => faults.push(error) },
    );
    const outcome = collect(client.serverStream({})).catch((error) => error);
    await started.happened;
    await server.shutdown({ graceMs: 60_000 });
    expect(await outcome).toMatchObject({ code: Code.UNAVAILABLE, details: "the server is shutting down" });
    expect(faults).toEqual([]);
  });

  test("one that ends well although it was asked to is counted as such", async () => {
    const started = event();
    const { client, server } = await startKinds(transport, {
      async *serverStream(_request, call) {
        started.happen();
        await aborted(call.signal);
        yield {};
      },
    });
    const messages = collect(client.serverStream({}));
    await started.happened;
    await server.shutdown({ graceMs: 60_000 });
    await messages;
    const [kinds] = server.stats().services;
    expect(kinds?.methods.find(({ path }) => path.endsWith("/ServerStream"))).toMatchObject({ callsSucceeded: 1 });
  });

  test("listen() after it is refused, and options that are no times are named", async () => {
    const server = new Server({ transport });
    await expect(server.shutdown({ graceMs: Number.NaN })).rejects.toMatchObject({
      details: expect.stringMatching(/graceMs: must be a number, at least 0, not NaN/),
    });
    await expect(server.shutdown({ preStopMs: -1 })).rejects.toMatchObject({ code: Code.INVALID_ARGUMENT });
    await server.shutdown();
    await expect(server.listen("127.0.0.1:0")).rejects.toMatchObject({ code: Code.FAILED_PRECONDITION });
  });
});

describe.each(transports)("a server on $name", ({ transport }) => {
  test("listens on several addresses", async () => {
    const { server, address } = await startKinds(transport, { unary: () => ({ text: "here" }) });
    const second = await server.listen("127.0.0.1:0");
    expect(server.stats().addresses).toEqual([address, second.address]);
    const channel = dial(second.address, { transport });
    expect(await kindsClient(channel).unary({})).toMatchObject({ text: "here" });
    await channel.close();
    await expect(server.listen(address)).rejects.toMatchObject({ code: Code.ALREADY_EXISTS });
  });

  test("knows its services, and counts what their methods do", async () => {
    const go = event();
    const started = event();
    const { client, server } = await startKinds(transport, {
      async unary({ text }) {
        if (text === "fails") throw new RpcError(Code.NOT_FOUND, "nothing");
        if (text === "waits") {
          started.happen();
          await go.happened;
        }
        return {};
      },
    });
    expect(server.services).toEqual([KindsDesc]);
    await client.unary({});
    await client.unary({ text: "fails" }).catch(() => {});
    const waiting = client.unary({ text: "waits" });
    await started.happened;
    const [{ serviceName, methods } = { serviceName: "", methods: [] }] = server.stats().services;
    expect(serviceName).toBe("kinds.v1.Kinds");
    expect(methods).toHaveLength(4);
    expect(methods[0]).toMatchObject({
      path: "/kinds.v1.Kinds/Unary",
      callsStarted: 3,
      callsSucceeded: 1,
      callsFailed: 1,
      inFlight: 1,
    });
    expect(methods[0]?.latencyMs?.max).toBeGreaterThan(0);
    expect(methods[1]).toMatchObject({ callsStarted: 0, latencyMs: undefined });
    go.happen();
    await waiting;
  });

  test("answers methods that it does not know, with their messages as bytes", async () => {
    const { server, channel } = await startKinds(
      transport,
      {},
      {
        async *unknownMethods(requests, call) {
          call.sendHeaders({ "x-method": call.method.path });
          call.trailers.set("x-tail", "yes");
          for await (const bytes of requests) yield Uint8Array.from(bytes).reverse();
        },
      },
    );
    const seen: (string | undefined)[] = [];
    const messages = channel.bidiStream(
      rawMethod("/any.Service/AtAll"),
      [Uint8Array.of(1, 2, 3), new Uint8Array(), Uint8Array.of(4)],
      {
        onHeaders: (headers) => seen.push(headers.get("x-method")),
        onTrailers: (trailers) => seen.push(trailers.get("x-tail")),
      },
    );
    expect((await collect(messages)).map((bytes) => [...bytes])).toEqual([[3, 2, 1], [], [4]]);
    expect(seen).toEqual(["/any.Service/AtAll", "yes"]);
    expect(server.stats().unknownMethods).toMatchObject({ callsStarted: 1, callsSucceeded: 1 });
    await expect(kindsClient(channel).unary({})).rejects.toMatchObject({ code: Code.UNIMPLEMENTED });
  });

  test("without a handler for them they end with UNIMPLEMENTED", async () => {
    const { channel } = await startKinds(transport, {});
    await expect(collect(channel.bidiStream(rawMethod("/any.Service/AtAll"), []))).rejects.toMatchObject({
      code: Code.UNIMPLEMENTED,
      details: "/any.Service/AtAll is not served here",
    });
  });

  test("holds each method to its own limits", async () => {
    const server = new Server({ transport, maxReceiveMessageBytes: 100 });
    const impl = Object.assign(new UnimplementedKindsServer(), {
      unary: () => ({}),
      async clientStream(requests: AsyncIterable<unknown>) {
        return { number: BigInt((await collect(requests)).length) };
      },
    });
    registerKindsServer(server, impl, { methods: { clientStream: { maxReceiveMessageBytes: 1000 } } });
    const channel = dial((await server.listen("127.0.0.1:0")).address, { transport });
    const client = kindsClient(channel);
    const text = "x".repeat(500);
    await expect(client.unary({ text })).rejects.toMatchObject({ code: Code.RESOURCE_EXHAUSTED });
    expect(await client.clientStream([{ text }, { text }])).toMatchObject({ number: 2n });
    await expect(client.clientStream([{ text: text + text }])).rejects.toMatchObject({ code: Code.RESOURCE_EXHAUSTED });
    await channel.close();
    await server.shutdown();
  });
});
