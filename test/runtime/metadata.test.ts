import { Code, Metadata, RpcError } from "@trunkline/runtime";
import fc from "fast-check";
import { startKinds, stopKinds } from "./kinds.js";
import { RawCalls } from "./raw-calls.js";
import { wireTransports } from "./transports.js";

afterEach(stopKinds);

describe("Metadata", () => {
  test("keys are case-insensitive; values keep their order; set replaces, append adds", () => {
    const metadata = new Metadata({ "X-A": ["1", "2"], skipped: undefined }).append("x-a", "3").set("x-b", "b");
    expect(metadata.get("x-A")).toBe("1");
    expect(metadata.getAll("x-a")).toEqual(["1", "2", "3"]);
    expect([...metadata.set("x-a", "4")]).toEqual([
      ["x-b", "b"],
      ["x-a", "4"],
    ]);
    expect(metadata.delete("X-B").has("x-b")).toBe(false);
    expect(metadata.size).toBe(1);
    expect(JSON.stringify(metadata.append("x-a", "5"))).toBe('{"x-a":["4","5"]}');
    expect(new Metadata(metadata).merge({ "x-c": "c" }).size).toBe(3);
    expect(metadata.clone().size).toBe(2);
  });

  const bad: [string, unknown, RegExp][] = [
    ["", "x", /metadata key ""/],
    ["a b", "x", /metadata key "a b" may have only/],
    ["ä", "x", /metadata key "ä"/],
    ["a\n", "x", /metadata key "a\\n"/],
    [":path", "x", /metadata key ":path"/],
    ["grpc-timeout", "1S", /"grpc-timeout" belongs to the protocol/],
    ["Content-Type", "x", /"content-type" belongs to the protocol/],
    ["x-a", "ä", /value of metadata key "x-a" is not printable ASCII; .* key in -bin/],
    ["x-a", "line\nfeed", /not printable ASCII/],
    ["x-a", 5, /"x-a" wants text, not number/],
    ["x-a", Uint8Array.of(1), /"x-a" wants text, not object; for bytes, let its name end in -bin/],
    ["x-a-bin", "text", /"x-a-bin" ends in -bin and so wants bytes/],
  ];
  test.each(bad)("refuses %p = %p", (key, value, message) => {
    const set = () => new Metadata().set(key, value as string);
    expect(set).toThrow(message);
    expect(set).toThrow(RpcError);
    expect(() => new Metadata({ [key]: value as string })).toThrow(message);
  });
});

describe.each(wireTransports)("metadata on the wire of $name", ({ transport }) => {
  test("a call with metadata that is refused fails, unsent", async () => {
    const { client } = await startKinds(transport, { unary: () => ({}) });
    const reply = client.unary({}, { metadata: { "grpc-status": "0" } });
    await expect(reply).rejects.toMatchObject({ code: Code.INVALID_ARGUMENT });
  });

  test("keys with capitals arrive in lower case, and are found in any", async () => {
    const { client } = await startKinds(transport, {
      unary: (_request, { metadata }) => ({
        text: `${metadata.get("X-Request-ID")} ${[...metadata].map(([key]) => key)}`,
      }),
    });
    const { text } = await client.unary({}, { metadata: { "X-Request-Id": "7" } });
    expect(text).toMatch(/^7 .*\bx-request-id\b/);
  });

  /** Of a -bin key: what another peer may write, and the bytes that it is. */
  const binaries: [string | string[], number[][]][] = [
    ["AQID", [[1, 2, 3]]],
    ["AQI=", [[1, 2]]],
    ["AQI", [[1, 2]]],
    ["AQ==", [[1]]],
    ["AQ", [[1]]],
    ["", [[]]],
    [
      "AQI,AQID",
      [
        [1, 2],
        [1, 2, 3],
      ],
    ],
    ["AQI=, AQ", [[1, 2], [1]]],
    [
      ["AQI=", "AQID"],
      [
        [1, 2],
        [1, 2, 3],
      ],
    ],
    // No base64. A peer that is strict would end the call; here what can be read is, and no call fails of it.
    ["%%%%", [[]]],
    ["AQ!ID", [[1, 2, 3]]],
  ];
  test.each(binaries)("a value %p on the wire, padded or not, is bytes", async (value, expected) => {
    const seen: number[][] = [];
    const { address } = await startKinds(transport, {
      unary(_request, { metadata }) {
        seen.push(...metadata.getAll("x-data-bin").map((bytes) => [...bytes]));
        return {};
      },
    });
    const raw = new RawCalls(address);
    const trailers = await raw.start("/kinds.v1.Kinds/Unary", { headers: { "x-data-bin": value } }).ended;
    await raw.close();
    expect(trailers["grpc-status"]).toBe("0");
    expect(seen).toEqual(expected);
  });

  test("whatever it takes arrives", async () => {
    const { client } = await startKinds(transport, {
      unary(_request, call) {
        for (const [key, value] of call.metadata) if (key.startsWith("x-")) call.trailers.append(key, value);
        return {};
      },
    });
    const key = fc.stringMatching(/^x-[0-9a-z_.-]{0,20}$/).filter((one) => !one.endsWith("-bin"));
    // HTTP/2 knows no leading or trailing space in a value, and a list is joined by commas.
    const text = fc.stringMatching(/^([!-+\--~]([ -+\--~]{0,20}[!-+\--~])?)?$/);
    const pairs = fc.dictionary(key, text, { maxKeys: 5 });
    const bytes = fc.dictionary(
      key.map((one) => `${one}-bin`),
      fc.uint8Array({ minLength: 1, maxLength: 40 }),
      { maxKeys: 5 },
    );
    await fc.assert(
      fc.asyncProperty(pairs, bytes, async (texts, binaries) => {
        const trailers = new Metadata();
        const metadata = { ...texts, ...binaries };
        await client.unary({}, { metadata, onTrailers: (got) => trailers.merge(got) });
        for (const [name, value] of Object.entries(texts)) expect(trailers.get(name)).toBe(value);
        for (const [name, value] of Object.entries(binaries)) {
          expect([...(trailers.get(name as "x-bin") ?? [])]).toEqual([...value]);
        }
      }),
      { numRuns: 100 },
    );
  });
});
