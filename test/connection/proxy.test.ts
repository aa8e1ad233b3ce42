/** Which proxy the environment names for whom, and what comes of it. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type AddressInfo, connect as connectTcp, createServer } from "node:net";
import { Code, type DialOptions, insecure, Server, serverTls, tls } from "@trunkline/runtime";
import {
  kindsClient,
  registerKindsServer,
  UnimplementedKindsServer,
} from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import { proxyFor } from "../../runtime/src/connection/resolver/proxy.js";
import { httpConnect } from "../../runtime/src/connection/socket/http-connect.js";
import { ConnectProxy } from "./connect-proxy.js";
import { socketTransports } from "./node-http2.js";
import { dialled, stopProxied } from "./proxied.js";

const proxyUrl = "http://proxy.example:3128";

describe("the proxy for a host", () => {
  test.each([
    ["none", {}, undefined],
    ["none, by empty variables", { grpc_proxy: "", https_proxy: "" }, undefined],
    ["http_proxy", { http_proxy: proxyUrl }, "proxy.example:3128"],
    ["https_proxy before http_proxy", { https_proxy: proxyUrl, http_proxy: "http://other" }, "proxy.example:3128"],
    [
      "grpc_proxy before both",
      { grpc_proxy: proxyUrl, https_proxy: "http://a", http_proxy: "http://b" },
      "proxy.example:3128",
    ],
    ["one without a port", { grpc_proxy: "http://proxy.example" }, "proxy.example:80"],
    ["one without a scheme", { grpc_proxy: "proxy.example:3128" }, "proxy.example:3128"],
    ["one with an IPv6 address", { grpc_proxy: "http://[::1]:3128" }, "::1:3128"],
    ["none in capital letters", { HTTPS_PROXY: proxyUrl, GRPC_PROXY: proxyUrl }, undefined],
  ])("is %s", (_what, environment, expected) => {
    const found = proxyFor("greeter.test", 443, environment);
    expect(found && `${found.host}:${found.port}`).toBe(expected);
    if (found !== undefined) expect(found.tunnel).toEqual({ to: "greeter.test:443", authorization: undefined });
  });

  test.each([
    ["http://me:pass%20word@proxy.example", "me:pass word"],
    ["http://me@proxy.example", "me:"],
    ["http://me:100%25@proxy.example", "me:100%"],
    ["http://me:100%@proxy.example", "me:100%"],
  ])("is told who asks: %s", (grpc_proxy, user) => {
    const { authorization } = proxyFor("greeter.test", 443, { grpc_proxy })!.tunnel;
    expect(authorization).toBe(`Basic ${Buffer.from(user).toString("base64")}`);
  });

  test.each([
    ["greeter.test", "greeter.test", true],
    ["GREETER.TEST", "greeter.test", true],
    [" other.test , greeter.test ", "greeter.test", true],
    ["test", "greeter.test", true],
    [".test", "greeter.test", true],
    ["*.test", "greeter.test", true],
    ["*", "greeter.test", true],
    ["eter.test", "greeter.test", false],
    ["greeter.test.example", "greeter.test", false],
    [",", "greeter.test", false],
    ["10.0.0.1", "10.0.0.1", true],
    ["0.0.1", "10.0.0.1", false],
    ["10.0.0.0/8", "10.200.0.1", true],
    ["10.0.0.0/16", "10.200.0.1", false],
    ["2001:db8::/32", "2001:db8::1", true],
    ["2001:db8::/32", "10.0.0.1", false],
    ["10.0.0.0/33", "10.0.0.1", false],
    ["10.0.0.0/8", "greeter.test", false],
    ["test/8", "10.0.0.1", false],
  ])("with no_proxy %s, %s goes round it: %j", (no_proxy, host, goesRound) => {
    const environment = { grpc_proxy: proxyUrl };
    expect(proxyFor(host, 443, { ...environment, no_proxy }) === undefined).toBe(goesRound);
    expect(proxyFor(host, 443, { ...environment, no_grpc_proxy: no_proxy, no_proxy: "*" }) === undefined).toBe(
      goesRound,
    );
  });

  test.each(["https://proxy.example", "socks5://proxy.example", "http://", "http://:secret@", "http://a b"])(
    "cannot be %s, and what it says is not repeated",
    (https_proxy) => {
      const find = () => proxyFor("greeter.test", 443, { https_proxy });
      expect(find).toThrow(/^INVALID_ARGUMENT: https_proxy: must be a URL such as http:\/\/proxy\.example:3128/);
      expect(find).not.toThrow(/secret/);
    },
  );
});

function restore(variable: string, value: string | undefined): void {
  if (value === undefined) delete process.env[variable];
  else process.env[variable] = value;
}

describe.each(socketTransports)("$name through a proxy", ({ transport }) => {
  const { grpc_proxy, no_grpc_proxy } = process.env;
  let proxy: ConnectProxy;
  let server: Server;
  let port: number;

  async function listen(credentials = insecure() as Parameters<typeof serverTls>[0] | ReturnType<typeof insecure>) {
    const options = "kind" in credentials ? {} : { credentials: serverTls(credentials) };
    ({ port } = await server.listen("127.0.0.1:0", options as object));
    proxy.names.set("greeter.test:50051", port);
  }

  beforeEach(async () => {
    proxy = await ConnectProxy.start();
    server = new Server();
    registerKindsServer(server, Object.assign(new UnimplementedKindsServer(), { unary: (request: object) => request }));
    process.env.grpc_proxy = `http://me:secret@${proxy.address}`;
    process.env.no_grpc_proxy = "no.host"; // Whatever is excepted where this runs.
  });
  afterEach(async () => {
    restore("grpc_proxy", grpc_proxy);
    restore("no_grpc_proxy", no_grpc_proxy);
    await stopProxied();
    await server.shutdown();
    await proxy.stop();
  });

  function connect(options: DialOptions = {}, target = "greeter.test:50051") {
    const backoff = { initialMs: 20, maxMs: 20 };
    const channel = dialled(target, { transport, credentials: insecure(), backoff, ...options });
    return { channel, client: kindsClient(channel) };
  }

  test("a name is reached that only the proxy knows", async () => {
    await listen();
    expect(await connect().client.unary({ text: "through" })).toMatchObject({ text: "through" });
    const authorization = `Basic ${Buffer.from("me:secret").toString("base64")}`;
    expect(proxy.asked).toEqual([{ to: "greeter.test:50051", authorization }]);
  });

  test("TLS is spoken with the server, not with the proxy", async () => {
    const pem = (name: string) => readFileSync(`fixtures/tls/${name}`);
    await listen({ cert: pem("server.pem"), key: pem("server.key") });
    const right = connect({ credentials: tls({ ca: pem("ca.pem"), serverName: "server.test" }) });
    expect(await right.client.unary({ text: "safe" })).toMatchObject({ text: "safe" });
    const wrong = connect({ credentials: tls({ ca: pem("ca.pem") }) });
    await expect(wrong.client.unary({})).rejects.toMatchObject({
      details: expect.stringMatching(/no connection could be made: .*greeter\.test/),
    });
  });

  test("this machine, addresses and sockets are reached without it", async () => {
    await listen();
    for (const target of [`localhost:${port}`, `127.0.0.1:${port}`, `ipv4:127.0.0.1:${port}`]) {
      expect(await connect({}, target).client.unary({ text: target })).toMatchObject({ text: target });
    }
    expect(proxy.asked).toEqual([]);
  });

  test.each([
    [
      "refuses",
      "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n",
      /the proxy refused CONNECT greeter\.test:50051: 407 Proxy Authentication Required$/,
    ],
    ["does not know the name", undefined, /the proxy refused CONNECT nobody\.test:50051: 502 Bad Gateway$/],
    [
      "does not speak HTTP",
      "220 mail.example ESMTP\r\n\r\n",
      /the proxy did not answer CONNECT greeter\.test:50051 in HTTP$/,
    ],
    [
      "sends too much",
      `HTTP/1.1 200 OK\r\nx: ${"x".repeat(17_000)}`,
      /the proxy sent more than 16384 bytes to answer CONNECT greeter\.test:50051$/,
    ],
    [
      "closes the connection",
      "",
      /the proxy closed the connection \(without an error\) instead of answering CONNECT greeter\.test:50051$/,
    ],
  ])("one that %s is the reason", async (_what, answer, details) => {
    proxy.answer = answer;
    const { client } = connect({}, answer === undefined ? "nobody.test:50051" : "greeter.test:50051");
    const failure = await client.unary({}).catch((error) => error);
    expect(failure).toMatchObject({ code: Code.UNAVAILABLE, details: expect.stringMatching(details) });
    expect(failure.details).toContain(proxy.address);
    expect(failure.details).not.toContain("secret");
  });

  test("what comes with its answer is for whoever reads next", async () => {
    const answering = createServer((socket) => socket.end("HTTP/1.1 200 OK\r\n\r\nfirst bytes")).listen(0, "127.0.0.1");
    await once(answering, "listening");
    const socket = connectTcp((answering.address() as AddressInfo).port, "127.0.0.1");
    await httpConnect(socket, { to: "greeter.test:50051", authorization: undefined });
    let received = "";
    socket.setEncoding("latin1").on("data", (text: string) => {
      received += text;
    });
    await once(socket, "close");
    expect(received).toBe("first bytes");
    answering.close();
  });

  test("one that says nothing is given up in time", async () => {
    proxy.answer = "HTTP/1.1 200 OK\r\n"; // And not the empty line.
    const { client } = connect({ connectTimeoutMs: 100 });
    await expect(client.unary({})).rejects.toMatchObject({
      code: Code.UNAVAILABLE,
      details: `no connection could be made: the proxy ${proxy.address}, or greeter.test:50051 behind it, accepted the connection and said nothing for 100 ms`,
    });
  });

  test("one that is not there is the reason", async () => {
    const { address } = proxy;
    await proxy.stop();
    try {
      await expect(connect().client.unary({})).rejects.toMatchObject({
        details: expect.stringContaining(`ECONNREFUSED ${address}`),
      });
    } finally {
      proxy = await ConnectProxy.start(); // For afterEach.
    }
  });

  test("one that cannot be used fails the call, and is not gone round", async () => {
    process.env.grpc_proxy = `https://${proxy.address}`;
    await listen();
    await expect(connect().client.unary({})).rejects.toMatchObject({
      code: Code.INVALID_ARGUMENT,
      details: expect.stringMatching(/grpc_proxy: must be a URL such as http:/),
    });
  });
});
