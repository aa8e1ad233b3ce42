/** What targets say, and what is wrong with those that cannot be read. */
import { Code } from "@trunkline/runtime";
import { resolverOf } from "../../runtime/src/connection/resolver/resolve.js";
import { parseTarget } from "../../runtime/src/target.js";

describe("a target", () => {
  test.each([
    ["greeter:50051", "dns:///greeter:50051", "greeter:50051", false],
    ["dns://10.0.0.2:53/greeter", "dns://10.0.0.2:53/greeter:443", "greeter:443", false],
    ["passthrough:greeter:1", "passthrough:///greeter:1", "greeter:1", false],
    ["passthrough:///greeter", "passthrough:///greeter:443", "greeter:443", false],
    ["passthrough://anybody/[::1]:1", "passthrough:///[::1]:1", "[::1]:1", true],
    ["passthrough:///localhost:1", "passthrough:///localhost:1", "localhost:1", true],
    ["unix:relative.sock", "unix:relative.sock", "localhost", true],
    ["unix:///run/x.sock", "unix:/run/x.sock", "localhost", true],
    ["unix-abstract:trunkline/x", "unix-abstract:trunkline/x", "localhost", true],
    ["unix-abstract:50051", "unix-abstract:50051", "localhost", true],
    ["ipv4:127.0.0.1:1,127.0.0.2", "ipv4:127.0.0.1:1,127.0.0.2", "127.0.0.1:1", true],
    ["ipv6:[::1]:1,[2001:db8::1]", "ipv6:[::1]:1,[2001:db8::1]", "[::1]:1", false],
  ])("%s is %s", (target, uri, authority, local) => {
    expect(parseTarget(target)).toMatchObject({ uri, authority, local });
    // What it was read as says the same.
    expect(parseTarget(uri)).toEqual(parseTarget(target));
  });

  test.each([
    ["", /a target is a text such as/],
    ["dns:///", /"\/\/\/" is not host:port/],
    ["greeter:65536", /port 65536 is above 65535/],
    ["unix:", /it names no path/],
    ["unix-abstract:", /it names no socket/],
    [`unix-abstract:${"é".repeat(54)}`, /the name of a socket has 107 bytes at most, not 108/],
    ["passthrough:", /"" is not host:port/],
    ["passthrough:///", /"\/\/\/" is not host:port/],
    ["passthrough:///a:b:c", /"a:b:c" is not host:port/],
    ["passthrough:///greeter:70000", /port 70000 is above 65535/],
    ["[greeter]:1", /\[greeter\] is no IPv6 address/],
    ["dns:///[10.0.0.1]:1", /\[10\.0\.0\.1\] is no IPv6 address/],
    ["ipv4:greeter:1", /"greeter" is no IPv4 address/],
    ["ipv4:127.0.0.1:1,[::1]:1", /"::1" is no IPv4 address/],
    ["ipv4:", /"" is not host:port/],
    ["ipv6:127.0.0.1:1", /"127\.0\.0\.1" is no IPv6 address/],
    ["consul:///greeter", /its scheme "consul" is unknown/],
  ])("%j is refused", (target, details) => {
    expect(() => parseTarget(target)).toThrow(details);
    expect(() => parseTarget(target)).toThrow(expect.objectContaining({ code: Code.INVALID_ARGUMENT }));
  });
});

describe("the addresses of a target", () => {
  test.each([
    ["ipv4:10.0.0.1:1,10.0.0.2:2", ["10.0.0.1:1", "10.0.0.2:2"]],
    ["ipv6:[::1]:1,::2", ["[::1]:1", "[::2]:443"]],
    ["dns:///10.0.0.1:1", ["10.0.0.1:1"]],
    ["[2001:db8::1]:1", ["[2001:db8::1]:1"]],
    ["passthrough:///greeter:1", ["greeter:1"]],
    ["unix:/run/x.sock", ["unix:/run/x.sock"]],
    ["unix-abstract:x", ["unix-abstract:x"]],
  ])("%s are known without asking anybody, and do not change", async (target, names) => {
    const source = resolverOf(target, {});
    expect(source.changes).toBe(false);
    expect((await source.find()).map(({ name }) => name)).toEqual(names);
  });

  test.each([
    ["xds:///greeter", /only the transport grpc-js asks a control plane; dial with transport: "grpc-js"/],
    ["dns://ns.example/greeter:1", /a DNS server is named by its IP address, as in dns:\/\/10\.0\.0\.2:53\/greeter/],
  ])("%s cannot be found", (target, details) => {
    expect(() => resolverOf(target, {})).toThrow(details);
    expect(() => resolverOf(target, {})).toThrow(expect.objectContaining({ code: Code.INVALID_ARGUMENT }));
  });
});
