import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect as connectHttp2 } from "node:http2";
import { connect as connectTcp, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from "node:tls";
import { jest } from "@jest/globals";
import {
  Code,
  type DialOptions,
  dial,
  insecure,
  type ListenOptions,
  pemFiles,
  RpcError,
  Server,
  type ServerOptions,
  type ServerTlsOptions,
  serverTls,
  tls,
} from "@trunkline/runtime";
import {
  type KindsClient,
  KindsDesc,
  kindsClient,
  registerKindsServer,
  UnimplementedKindsServer,
} from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import { listen } from "../../runtime/src/transport/listener.js";
import { Authority, type Issued, type Wanted } from "./certificates.js";
import { closed } from "./closed.js";
import { event } from "./kinds.js";
import { wireTransports } from "./transports.js";

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

let authority: Authority;
let stranger: Authority;
let folder: string;
beforeAll(() => {
  authority = new Authority();
  stranger = new Authority();
  folder = mkdtempSync(join(tmpdir(), "tls-"));
});
afterAll(() => {
  authority.remove();
  stranger.remove();
  rmSync(folder, { recursive: true });
});

describe.each(wireTransports)("a TLS server on $name", ({ transport }) => {
  /** Answers with who calls; a stream goes on until it is told to end. */
  async function start(
    credentials: ListenOptions["credentials"],
    options: ServerOptions = {},
  ): Promise<{ port: number; server: Server; goOn: () => void }> {
    const server = new Server({ transport, ...options });
    const { happened, happen } = event();
    registerKindsServer(
      server,
      Object.assign(new UnimplementedKindsServer(), {
        unary: (_request: unknown, { peer }: Parameters<KindsServerUnary>[1]) => ({
          text: peer.identity === undefined ? "nobody" : JSON.stringify(peer.identity),
        }),
        async *serverStream() {
          yield { text: "first" };
          await happened;
          yield { text: "last" };
        },
      }),
    );
    const { port } = await server.listen("127.0.0.1:0", { credentials });
    stops.push(() => server.shutdown());
    return { port, server, goOn: happen };
  }

  function client(port: number, options: Parameters<typeof tls>[0] = {}): KindsClient {
    const channel = dial(`localhost:${port}`, { transport, credentials: tls({ ca: authority.pem, ...options }) });
    stops.unshift(() => channel.close());
    return kindsClient(channel);
  }

  const spoken = (port: number): ConnectionOptions => ({
    ...{ port, host: "127.0.0.1", servername: "localhost", ca: authority.pem, ALPNProtocols: ["h2"] },
  });

  /** A call on a connection of its own: its answer, and the session to resume. */
  async function rawCall(port: number, options: ConnectionOptions) {
    const socket = connectTls({ ...spoken(port), ...options });
    let session: Buffer | undefined;
    socket.on("session", (ticket) => {
      session = ticket;
    });
    const http2 = connectHttp2(`https://localhost:${port}`, { createConnection: () => socket });
    const { path, response } = KindsDesc.methods.unary;
    const headers = { ":method": "POST", ":path": path, "content-type": "application/grpc", te: "trailers" };
    const stream = http2.request(headers);
    stream.end(Buffer.alloc(5));
    const body = Buffer.concat(await stream.toArray());
    const isResumed = socket.isSessionReused();
    http2.close();
    await once(http2, "close");
    return { text: response.decode(body.subarray(5)).text, session, isResumed };
  }

  /** A handshake, and what became of it: the socket, or the code of its error; undefined where it was just closed. */
  async function shakeHands(port: number, options: ConnectionOptions = {}): Promise<TLSSocket | string | undefined> {
    const socket = connectTls({ ...spoken(port), ...options });
    stops.unshift(async () => void socket.destroy());
    const failed = new Promise<string | undefined>((resolve) => {
      socket.on("error", ({ code }: NodeJS.ErrnoException) => resolve(code ?? "error"));
      socket.on("close", () => resolve(undefined));
    });
    const done = once(socket, "secureConnect").then(
      () => socket,
      () => failed,
    );
    // In TLS 1.3 a client is done before the server has looked at it: what follows tells whether it was let in.
    const first = await Promise.race([done, failed]);
    if (typeof first !== "object") return first;
    return Promise.race([new Promise<TLSSocket>((resolve) => socket.once("data", () => resolve(socket))), failed]);
  }

  const fingerprint = (socket: TLSSocket | string | undefined) =>
    (socket as TLSSocket).getPeerX509Certificate()?.fingerprint256;

  describe("speaks", () => {
    test.each(["TLSv1.2", "TLSv1.3"] as const)("%s", async (version) => {
      const { port } = await start(serverTls(authority.issue()));
      const socket = await shakeHands(port, { minVersion: version, maxVersion: version });
      expect((socket as TLSSocket).getProtocol()).toBe(version);
      expect((socket as TLSSocket).alpnProtocol).toBe("h2");
    });

    test.each(["TLSv1", "TLSv1.1"] as const)("no %s", async (version) => {
      const { port } = await start(serverTls(authority.issue()));
      const old = { minVersion: version, maxVersion: version, ciphers: "DEFAULT@SECLEVEL=0" };
      expect(await shakeHands(port, old)).toBe("ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION");
    });

    test.each<[string, ConnectionOptions]>([
      ["without ALPN", { ALPNProtocols: [] }],
      ["that knows HTTP/1.1 only", { ALPNProtocols: ["http/1.1"] }],
    ])("with no client %s", async (_what, options) => {
      const { port, server } = await start(serverTls(authority.issue()));
      const ended = await shakeHands(port, options);
      expect(typeof ended).not.toBe("object");
      await expect(client(port).unary({})).resolves.toMatchObject({ text: "nobody" });
      expect(server.stats()).toMatchObject({ acceptedConnections: 2, openConnections: 1 });
    });

    test("with no client that speaks in plaintext, or breaks off", async () => {
      const { port, server } = await start(serverTls(authority.issue()));
      for (const bytes of ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\x16\x03\x01", ""]) {
        const socket = connectTcp(port, "127.0.0.1");
        socket.end(bytes);
        await closed(socket.resume());
      }
      await client(port).unary({});
      expect(server.stats()).toMatchObject({ acceptedConnections: 4, openConnections: 1 });
    });
  });

  describe("asks clients for certificates", () => {
    const identityOf = async (port: number, issued: Issued) => (await client(port, issued).unary({})).text;

    test.each<[string, () => Partial<Issued>]>([
      ["none", () => ({})],
      ["one of another authority", () => stranger.issue()],
      ["one that expired", () => authority.issue({ to: new Date(Date.now() - 3_600_000) })],
    ])("and refuses who shows %s", async (_what, shown) => {
      const { port, server } = await start(serverTls({ ...authority.issue(), clientCa: authority.pem }));
      expect(typeof (await shakeHands(port, shown()))).not.toBe("object");
      await expect(client(port, shown()).unary({})).rejects.toMatchObject({ code: Code.UNAVAILABLE });
      expect(server.stats().services[0]?.methods[0]?.callsStarted).toBe(0);
    });

    test("and may let in without: what is not verified is nobody", async () => {
      const optional = { clientCa: authority.pem, requireClientCertificate: false };
      const { port } = await start(serverTls({ ...authority.issue(), ...optional }));
      expect(await identityOf(port, stranger.issue())).toBe("nobody");
      expect((await client(port).unary({})).text).toBe("nobody");
      const known = authority.issue({ subject: "/CN=known", names: ["DNS:known.test"] });
      expect(JSON.parse(await identityOf(port, known))).toEqual({
        subject: "CN=known",
        subjectAltNames: ["DNS:known.test"],
      });
    });

    test("also when a session is resumed", async () => {
      const optional = { clientCa: authority.pem, requireClientCertificate: false };
      const { port } = await start(serverTls({ ...authority.issue(), ...optional }));
      for (const [shown, text] of [
        [{}, /^nobody$/],
        [stranger.issue(), /^nobody$/],
        [authority.issue({ subject: "/CN=known" }), /"subject":"CN=known"/],
      ] as const) {
        const first = await rawCall(port, shown);
        expect(first).toMatchObject({ isResumed: false, text: expect.stringMatching(text) });
        expect(await rawCall(port, { ...shown, session: first.session! })).toMatchObject({
          isResumed: true,
          text: expect.stringMatching(text),
        });
      }
    });

    test("and a session that was refused lets nobody in", async () => {
      const { port } = await start(serverTls({ ...authority.issue(), clientCa: authority.pem }));
      const sessions: Buffer[] = [];
      const socket = connectTls({ ...spoken(port), ...stranger.issue() });
      socket.on("session", (session) => sessions.push(session));
      await closed(socket.resume());
      for (const session of sessions) expect(typeof (await shakeHands(port, { session }))).not.toBe("object");
      const own = authority.issue();
      const { session } = await rawCall(port, own);
      expect(typeof (await shakeHands(port, { ...own, session: session! }))).toBe("object");
    });

    test.each<[string, Wanted, object]>([
      [
        "names of every type",
        {
          subject: "/O=Trunkline/CN=client",
          names: ["DNS:client.test", "URI:spiffe://trunkline.test/client", "IP:10.0.0.1", "IP:::1", "email:a@b.test"],
        },
        {
          subject: "O=Trunkline,CN=client",
          subjectAltNames: [
            "DNS:client.test",
            "URI:spiffe://trunkline.test/client",
            "IP Address:10.0.0.1",
            "IP Address:0:0:0:0:0:0:0:1",
            "email:a@b.test",
          ],
        },
      ],
      [
        "a name that would be several",
        { names: ["URI:spiffe://a.test/x, DNS:admin.test", 'URI:http://a.test/"q", "IP:10.0.0.2'] },
        {
          subject: "CN=localhost",
          subjectAltNames: ["URI:spiffe://a.test/x, DNS:admin.test", 'URI:http://a.test/"q", "IP:10.0.0.2'],
        },
      ],
      [
        "a subject that would be another",
        { subject: "/CN=mallory,O=Admins\\/CN=x", names: ["DNS:mallory.test"] },
        { subject: "CN=mallory\\,O=Admins/CN=x", subjectAltNames: ["DNS:mallory.test"] },
      ],
    ])("and tells %s", async (_what, wanted, identity) => {
      const { port } = await start(serverTls({ ...authority.issue(), clientCa: authority.pem }));
      expect(JSON.parse(await identityOf(port, authority.issue(wanted)))).toEqual(identity);
    });
  });

  describe("renews certificates", () => {
    const reloadMs = 5;

    test("of a function: new connections get them, a stream goes on", async () => {
      const [first, second] = [authority.issue(), authority.issue()];
      let current: ServerTlsOptions = first;
      const asked = event();
      const source = () => {
        if (current === second) asked.happen();
        return current;
      };
      const { port, goOn } = await start(serverTls(source, { reloadMs }));
      const before = fingerprint(await shakeHands(port));
      const stream = client(port).serverStream({})[Symbol.asyncIterator]();
      expect((await stream.next()).value).toMatchObject({ text: "first" });
      current = second;
      await asked.happened;
      await until(async () => fingerprint(await shakeHands(port)) !== before);
      goOn();
      expect((await stream.next()).value).toMatchObject({ text: "last" });
      expect((await stream.next()).done).toBe(true);
    });

    test("of files, and what is asked of clients with them", async () => {
      const paths = { cert: join(folder, "cert"), key: join(folder, "key"), clientCa: join(folder, "clientCa") };
      const write = ({ cert, key }: Issued, clientCa: Buffer) => {
        writeFileSync(paths.clientCa, clientCa);
        writeFileSync(paths.cert, cert);
        writeFileSync(paths.key, key);
      };
      write(authority.issue(), authority.pem);
      const onReloadError = () => {}; // Between two of the files they do not belong together.
      const { port } = await start(serverTls(pemFiles(paths), { reloadMs, onReloadError }));
      const theirs = stranger.issue();
      const before = fingerprint(await shakeHands(port, authority.issue()));
      expect(typeof (await shakeHands(port, theirs))).not.toBe("object");
      write(authority.issue(), stranger.pem);
      await until(async () => typeof (await shakeHands(port, theirs)) === "object");
      expect(fingerprint(await shakeHands(port, theirs))).not.toBe(before);
      expect(typeof (await shakeHands(port, authority.issue()))).not.toBe("object");
    });

    const expired = () => authority.issue({ to: new Date(Date.now() - 3_600_000) });
    test.each<[string, () => unknown, RegExp]>([
      [
        "cannot be read",
        () => pemFiles({ cert: "/nowhere/cert", key: "/nowhere/key" })(),
        /could not be had: ENOENT.*\/nowhere\//,
      ],
      ["do not belong together", () => ({ ...authority.issue(), key: authority.issue().key }), /key does not belong/],
      ["expired", expired, /CN=localhost expired on/],
      ["are none", () => "junk", /must be \{ cert, key \}, not "junk"/],
    ])("but not those that %s: the old ones stay, and each try is told of once", async (_what, bad, details) => {
      const good = authority.issue();
      let tries = 0;
      const errors: unknown[] = [];
      const told = event();
      const source = async () => {
        if (++tries === 1) return good;
        return (await bad()) as ServerTlsOptions;
      };
      const onReloadError = (error: unknown) => {
        if (errors.push(error) === 3) told.happen();
        throw new Error("a hook that fails harms nobody");
      };
      const printed = jest.spyOn(console, "error").mockImplementation(() => {});
      const server = new Server({ transport });
      registerKindsServer(server, Object.assign(new UnimplementedKindsServer(), { unary: () => ({ text: "on" }) }));
      // Two addresses, where the machine has them: one source all the same.
      const { port } = await server.listen("localhost:0", {
        credentials: serverTls(source, { reloadMs, onReloadError }),
      });
      await told.happened;
      expect(errors).toHaveLength(tries - 1);
      for (const error of errors) {
        expect(error).toBeInstanceOf(RpcError);
        expect(error).toMatchObject({ code: Code.INVALID_ARGUMENT, details: expect.stringMatching(details) });
      }
      await expect(client(port).unary({})).resolves.toMatchObject({ text: "on" });
      await server.shutdown();
      const after = errors.length;
      await new Promise((resolve) => setTimeout(resolve, 10 * reloadMs)); // What must not happen has no event.
      expect(errors).toHaveLength(after);
      printed.mockRestore();
    });
  });

  describe("bounds", () => {
    test("shutdown closes who has not finished to shake hands, and who never speaks", async () => {
      const { port, server } = await start(serverTls(authority.issue()));
      const silent = connectTcp(port, "127.0.0.1");
      await once(silent, "connect");
      const closes = [closed(silent.resume())];
      const mute = connectTls(spoken(port));
      await once(mute, "secureConnect");
      closes.push(closed(mute.resume()));
      await until(async () => server.stats().openConnections === 2);
      await server.shutdown({ graceMs: 60_000 });
      await Promise.all(closes);
      expect(server.stats()).toMatchObject({ state: "stopped", openConnections: 0 });
    });
  });
});

/** Looks again and again: for what has no event on this side of the wire. */
async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise(setImmediate);
}

/** Listens as transports do, but waits less. */
describe("a client that connects", () => {
  const openingMs = 100;
  const open = new Set<Socket>();
  const gate = {
    open: () => {
      gates++;
      return () => void gates--;
    },
  };
  let gates = 0;

  async function start(credentials: Parameters<typeof listen>[1]) {
    const listener = await listen("127.0.0.1:0", credentials, gate, (socket) => open.add(socket.resume()), openingMs);
    stops.push(async () => {
      listener.close();
      await listener.destroy();
    });
    return listener.port;
  }

  /** Sends a byte of `bytes` at a time, each as soon as the one before has had a share of the time. */
  async function trickle(socket: Socket, bytes: Buffer): Promise<void> {
    let sent = 0;
    const timer = setInterval(() => {
      if (sent < bytes.length) socket.write(bytes.subarray(sent, ++sent));
    }, openingMs / 10);
    // Not `once()` of node:events, which fails where the socket is reset before it closes.
    await new Promise((resolve) =>
      socket
        .on("error", () => {})
        .on("close", resolve)
        .resume(),
    );
    clearInterval(timer);
  }

  test.each([
    ["says nothing", ""],
    ["says half of what HTTP/2 begins with", "PRI * HTTP/2.0\r\n"],
    ["says it byte by byte", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
  ])("and %s in time is closed", async (_what, bytes) => {
    const socket = connectTcp(await start(insecure()), "127.0.0.1");
    await trickle(socket, Buffer.from(bytes));
    await until(async () => gates === 0);
  });

  test.each([
    ["says nothing", Buffer.alloc(0)],
    ["shakes hands byte by byte", Buffer.from([22, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3, ...Buffer.alloc(100)])],
  ])("over TLS and %s is closed", async (_what, bytes) => {
    const socket = connectTcp(await start(serverTls(serverCredentials)), "127.0.0.1");
    await trickle(socket, bytes);
    await until(async () => gates === 0);
  });

  test("over TLS and then says nothing is closed", async () => {
    const port = await start(serverTls(serverCredentials));
    const socket = connectTls({ port, host: "127.0.0.1", servername: "localhost", ca, ALPNProtocols: ["h2"] });
    await trickle(socket, Buffer.from("PRI * HT"));
    await until(async () => gates === 0);
  });

  test("and speaks is kept", async () => {
    const port = await start(insecure());
    const socket = connectTcp(port, "127.0.0.1");
    socket.write(Buffer.concat([Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), Buffer.alloc(9)]));
    // One that came later, and says nothing, is closed; this one is not.
    await trickle(connectTcp(port, "127.0.0.1"), Buffer.alloc(0));
    await until(async () => gates === 1);
    expect(socket.destroyed).toBe(false);
    socket.destroy();
    await until(async () => gates === 0);
  });
});
