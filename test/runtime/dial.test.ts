import { createServer } from "node:net";
import { jest } from "@jest/globals";
import { Code, dial, insecure, RpcError, Server, type Transport, tls } from "@trunkline/runtime";
import { kindsClient, sharedKindsClient } from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import { loopback } from "./loopback.js";

/** Counts the channels that are made. */
function counting(): { readonly transport: Transport; readonly made: string[] } {
  const made: string[] = [];
  const transport: Transport = {
    ...loopback,
    name: `counting ${Math.random()}`,
    connect(options, observer) {
      made.push(options.target);
      return loopback.connect(options, observer);
    },
  };
  return { transport, made };
}

describe("dial", () => {
  test("one connection for all spellings, handles and clients of a target; made by the first call", async () => {
    const { transport, made } = counting();
    const channels = [
      dial("localhost:9", { transport }),
      dial("dns:///localhost:9", { transport, timeoutMs: 1000 }),
      dial("localhost:9", { transport, credentials: insecure(), interceptors: [(next) => (call) => next(call)] }),
    ];
    expect(made).toEqual([]);
    await Promise.allSettled(channels.flatMap((channel) => [1, 2, 3].map(() => kindsClient(channel).unary({}))));
    expect(made).toEqual(["dns:///localhost:9"]);
    await Promise.all(channels.map((channel) => channel.close()));
  });

  test("other credentials or connection options make another connection", async () => {
    const { transport, made } = counting();
    const options = [
      {},
      { authority: "other" },
      { maxReceiveMessageBytes: 1 },
      { credentials: tls() },
      { credentials: tls({ ca: "one" }) },
      { credentials: tls({ ca: "two" }) },
      { credentials: tls({ ca: Buffer.from("two") }) }, // the same as the last
    ];
    const channels = options.map((more) => dial("localhost:9", { transport, ...more }));
    await Promise.allSettled(channels.map((channel) => kindsClient(channel).unary({})));
    expect(made).toHaveLength(6);
    await Promise.all(channels.map((channel) => channel.close()));
  });

  test("a shared client is one object per connection", async () => {
    const { transport } = counting();
    const one = sharedKindsClient("localhost:9", { transport });
    expect(sharedKindsClient("dns:///localhost:9", { transport })).toBe(one);
    expect(sharedKindsClient("localhost:10", { transport })).not.toBe(one);
    expect(sharedKindsClient("localhost:9", { transport, timeoutMs: 5 })).not.toBe(one);
    await dial("localhost:9", { transport }).close();
    expect(sharedKindsClient("localhost:9", { transport })).not.toBe(one);
    expect(() => sharedKindsClient()).toThrow(/no target is known for kinds\.v1\.Kinds; pass one/);
  });

  test("a transport that fails to connect fails the call, and the next call tries again", async () => {
    let attempts = 0;
    const transport: Transport = {
      ...loopback,
      name: `failing ${Math.random()}`,
      connect(options, observer) {
        if (++attempts === 1) throw new Error("no luck");
        return loopback.connect(options, observer);
      },
    };
    const channel = dial("localhost:9", { transport });
    const first = await kindsClient(channel)
      .unary({})
      .catch((error) => error);
    expect(first).toMatchObject({ code: Code.UNAVAILABLE, cause: { message: "no luck" } });
    await expect(kindsClient(channel).unary({})).rejects.toMatchObject({ details: "nobody listens" });
    expect(attempts).toBe(2);
    await channel.close();
  });

  test("deadline and signal hold while the connection is being opened", async () => {
    const transport: Transport = { ...loopback, name: `stuck ${Math.random()}` };
    const opening = { ...transport, connect: () => new Promise<never>(() => {}) as never };
    const channel = dial("localhost:9", { transport: opening });
    const client = kindsClient(channel);
    const controller = new AbortController();
    const cancelled = client.unary({}, { signal: controller.signal });
    const late = client.unary({}, { timeoutMs: 20 });
    controller.abort();
    await expect(cancelled).rejects.toMatchObject({ code: Code.CANCELLED });
    await expect(late).rejects.toMatchObject({ code: Code.DEADLINE_EXCEEDED });
  });

  test.each([
    "localhost:1",
    "127.0.0.1:1",
    "127.8.8.8:1",
    "[::1]:1",
    "ipv4:127.0.0.1:1,127.0.0.2:1",
    "ipv6:[::1]:1",
    "unix:/run/x.sock",
    "unix:///run/x.sock",
    "dns:///localhost:1",
  ])("%s is on this machine, and plaintext by default", (target) => {
    expect(dial(target).target).toMatch(/^(dns|ipv4|ipv6|unix):/);
  });

  test.each(["example.com:443", "dns:///example.com", "10.0.0.1:1", "ipv4:127.0.0.1:1,10.0.0.1:1", "[2001:db8::1]:1"])(
    "%s wants to know how to speak",
    (target) => {
      expect(() => dial(target)).toThrow(RpcError);
      expect(() => dial(target)).toThrow(/credentials: .* tls\(\) for TLS, or credentials: insecure\(\) for plaintext/);
      expect(dial(target, { credentials: insecure() }).state).toBe("IDLE");
    },
  );

  const bad: [string, unknown, unknown, RegExp][] = [
    ["an empty target", "", {}, /a target is a text such as/],
    ["a target that is no text", 50051, {}, /not 50051/],
    ["an unknown scheme", "http://localhost:1", {}, /scheme "http" is unknown/],
    ["a port that is none", "localhost:port", {}, /"localhost:port" is not host:port|scheme "localhost" is unknown/],
    ["a port too high", "localhost:70000", {}, /port 70000 is above 65535/],
    ["a unix target without a path", "unix:", {}, /names no path/],
    ["an unknown transport", "localhost:1", { transport: "pigeon" }, /transport: there is no "pigeon", only grpc-js/],
    ["credentials of another make", "localhost:1", { credentials: {} }, /credentials: must be made by tls\(\)/],
    ["a size that is none", "localhost:1", { maxReceiveMessageBytes: 1.5 }, /maxReceiveMessageBytes: .* not 1\.5/],
    ["a timeout that is none", "localhost:1", { timeoutMs: "1s" }, /timeoutMs must be a number of milliseconds/],
  ];
  test.each(bad)("%s is refused at once", (_what, target, options, message) => {
    expect(() => dial(target as string, options as object)).toThrow(message);
    expect(() => dial(target as string, options as object)).toThrow(RpcError);
  });
});

describe("a server", () => {
  test("refuses what cannot work, and says what to do", async () => {
    const server = new Server();
    const { KindsDesc, registerKindsServer, UnimplementedKindsServer } = await import(
      "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js"
    );
    expect(() => registerKindsServer(server, { unary: () => ({}) } as never)).toThrow(
      /kinds\.v1\.Kinds: the implementation lacks serverStream, clientStream, bidiStream/,
    );
    server.register(KindsDesc, new UnimplementedKindsServer());
    expect(() => registerKindsServer(server, new UnimplementedKindsServer())).toThrow(/is registered already/);
    await expect(server.listen("0.0.0.0:0")).rejects.toThrow(/credentials: .* serverTls\(\{ cert, key \}\) for TLS/);
    await expect(server.listen("nonsense:port")).rejects.toThrow(/cannot read|unknown/);

    const logged = jest.spyOn(console, "error").mockImplementation(() => {}); // grpc-js says it there as well.
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
    const { port } = taken.address() as { port: number };
    await expect(server.listen(`127.0.0.1:${port}`)).rejects.toMatchObject({
      code: Code.UNAVAILABLE,
      details: expect.stringMatching(/cannot listen on .*EADDRINUSE/),
    });
    logged.mockRestore();
    await new Promise((resolve) => taken.close(resolve));
    expect(() => server.register({ ...KindsDesc, serviceName: "late" }, new UnimplementedKindsServer())).toThrow(
      /register before listen/,
    );
    await server.shutdown();
    await expect(server.listen("127.0.0.1:0")).rejects.toThrow(/listen\(\) after shutdown\(\)/);
  });

  test.each([
    ["maxReceiveMessageBytes", -1],
    ["maxReceiveMessageBytes", Number.NaN],
    ["maxSendMessageBytes", 1.5],
  ])("refuses a %s of %p", (option, bytes) => {
    expect(() => new Server({ [option]: bytes })).toThrow(`${option}: must be a whole number of bytes, not ${bytes}`);
  });

  test("listens on a unix socket", async () => {
    const { registerKindsServer, UnimplementedKindsServer } = await import(
      "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js"
    );
    const { mkdtempSync, rmSync } = await import("node:fs");
    const { tmpdir } = await import("node:os");
    const folder = mkdtempSync(`${tmpdir()}/trunkline-`);
    const server = new Server();
    registerKindsServer(server, Object.assign(new UnimplementedKindsServer(), { unary: () => ({ text: "unix" }) }));
    const { address, port } = await server.listen(`unix:${folder}/x.sock`);
    expect({ address, port }).toEqual({ address: `unix:${folder}/x.sock`, port: 0 });
    const channel = dial(address);
    await expect(kindsClient(channel).unary({})).resolves.toMatchObject({ text: "unix" });
    await channel.close();
    await server.shutdown();
    rmSync(folder, { recursive: true });
  });
});
