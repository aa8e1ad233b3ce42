/** `realIp`: the caller's address behind proxies that are trusted, and no other. */
import { tmpdir } from "node:os";
import { Code, dial, type MetadataInit, Server, type ServerCall } from "@trunkline/runtime";
import { type RealIpOptions, realIp, realIpOf } from "@trunkline/runtime/interceptors/real-ip";
import {
  kindsClient,
  registerKindsServer,
  UnimplementedKindsServer,
} from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import { startKinds, stopKinds } from "../runtime/kinds.js";
import { transports } from "../runtime/transports.js";

afterEach(stopKinds);

describe.each(transports)("realIp on $name", ({ transport }) => {
  /** As a server names the peer of these tests. */
  const self = "127.0.0.1";
  const local = "127.0.0.0/8";
  const trusted = [local, "10.0.0.0/8", "fd00::/8", "192.0.2.7"];
  const forwarded = (value: string | string[]) => ({ "x-forwarded-for": value });

  test.each<[string, RealIpOptions, MetadataInit, string]>([
    ["nothing forwarded", { trusted }, {}, self],
    ["one hop", { trusted }, forwarded("203.0.113.9"), "203.0.113.9"],
    ["trusted hops after it", { trusted }, forwarded("203.0.113.9, 10.1.2.3,192.0.2.7"), "203.0.113.9"],
    ["several headers", { trusted }, forwarded(["203.0.113.9", "10.1.2.3"]), "203.0.113.9"],
    ["what the caller made up before it", { trusted }, forwarded("1.1.1.1, 203.0.113.9, 10.1.2.3"), "203.0.113.9"],
    ["all trusted: the farthest", { trusted }, forwarded("10.0.0.1, 10.0.0.2"), "10.0.0.1"],
    ["with a port", { trusted }, forwarded("203.0.113.9:4711"), "203.0.113.9"],
    ["IPv6 with a port", { trusted }, forwarded("[2001:db8::1]:80, fd00::5"), "2001:db8::1"],
    ["IPv4 as IPv6", { trusted }, forwarded("203.0.113.9, ::ffff:10.0.0.1"), "203.0.113.9"],
    ["IPv4 as IPv6, of the caller", { trusted }, forwarded("::ffff:cb00:7109"), "203.0.113.9"],
    ["IPv6 in another spelling", { trusted }, forwarded("2001:DB8:0:0::1"), "2001:db8::1"],
    ["a trusted IPv6 in another spelling", { trusted }, forwarded("203.0.113.9, FD00:0::5"), "203.0.113.9"],
    ["IPv6 with a zone", { trusted }, forwarded("fe80::1%eth0"), "fe80::1"],
    ["what looks like an address", { trusted }, forwarded("203.0.113.999, 203.0.113.9:x"), self],
    ["no address at all", { trusted }, forwarded("unknown"), self],
    ["no address beyond a trusted one", { trusted }, forwarded("unknown, 10.0.0.1"), "10.0.0.1"],
    ["x-real-ip", { trusted }, { "x-real-ip": "203.0.113.9" }, "203.0.113.9"],
    ["x-forwarded-for first", { trusted }, { "x-real-ip": "1.1.1.1", ...forwarded("203.0.113.9") }, "203.0.113.9"],
    ["another header", { trusted, headers: ["x-client"] }, { "x-client": "203.0.113.9" }, "203.0.113.9"],
    ["a peer that is not trusted", { trusted: ["10.0.0.0/8"] }, forwarded("203.0.113.9"), self],
    ["nobody trusted", { trusted: [] }, { "x-real-ip": "203.0.113.9" }, self],
  ])("%s", async (_what, options, metadata, expected) => {
    const { client } = await startKinds(
      transport,
      { unary: (_request, call) => ({ text: realIpOf(call) }) },
      { interceptors: [realIp(options)] },
    );
    expect(await client.unary({}, { metadata })).toMatchObject({ text: expected });
  });

  test("without the interceptor it is the peer's", async () => {
    const { client } = await startKinds(transport, { unary: (_request, call) => ({ text: realIpOf(call) }) });
    expect(await client.unary({}, { metadata: forwarded("1.1.1.1") })).toMatchObject({ text: self });
  });
});

test.each([
  ["IPv6", "[::1]:0", ["::1"]],
  ["a unix socket", `unix:${tmpdir()}/real-ip-${process.pid}.sock`, ["unix"]],
])("a peer over %s", async (_what, listenAt, trusted) => {
  const server = new Server({ interceptors: [realIp({ trusted })] });
  const methods = { unary: (_request: unknown, call: ServerCall) => ({ text: realIpOf(call) }) };
  registerKindsServer(server, Object.assign(new UnimplementedKindsServer(), methods));
  const channel = dial((await server.listen(listenAt)).address);
  const metadata = { "x-real-ip": "203.0.113.9" };
  try {
    expect(await kindsClient(channel).unary({}, { metadata })).toMatchObject({ text: "203.0.113.9" });
  } finally {
    await channel.close();
    await server.shutdown();
  }
});

test.each(["10.0.0.0/33", "::1/129", "10.0.0", "host.example", "10.0.0.0/-1", "", 7 as never])(
  "trusted: %p is refused",
  (entry) => {
    expect(() => realIp({ trusted: [entry] })).toThrow(expect.objectContaining({ code: Code.INVALID_ARGUMENT }));
  },
);

test.each([undefined, "10.0.0.0/8"])("trusted that is no list, %p, is refused", (trusted) => {
  expect(() => realIp({ trusted: trusted as never })).toThrow(expect.objectContaining({ code: Code.INVALID_ARGUMENT }));
});
