/** Where a server listens, and what it says where it cannot. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer, type ListenOptions as NetListenOptions, type Server as NetServer } from "node:net";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Code, dial, insecure, type ListenOptions, Server, type ServerTlsOptions, serverTls } from "@trunkline/runtime";
import {
  KindsDesc,
  kindsClient,
  registerKindsServer,
  UnimplementedKindsServer,
} from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import { Authority } from "./certificates.js";
import { transports, wireTransports } from "./transports.js";

const { INVALID_ARGUMENT, UNAVAILABLE, ALREADY_EXISTS, FAILED_PRECONDITION } = Code;
const impl = Object.assign(new UnimplementedKindsServer(), { unary: () => ({ text: "here" }) });

const folder = mkdtempSync(join(tmpdir(), "listen-"));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;
/** A path that nothing is at. */
const freePath = () => join(folder, `${++files}.sock`);

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

const hasIpv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === "::1"));

async function netServer(where: NetListenOptions): Promise<NetServer> {
  const server = createServer().listen(where);
  stops.push(() => closed(server));
  await once(server, "listening");
  return server;
}

/** Whatever it has been through. */
async function closed(server: NetServer): Promise<void> {
  if (!server.listening) return;
  server.close();
  await once(server, "close");
}

const portOf = (server: NetServer) => (server.address() as { port: number }).port;

describe.each(wireTransports)("a server on $name", ({ transport }) => {
  function make(): Server {
    const server = new Server({ transport });
    registerKindsServer(server, impl);
    stops.unshift(() => server.shutdown());
    return server;
  }

  async function expectServed(address: string): Promise<void> {
    const channel = dial(address, { transport, credentials: insecure() });
    stops.unshift(() => channel.close());
    await expect(kindsClient(channel).unary({}, { timeoutMs: 10_000 })).resolves.toMatchObject({ text: "here" });
  }

  describe("listens on", () => {
    test.each<[string, RegExp]>([
      ["127.0.0.1:0", /^127\.0\.0\.1:\d+$/],
      ["localhost:0", /^localhost:\d+$/],
      ...(hasIpv6 ? ([["[::1]:0", /^\[::1\]:\d+$/]] satisfies [string, RegExp][]) : []),
    ])("%s without credentials", async (address, wanted) => {
      const bound = await make().listen(address);
      expect(bound.address).toMatch(wanted);
      expect(bound.address.endsWith(`:${bound.port}`)).toBe(true);
      await expectServed(bound.address);
    });

    test("localhost in both families, on one port", async () => {
      const { port } = await make().listen("localhost:0");
      await expectServed(`127.0.0.1:${port}`);
      if (hasIpv6) await expectServed(`[::1]:${port}`);
    });

    test.each(["0.0.0.0:0", ...(hasIpv6 ? ["[::]:0"] : [])])("%s with insecure()", async (address) => {
      const { port } = await make().listen(address, { credentials: insecure() });
      await expectServed(`127.0.0.1:${port}`);
    });

    test.each([
      ["unix:", (path: string) => `unix:${path}`],
      ["unix://", (path: string) => `unix://${path}`],
    ])("%s and a path", async (_what, write) => {
      const path = freePath();
      const server = make();
      const address = write(path);
      expect(await server.listen(address)).toMatchObject({ address, port: 0 });
      await expectServed(address);
      expect(server.stats().addresses).toEqual([address]);
      await server.shutdown();
      expect(existsSync(path)).toBe(false);
    });

    test("several at once", async () => {
      const server = make();
      const addresses = [`unix:${freePath()}`, "127.0.0.1:0", "127.0.0.1:0"];
      const bound = await Promise.all(addresses.map((address) => server.listen(address)));
      expect(new Set(bound.map(({ address }) => address)).size).toBe(3);
      for (const { address } of bound) await expectServed(address);
    });

    test("a unix socket that a killed process left behind", async () => {
      const path = freePath();
      const address = `unix:${path}`;
      const { child } = await listenElsewhere([address]);
      child.kill("SIGKILL");
      await once(child, "close");
      expect(statSync(path).isSocket()).toBe(true);
      await make().listen(address);
      await expectServed(address);
    });
  });

  describe("does not listen on", () => {
    const refused = async (address: string, code: Code, details: string | RegExp, options?: ListenOptions) => {
      const server = make();
      const error = await server.listen(address, options).catch((thrown) => thrown);
      expect(error).toMatchObject({
        code,
        details: typeof details === "string" ? details : expect.stringMatching(details),
      });
      expect(error.details).not.toContain("\n");
      expect(server.stats().addresses).toEqual([]);
    };

    test("a port that is in use", async () => {
      const address = `127.0.0.1:${portOf(await netServer({ port: 0, host: "127.0.0.1" }))}`;
      const details = `cannot listen on ${address}: it is in use; stop who listens there, or choose another (EADDRINUSE)`;
      await refused(address, UNAVAILABLE, details);
    });

    (hasIpv6 ? test : test.skip)("a name with a port that is in use at one of its addresses", async () => {
      const port = portOf(await netServer({ port: 0, host: "::1" }));
      await refused(`localhost:${port}`, UNAVAILABLE, /^cannot listen on localhost:\d+: it is in use; /);
      // Nothing of it is left behind.
      await netServer({ port, host: "127.0.0.1" });
    });

    test("a unix socket where somebody listens", async () => {
      const path = freePath();
      await netServer({ path });
      const details = `cannot listen on unix:${path}: it is in use; stop who listens there, or choose another (EADDRINUSE)`;
      await refused(`unix:${path}`, UNAVAILABLE, details);
      expect(statSync(path).isSocket()).toBe(true);
    });

    test("a path where a file is, which is not touched", async () => {
      const path = freePath();
      writeFileSync(path, "precious");
      await refused(`unix:${path}`, UNAVAILABLE, /: a file is there that is no socket; /);
      expect(readFileSync(path, "utf8")).toBe("precious");
    });

    test("a path in a folder that is not there", async () => {
      await refused(`unix:${folder}/none/x.sock`, UNAVAILABLE, /: its folder is not there; make it first \(/);
    });

    test("a path that the system would cut short", async () => {
      const ofLength = (bytes: number) => `unix:${`${folder}/`.padEnd(bytes, "x")}`;
      await make().listen(ofLength(107));
      await expectServed(ofLength(107));
      const tooLong = ofLength(108);
      const details = `cannot listen on ${tooLong}: a path of a unix socket has 107 bytes at most, not 108; choose a shorter one`;
      await refused(tooLong, INVALID_ARGUMENT, details);
    });

    test("an address of another machine", async () => {
      const options = { credentials: insecure() };
      const details =
        /^cannot listen on 192\.0\.2\.1:0: no interface of this machine has that address; .*\(EADDRNOTAVAIL\)$/;
      await refused("192.0.2.1:0", UNAVAILABLE, details, options);
    });

    test("a name that stands for nothing", async () => {
      const options = { credentials: insecure() };
      const details =
        /^cannot listen on nowhere\.invalid:0: the host's name (has no address|could not be looked up); .*\(E\w+\)$/;
      await refused("nowhere.invalid:0", UNAVAILABLE, details, options);
    });

    test.each([
      ["", /./],
      [
        "127.0.0.1",
        "cannot listen on 127.0.0.1: it names no port; write 127.0.0.1:50051, or 127.0.0.1:0 for a free one",
      ],
      [
        "localhost",
        "cannot listen on localhost: it names no port; write localhost:50051, or localhost:0 for a free one",
      ],
      ["::1", "cannot listen on ::1: it names no port; write [::1]:50051, or [::1]:0 for a free one"],
      ["[::1]", "cannot listen on [::1]: it names no port; write [::1]:50051, or [::1]:0 for a free one"],
      [":50051", /names no host; write localhost:50051, or \[::\]:50051 for all addresses of this machine$/],
      ["localhost:65536", /port 65536 is above 65535; /],
      ["localhost:http", /it is no host:port; write host:50051, /],
      ["[localhost]:1", /\[localhost\] is no IPv6 address; /],
      ["a b:1", /it is no host:port; /],
      ["http://localhost:1", /it is no host:port; /],
      ["unix:", /it names no path; write unix:\/path$/],
      ["fd:", /it is no host:port; write host:50051, \[::1\]:50051, unix:\/path or fd:3$/],
    ])("what is no address: %p", async (address, details) => {
      await refused(address, INVALID_ARGUMENT, details, { credentials: insecure() });
    });

    test("what other machines can reach, without a word on how", async () => {
      const details =
        "credentials: 0.0.0.0:0 may be reached from other machines, so say how to speak there: " +
        "credentials: serverTls({ cert, key }) for TLS, or credentials: insecure() for plaintext";
      await refused("0.0.0.0:0", INVALID_ARGUMENT, details);
      await refused("fd:3", INVALID_ARGUMENT, details.replace("0.0.0.0:0", "fd:3"));
    });
  });

  describe("with certificates that cannot be used", () => {
    let authority: Authority;
    beforeAll(() => {
      authority = new Authority();
    });
    afterAll(() => authority.remove());
    const hourMs = 3_600_000;

    test.each<[string, (good: ServerTlsOptions) => unknown, string | RegExp]>([
      ["no cert", ({ key }) => ({ key }), "serverTls(): cert must be PEM text or its bytes, not undefined"],
      ["no key", ({ cert }) => ({ cert }), "serverTls(): key must be PEM text or its bytes, not undefined"],
      [
        "a cert that is none",
        (good) => ({ ...good, cert: "junk" }),
        "serverTls(): cert is no certificate in PEM (-----BEGIN CERTIFICATE-----)",
      ],
      [
        "a key that is none",
        (good) => ({ ...good, key: good.cert }),
        "serverTls(): key is no private key in PEM without a passphrase (-----BEGIN PRIVATE KEY-----)",
      ],
      [
        "a clientCa that is none",
        (good) => ({ ...good, clientCa: "junk" }),
        "serverTls(): clientCa is no certificate in PEM (-----BEGIN CERTIFICATE-----)",
      ],
      [
        "a key of another",
        (good) => ({ ...good, key: authority.issue().key }),
        "serverTls(): key does not belong to cert, the certificate of CN=localhost; give the key that it was made with",
      ],
      [
        "one that expired",
        () => authority.issue({ subject: "/O=Trunkline/CN=old", to: new Date(Date.now() - hourMs) }),
        /^serverTls\(\): the certificate of O=Trunkline, CN=old expired on .* GMT; renew it$/,
      ],
      [
        "one that is not valid yet",
        () => authority.issue({ subject: "/CN=new", from: new Date(Date.now() + hourMs) }),
        /^serverTls\(\): the certificate of CN=new is not valid before .* GMT; wait, or set the clock$/,
      ],
      [
        "a requirement that is none",
        (good) => ({ ...good, requireClientCertificate: "yes" }),
        'serverTls(): requireClientCertificate must be true or false, not "yes"',
      ],
    ])("refuses %s, and the port stays free", async (_what, bad, details) => {
      const server = make();
      const probe = await netServer({ port: 0, host: "127.0.0.1" });
      const port = portOf(probe);
      await closed(probe);
      const credentials = serverTls(bad(authority.issue()) as ServerTlsOptions);
      const error = await server.listen(`127.0.0.1:${port}`, { credentials }).catch((thrown) => thrown);
      expect(error).toMatchObject({
        code: INVALID_ARGUMENT,
        details: typeof details === "string" ? details : expect.stringMatching(details),
      });
      expect(error.details).not.toContain("\n");
      await netServer({ port, host: "127.0.0.1" });
    });
  });
});

describe("sockets that a process was started with", () => {
  test("are listened on, and known by their address", async () => {
    const tcp = await netServer({ port: 0, host: "127.0.0.1" });
    const path = freePath();
    const unix = await netServer({ path });
    const { lines } = await listenElsewhere(["fd:3", "fd:4"], [descriptorOf(tcp), descriptorOf(unix)]);
    // Where an inherited unix socket is, nobody tells.
    expect(lines).toEqual([`127.0.0.1:${portOf(tcp)}`, "fd:4", "done"]);
    // From here on only the other process is to accept; its socket file stays where it is.
    renameSync(path, `${path}.kept`);
    await Promise.all([closed(tcp), closed(unix)]);
    renameSync(`${path}.kept`, path);
    for (const address of [lines[0]!, `unix:${path}`]) {
      const channel = dial(address);
      await expect(kindsClient(channel).unary({}, { timeoutMs: 10_000 })).resolves.toMatchObject({ text: "here" });
      await channel.close();
    }
  });

  test("or refused where they are none", async () => {
    const file = openSync("package.json", "r");
    const { lines } = await listenElsewhere(["fd:3", "fd:99"], [file]);
    closeSync(file);
    expect(lines).toEqual([
      expect.stringMatching(
        /^INVALID_ARGUMENT: cannot listen on fd:3: it is no socket that can be listened on; pass one/,
      ),
      expect.stringMatching(/^INVALID_ARGUMENT: cannot listen on fd:99: /),
      "done",
    ]);
  });
});

describe.each(transports)("a server on $name refuses", ({ transport }) => {
  test("to listen twice on an address", async () => {
    const server = new Server({ transport });
    const { address } = await server.listen("127.0.0.1:0");
    await expect(server.listen(address)).rejects.toMatchObject({
      code: ALREADY_EXISTS,
      details: `this server listens on ${address} already`,
    });
    await server.shutdown();
  });

  test("services when it listens, twice the same, and what lacks methods", async () => {
    const server = new Server({ transport });
    registerKindsServer(server, impl);
    const thrownBy = (action: () => unknown) => {
      try {
        return action();
      } catch (error) {
        return error;
      }
    };
    expect(thrownBy(() => registerKindsServer(server, impl))).toMatchObject({
      code: ALREADY_EXISTS,
      details: "kinds.v1.Kinds is registered already",
    });
    const other = new Server({ transport });
    expect(thrownBy(() => other.register(KindsDesc, { unary() {} } as never))).toMatchObject({
      code: INVALID_ARGUMENT,
      details: expect.stringMatching(
        /^kinds\.v1\.Kinds: the implementation lacks serverStream, clientStream, bidiStream; /,
      ),
    });
    await server.listen("127.0.0.1:0");
    expect(thrownBy(() => registerKindsServer(server, impl))).toMatchObject({
      code: FAILED_PRECONDITION,
      details: "kinds.v1.Kinds: register before listen()",
    });
    await server.shutdown();
    await expect(server.listen("127.0.0.1:0")).rejects.toMatchObject({
      code: FAILED_PRECONDITION,
      details: "listen() after shutdown()",
    });
  });
});

/** A process that listens; it ends with the test. `descriptors` are its fd 3, 4 and so on. */
async function listenElsewhere(
  addresses: readonly string[],
  descriptors: readonly number[] = [],
): Promise<{ child: ChildProcess; lines: string[] }> {
  const program = ["--import", "tsx", "test/programs/listen.ts", ...addresses];
  const child = spawn(process.execPath, program, { stdio: ["pipe", "pipe", "inherit", ...descriptors] });
  stops.unshift(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.stdin!.end();
    await once(child, "close");
  });
  const lines: string[] = [];
  for await (const line of createInterface(child.stdout!)) {
    lines.push(line);
    if (line === "done") break;
  }
  return { child, lines };
}

/** Node.js tells it nowhere else. */
function descriptorOf(server: NetServer): number {
  return (server as unknown as { _handle: { fd: number } })._handle.fd;
}
