/** What only a wire has: limits, unreadable messages, an authority, a connection that is not there yet. */
import { createServer as createHttp2Server, type ServerHttp2Session } from "node:http2";
import { createServer } from "node:net";
import { Code, type Codec, dial, type MethodDesc, RpcError, Server } from "@trunkline/runtime";
import {
  KindsDesc,
  kindsClient,
  registerKindsServer,
  UnimplementedKindsServer,
} from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import { collect, event, startKinds, stopKinds } from "./kinds.js";
import { wireTransports } from "./transports.js";

afterEach(stopKinds);

const kibibyte = 1024;

/** The method, spoken with bytes as they are. */
function raw(method: MethodDesc): MethodDesc<Uint8Array, Uint8Array, Uint8Array, Uint8Array> {
  const codec: Codec<Uint8Array> = { typeName: "bytes", encode: (bytes) => bytes, decode: (bytes) => bytes };
  return { ...method, kind: method.kind, name: method.name, path: method.path, request: codec, response: codec };
}

/** Field 1, length-delimited, of ten bytes that are not there. */
const unreadable = Uint8Array.of(0x0a, 0x0a, 0x00);

describe.each(wireTransports)("on the wire of $name", ({ transport }) => {
  test("a request that cannot be read is INTERNAL, and the server lives on", async () => {
    let called = 0;
    const { client, channel } = await startKinds(transport, {
      unary: () => ({ number: BigInt(++called) }),
      async clientStream(requests) {
        await collect(requests);
        return {};
      },
    });
    const expected = { code: Code.INTERNAL, details: expect.stringMatching(/not a readable kinds\.v1\.Note/) };
    await expect(channel.unary(raw(KindsDesc.methods.unary), unreadable)).rejects.toMatchObject(expected);
    const streamed = channel.clientStream(raw(KindsDesc.methods.clientStream), [unreadable]);
    await expect(streamed).rejects.toMatchObject(expected);
    expect(called).toBe(0);
    await expect(client.unary({})).resolves.toMatchObject({ number: 1n });
  });

  test("a response that cannot be read is INTERNAL at the caller", async () => {
    const server = new Server({ transport });
    const answer = () => unreadable;
    const methods = { unary: { ...raw(KindsDesc.methods.unary), handler: answer } };
    server.register({ ...KindsDesc, methods }, { unary() {} });
    const channel = dial((await server.listen("127.0.0.1:0")).address, { transport });
    const error = await kindsClient(channel)
      .unary({})
      .catch((thrown) => thrown);
    expect(error).toMatchObject({
      code: Code.INTERNAL,
      details: expect.stringMatching(/not a readable kinds\.v1\.Note/),
    });
    expect(error.cause).toBeInstanceOf(Error);
    await channel.close();
    await server.shutdown();
  });

  test("messages over a limit are RESOURCE_EXHAUSTED, and the connection lives", async () => {
    const { client, dial } = await startKinds(
      transport,
      {
        unary: ({ number }) => ({ data: new Uint8Array(Number(number)) }),
        serverStream: ({ number }) => [{}, { data: new Uint8Array(Number(number)) }],
      },
      { maxReceiveMessageBytes: 64 * kibibyte, maxSendMessageBytes: 128 * kibibyte },
    );
    const exhausted = { code: Code.RESOURCE_EXHAUSTED };
    const tooLongToReceive = client.unary({ number: 10_000n }, { maxReceiveMessageBytes: 9999 });
    await expect(tooLongToReceive).rejects.toMatchObject(exhausted);
    const tooLongToSend = client.unary({ data: new Uint8Array(10_000) }, { maxSendMessageBytes: 9999 });
    await expect(tooLongToSend).rejects.toMatchObject({
      ...exhausted,
      details: expect.stringMatching(/maxSendMessageBytes, 9999/),
    });
    await expect(client.unary({ data: new Uint8Array(65 * kibibyte) })).rejects.toMatchObject(exhausted);
    await expect(client.unary({ number: BigInt(129 * kibibyte) })).rejects.toMatchObject(exhausted);
    await expect(collect(client.serverStream({ number: BigInt(129 * kibibyte) }))).rejects.toMatchObject(exhausted);
    const narrow = dial({ maxReceiveMessageBytes: 1000 });
    await expect(narrow.unary({ number: 2000n })).rejects.toMatchObject(exhausted);
    await client.unary({ number: 100_000n });
  });

  test("authority: the target's, the dial's, the call's", async () => {
    const seen: unknown[] = [];
    const server = createHttp2Server((request, response) => {
      seen.push(request.headers[":authority"]);
      response.writeHead(503).end(); // Whatever it answers: it has seen what it is here for.
    });
    const sessions: ServerHttp2Session[] = [];
    server.on("session", (session) => sessions.push(session));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    const dialled = dial(`127.0.0.1:${port}`, { transport });
    const renamed = dial(`127.0.0.1:${port}`, { transport, authority: "greeter.example" });
    await expect(kindsClient(dialled).unary({})).rejects.toBeInstanceOf(RpcError);
    await expect(kindsClient(renamed).unary({})).rejects.toBeInstanceOf(RpcError);
    await expect(kindsClient(dialled).unary({}, { authority: "other.example" })).rejects.toBeInstanceOf(RpcError);
    expect(seen).toEqual([`127.0.0.1:${port}`, "greeter.example", "other.example"]);
    await dialled.close();
    await renamed.close();
    for (const session of sessions) session.destroy();
    await new Promise((resolve) => server.close(resolve));
  });

  test("waitForReady waits for a server; without it the call fails at once", async () => {
    const probe = createServer();
    await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
    const { port } = probe.address() as { port: number };
    await new Promise((resolve) => probe.close(resolve));

    const channel = dial(`127.0.0.1:${port}`, { transport });
    const client = kindsClient(channel);
    await expect(client.unary({})).rejects.toMatchObject({
      code: Code.UNAVAILABLE,
      details: expect.stringMatching(/ECONNREFUSED/),
    });
    const waiting = client.unary({}, { waitForReady: true, timeoutMs: 15_000 });
    const server = new Server({ transport });
    registerKindsServer(server, Object.assign(new UnimplementedKindsServer(), { unary: () => ({ text: "at last" }) }));
    await server.listen(`127.0.0.1:${port}`);
    await expect(waiting).resolves.toMatchObject({ text: "at last" });
    await channel.close();
    await server.shutdown();
  });

  test("close lets calls in flight end within its grace, and cuts those that do not", async () => {
    const started = event();
    const goOn = event();
    const { client, channel } = await startKinds(transport, {
      async unary({ text }) {
        started.happen();
        if (text === "patient") await goOn.happened;
        else await new Promise(() => {});
        return { text };
      },
    });
    const patient = client.unary({ text: "patient" });
    const stuck = client.unary({ text: "stuck" });
    await started.happened;
    const closed = channel.close({ graceMs: 100 });
    goOn.happen();
    await expect(patient).resolves.toMatchObject({ text: "patient" });
    await expect(stuck).rejects.toMatchObject({ code: Code.UNAVAILABLE });
    await closed;
  });

  test("a server's shutdown lets calls end within its grace, and cuts those that do not", async () => {
    const started = event();
    const goOn = event();
    const aborted = event<unknown>();
    const { client, server } = await startKinds(transport, {
      async unary({ text }, call) {
        started.happen();
        if (text === "patient") await goOn.happened;
        else {
          call.signal.addEventListener("abort", () => aborted.happen(call.signal.reason));
          await new Promise(() => {});
        }
        return { text };
      },
    });
    const patient = client.unary({ text: "patient" });
    const stuck = client.unary({ text: "stuck" });
    stuck.catch(() => {});
    await started.happened;
    const down = server.shutdown({ graceMs: 100 });
    goOn.happen();
    await expect(patient).resolves.toMatchObject({ text: "patient" });
    await down;
    await expect(stuck).rejects.toMatchObject({ code: Code.UNAVAILABLE });
    await expect(aborted.happened).resolves.toMatchObject({ code: Code.UNAVAILABLE });
  });
});
