import { readFileSync } from "node:fs";
import { Code, type DialOptions, dial, type ListenOptions, Server, serverTls, tls } from "@trunkline/runtime";
import {
  type KindsClient,
  kindsClient,
  registerKindsServer,
  UnimplementedKindsServer,
} from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";

const pem = (name: string) => readFileSync(`fixtures/tls/${name}`);
const ca = pem("ca.pem");
const serverCredentials = { cert: pem("server.pem"), key: pem("server.key") };
const clientCredentials = { ca, cert: pem("client.pem"), key: pem("client.key") };

const stops: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

async function connect(listen: ListenOptions, options: DialOptions): Promise<KindsClient> {
  const server = new Server();
  registerKindsServer(
    server,
    Object.assign(new UnimplementedKindsServer(), {
      unary: (_request: unknown, call: Parameters<KindsServerUnary>[1]) => ({
        text: call.peer.identity?.subjectAltNames.join() ?? "nobody",
        number: BigInt(call.metadata.getAll("authorization").length),
      }),
    }),
  );
  const { port } = await server.listen("127.0.0.1:0", listen);
  const channel = dial(`localhost:${port}`, options);
  stops.push(
    () => channel.close(),
    () => server.shutdown(),
  );
  return kindsClient(channel);
}
type KindsServerUnary = UnimplementedKindsServer["unary"];

describe("TLS", () => {
  test("a server is known by its certificate", async () => {
    const client = await connect({ credentials: serverTls(serverCredentials) }, { credentials: tls({ ca }) });
    await expect(client.unary({})).resolves.toMatchObject({ text: "nobody" });
  });

  test("mutual: the server learns who calls", async () => {
    const client = await connect(
      { credentials: serverTls({ ...serverCredentials, clientCa: ca }) },
      { credentials: tls(clientCredentials) },
    );
    const { text } = await client.unary({});
    expect(text).toContain("DNS:client.test");
    expect(text).toContain("URI:spiffe://trunkline.test/client");
  });

  test.each([
    ["a server that nobody vouches for", {}, tls()],
    ["a server of another name", {}, tls({ ca, serverName: "other.test" })],
    ["a client without a certificate where one is required", { clientCa: ca }, tls({ ca })],
    ["a check that says no", {}, tls({ ca, checkServerIdentity: () => new Error("not this one") })],
  ])("refuses %s", async (_what, server, credentials) => {
    const client = await connect({ credentials: serverTls({ ...serverCredentials, ...server }) }, { credentials });
    await expect(client.unary({}, { timeoutMs: 10_000 })).rejects.toMatchObject({ code: Code.UNAVAILABLE });
  });

  test("serverName stands in for the target's host", async () => {
    const client = await connect(
      { credentials: serverTls(serverCredentials) },
      { credentials: tls({ ca, serverName: "server.test" }) },
    );
    await client.unary({});
  });

  test("call credentials, of the channel and of the call, travel over TLS", async () => {
    const seen: unknown[] = [];
    const callCredentials: DialOptions["callCredentials"] = async (context) => {
      seen.push(context.method.name, context.serviceUrl.replace(/\d+/, "PORT"));
      return { authorization: "Bearer one" };
    };
    const client = await connect(
      { credentials: serverTls(serverCredentials) },
      { credentials: tls({ ca }), callCredentials },
    );
    await expect(client.unary({})).resolves.toMatchObject({ number: 1n });
    expect(seen).toEqual(["Unary", "https://localhost:PORT/kinds.v1.Kinds"]);
    const credentials = () => ({ authorization: "Bearer two" });
    const { number } = await client.unary({}, { credentials });
    expect(number).toBeGreaterThanOrEqual(1n);
  });

  test("call credentials never travel in plaintext", async () => {
    let made = 0;
    const credentials = () => ({ authorization: `Bearer ${++made}` });
    const client = await connect({}, {});
    await expect(client.unary({}, { credentials })).rejects.toMatchObject({
      code: Code.UNAUTHENTICATED,
      details: expect.stringMatching(/may be\) plaintext: dial it with tls\(\)/),
    });
    expect(made).toBe(0);
  });

  test("a certificate that cannot be read is refused with its name", async () => {
    const client = await connect({}, { credentials: tls({ ...clientCredentials, cert: "junk" }) });
    await expect(client.unary({})).rejects.toMatchObject({ details: expect.stringMatching(/ca, cert or key/) });
    const server = new Server();
    await expect(
      server.listen("127.0.0.1:0", { credentials: serverTls({ cert: "junk", key: "junk" }) }),
    ).rejects.toMatchObject({ code: Code.INVALID_ARGUMENT, details: expect.stringMatching(/serverTls/) });
  });
});
