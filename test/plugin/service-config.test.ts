/** `service_config=FILE`: what a service config says of methods is in their table entries, and holds for their calls. */
import { afterAll, describe, expect, test } from "@jest/globals";
import { Code } from "@trunkline/runtime";
import fc from "fast-check";
import { findJsonFault } from "../../plugin/src/service-config/json-syntax.js";
import { requestFor } from "./compile-protos.js";
import { defaultsOf, generateWith, removeGenerated } from "./configured.js";
import { generate } from "./responses.js";

afterAll(removeGenerated);

const proto = `syntax = "proto3"; package a;
  message M { string text = 1; }
  service B {
    rpc Get(M) returns (M) { option idempotency_level = NO_SIDE_EFFECTS; }
    rpc Put(M) returns (M);
    rpc Watch(M) returns (stream M);
  }
  service C { rpc Get(M) returns (M); }`;
const protos = { "a.proto": proto };

const retryPolicy = {
  maxAttempts: 4,
  initialBackoff: "0.1s",
  maxBackoff: "60s",
  backoffMultiplier: 1.3,
  retryableStatusCodes: ["UNAVAILABLE", "RESOURCE_EXHAUSTED"],
};
const retry = {
  maxAttempts: 4,
  initialBackoffMs: 100,
  maxBackoffMs: 60_000,
  backoffMultiplier: 1.3,
  codes: [Code.UNAVAILABLE, Code.RESOURCE_EXHAUSTED],
};

/** A config with one entry for all of service a.B. */
const ofService = (entry: object) => ({ methodConfig: [{ name: [{ service: "a.B" }], ...entry }] });

describe("an entry of a table", () => {
  test("has the timeout and the policy, in the runtime's units, status codes with their names", async () => {
    const { files } = await generateWith(
      {
        methodConfig: [
          { name: [{ service: "a.B", method: "Get" }], timeout: "60s", retryPolicy },
          { name: [{ service: "a.B", method: "Put" }], timeout: "0.5s" },
        ],
      },
      protos,
    );
    expect(files.get("a_grpc.ts")).toContain(`
      idempotency: "noSideEffects",
      defaults: {
        timeoutMs: 60000,
        retry: {
          maxAttempts: 4,
          initialBackoffMs: 100,
          maxBackoffMs: 60000,
          backoffMultiplier: 1.3,
          codes: [14 /* UNAVAILABLE */, 8 /* RESOURCE_EXHAUSTED */],
        },
      },
      handler: (impl, request, call) => impl.get(request, call),
    }),
    put: `);
    expect(files.get("a_grpc.ts")).toContain(`
      defaults: {
        timeoutMs: 500,
      },
      handler: (impl, request, call) => impl.put(request, call),
`);
  });

  test("can hedge, with what the specification leaves optional left out", async () => {
    const hedgingPolicy = { maxAttempts: 9, hedgingDelay: ".25s", nonFatalStatusCodes: ["internal", 4] };
    expect(await defaultsOf(await generateWith(ofService({ hedgingPolicy }), protos))).toMatchObject({
      "B/Watch": { retry: { maxAttempts: 9, hedgingDelayMs: 250, nonFatalCodes: [13, 4] } },
    });
    expect(
      await defaultsOf(await generateWith(ofService({ hedgingPolicy: { maxAttempts: 2 } }), protos)),
    ).toMatchObject({
      "B/Watch": { retry: { maxAttempts: 2, hedgingDelayMs: 0, nonFatalCodes: [] } },
    });
  });

  test("tries as often as gRPC does where a policy does not say, as Google's files do not", async () => {
    const config = ofService({ retryPolicy: { ...retryPolicy, maxAttempts: undefined } });
    expect((await defaultsOf(await generateWith(config, protos)))["B/Get"]).toEqual({
      retry: { ...retry, maxAttempts: 5 },
    });
  });

  test.each([
    ["0.000000001s", 0.000001],
    ["0.1s", 100],
    [".3s", 300],
    ["1.005s", 1005],
    ["0.0029s", 2.9],
    ["86400s", 86_400_000],
    ["315576000000s", 315_576_000_000_000],
  ])("has %s as %d ms", async (timeout, timeoutMs) => {
    expect(await defaultsOf(await generateWith(ofService({ timeout }), protos))).toMatchObject({
      "B/Get": { timeoutMs },
    });
  });

  test.each([
    ["names", ["UNAVAILABLE", "CANCELLED"], [14, 1]],
    ["names in any case", ["unavailable", "Not_Found"], [14, 5]],
    ["numbers", [14, 8], [14, 8]],
    ["one twice", ["UNAVAILABLE", 14], [14]],
  ])("takes status codes as %s", async (_what, retryableStatusCodes, codes) => {
    const config = ofService({ retryPolicy: { ...retryPolicy, retryableStatusCodes } });
    expect(await defaultsOf(await generateWith(config, protos))).toMatchObject({ "B/Get": { retry: { codes } } });
  });
});

describe("the entry that counts is", () => {
  const everything = { name: [{}], timeout: "1s", retryPolicy };
  const service = { name: [{ service: "a.B" }], timeout: "2s" };
  const method = { name: [{ service: "a.B", method: "Put" }], timeout: "3s" };

  test.each([
    ["in the order of the file", [everything, service, method]],
    ["in any other", [method, everything, service]],
  ])("the nearest, %s, and nothing of the others", async (_what, methodConfig) => {
    expect(await defaultsOf(await generateWith({ methodConfig }, protos))).toEqual({
      "B/Get": { timeoutMs: 2000 },
      "B/Put": { timeoutMs: 3000 },
      "B/Watch": { timeoutMs: 2000 },
      "C/Get": { timeoutMs: 1000, retry },
    });
  });

  test("the nearest even if it says nothing", async () => {
    const methodConfig = [{ name: [{ service: "a.B", method: "Get" }] }, service, everything];
    expect(Object.keys(await defaultsOf(await generateWith({ methodConfig }, protos)))).toEqual([
      "B/Put",
      "B/Watch",
      "C/Get",
    ]);
  });

  test("none of another service, of a service that is not here, or without a name", async () => {
    const named = { service: "elsewhere.S", method: "Nonesuch" };
    const methodConfig = [{ name: [{ service: "a.C" }, named], timeout: "2s" }, { timeout: "1s" }, { name: [] }];
    expect(await defaultsOf(await generateWith({ methodConfig }, protos))).toEqual({ "C/Get": { timeoutMs: 2000 } });
  });

  test.each([
    ["an empty service and method", [{ service: "", method: "" }]],
    ["null", [{ service: null, method: null }]],
  ])("for everything with %s", async (_what, name) => {
    const defaults = await defaultsOf(await generateWith({ methodConfig: [{ name, timeout: "1s" }] }, protos));
    expect(Object.keys(defaults)).toEqual(["B/Get", "B/Put", "B/Watch", "C/Get"]);
  });

  test("for a whole service where its method is empty", async () => {
    const methodConfig = [{ name: [{ service: "a.C", method: "" }], timeout: "1s", retryPolicy: null }];
    expect(await defaultsOf(await generateWith({ methodConfig }, protos))).toEqual({ "C/Get": { timeoutMs: 1000 } });
  });
});

describe("the output is as without one", () => {
  test.each([
    ["says nothing", {}],
    ["is for other services", { methodConfig: [{ name: [{ service: "x.Y", method: "Z" }], timeout: "1s" }] }],
    [
      "is for a channel",
      { retryThrottling: { maxTokens: 10, tokenRatio: 0.1 }, loadBalancingConfig: [{ round_robin: {} }] },
    ],
  ])("where a config %s", async (_what, config) => {
    for (const library of ["ts-proto", "protobuf-es"]) {
      const { files, error } = await generateWith(config, protos, `messages=${library}`);
      expect(error).toBe("");
      expect(files).toEqual((await generate(requestFor(protos, `messages=${library}`))).files);
    }
  });

  test("where a config has a byte order mark", async () => {
    expect((await generateWith("\ufeff{}", protos)).error).toBe("");
  });
});

describe("bad input is one line that says where and what to do", () => {
  const policy = (change: object) => ofService({ retryPolicy: { ...retryPolicy, ...change } });
  const hedging = (change: object) => ofService({ hedgingPolicy: { maxAttempts: 3, ...change } });
  const named = (...name: unknown[]) => ({ methodConfig: [{ name, timeout: "1s" }] });
  const where = "methodConfig[0].retryPolicy";

  const cases: readonly (readonly [config: unknown, expected: string])[] = [
    // No JSON.
    ["", "line 1, column 1: is not JSON: there must be a value, not the end of the file"],
    ["nope", 'line 1, column 1: is not JSON: there must be a value, not "n"'],
    [
      '{\n  // mine\n  "methodConfig": []\n}',
      'line 2, column 3: is not JSON: there must be a name in double quotes or "}", not "/"',
    ],
    ['{\r\n"methodConfig": [{},]}', 'line 2, column 21: is not JSON: there must be a value, not "]"'],
    ['{"methodConfig": [],}', 'line 1, column 21: is not JSON: there must be a name in double quotes, not "}"'],
    ['{"methodConfig": [{}', 'line 1, column 21: is not JSON: there must be "," or "]", not the end of the file'],
    ['{"methodConfig" []}', 'line 1, column 17: is not JSON: there must be ":", not "["'],
    ['{"methodConfig": [] "x": 1}', 'line 1, column 21: is not JSON: there must be "," or "}", not "\\""'],
    ['{"methodConfig": [01]}', 'line 1, column 20: is not JSON: there must be "," or "]", not "1"'],
    ['{"a\nb": 1}', 'line 1, column 2: is not JSON: there must be a name in double quotes or "}", not "\\""'],
    ["{} {}", 'line 1, column 4: is not JSON: there must be nothing more, not "{"'],
    ['{"methodConfig": [],\n "methodConfig": []}', "line 2, column 2: has this name again: give each name once"],
    // Of another type.
    [
      "[]",
      "must be an object, not a list: write { } with any of methodConfig, loadBalancingPolicy, loadBalancingConfig, retryThrottling, healthCheckConfig, connectionScaling",
    ],
    [{ methodConfig: {} }, 'methodConfig: must be a list, not an object: write [{ "name": …, "timeout": … }]'],
    [
      { methodConfig: [1] },
      "methodConfig[0]: must be an object, not 1: write { } with any of name, timeout, retryPolicy, hedgingPolicy, waitForReady, maxRequestMessageBytes, maxResponseMessageBytes",
    ],
    [
      { methodConfig: [{ name: {} }] },
      'methodConfig[0].name: must be a list, not an object: write [{ "service": "a.B", "method": "C" }]',
    ],
    [named("a.B"), 'methodConfig[0].name[0]: must be an object, not "a.B": write { } with any of service, method'],
    [named({ service: 1 }), "methodConfig[0].name[0].service: must be a string, not 1: write one, in double quotes"],
    [
      ofService({ waitForReady: "true" }),
      'methodConfig[0].waitForReady: must be true or false, not "true": write one of the two, without quotes',
    ],
    [
      ofService({ maxRequestMessageBytes: -1 }),
      "methodConfig[0].maxRequestMessageBytes: must be a whole number of bytes, not -1: write such a number",
    ],
    [
      policy({ retryableStatusCodes: "UNAVAILABLE" }),
      `${where}.retryableStatusCodes: must be a list, not "UNAVAILABLE": write ["UNAVAILABLE"]`,
    ],
    // Fields that there are not.
    [{ method_config: [] }, "method_config: is no field of a service config: did you mean methodConfig?"],
    [ofService({ timout: "1s" }), "methodConfig[0].timout: is no field of a service config: did you mean timeout?"],
    [policy({ MaxAttempts: 4 }), `${where}.MaxAttempts: is no field of a service config: did you mean maxAttempts?`],
    [
      named({ service: "a.B", "x.y": 1 }),
      "methodConfig[0].name[0].x.y: is no field of a service config: remove it; there are service, method",
    ],
    [
      policy({ ["__proto__"]: 1 }),
      `${where}.__proto__: is no field of a service config: remove it; there are maxAttempts, initialBackoff, maxBackoff, backoffMultiplier, retryableStatusCodes`,
    ],
    // Names.
    [named({ method: "Get" }), "methodConfig[0].name[0]: names the method Get of no service: add its service"],
    [
      named({ service: "a.B" }, {}, { service: "a.B" }),
      "methodConfig[0].name[2]: is for all methods of a.B, and so is methodConfig[0].name[0]: remove one of them",
    ],
    [
      named({}, { service: "", method: null }),
      "methodConfig[0].name[1]: is for all methods, and so is methodConfig[0].name[0]: remove one of them",
    ],
    [
      { methodConfig: [{ name: [{ service: "x.Y", method: "Z" }] }, { name: [{ service: "x.Y", method: "Z" }] }] },
      "methodConfig[1].name[0]: is for x.Y/Z, and so is methodConfig[0].name[0]: remove one of them",
    ],
    [named({ service: "a.B", method: "Gte" }), "methodConfig[0].name[0]: a.B has no method Gte: did you mean Get?"],
    [named({ service: "a.B", method: "get" }), "methodConfig[0].name[0]: a.B has no method get: did you mean Get?"],
    [
      named({ service: "a.B", method: "SetIamPolicy" }),
      "methodConfig[0].name[0]: a.B has no method SetIamPolicy: remove it, or write a method that it has",
    ],
    [
      named({ service: "/a.B" }),
      'methodConfig[0].name[0].service: must be the full name of a service, not "/a.B": write package and name, as in a.B',
    ],
    [
      named({ service: ".a.B" }),
      'methodConfig[0].name[0].service: must be the full name of a service, not ".a.B": write package and name, as in a.B',
    ],
    [
      named({ service: "a.B", method: "a.B/Get" }),
      'methodConfig[0].name[0].method: must be the name of a method, not "a.B/Get": write it as the proto does, without its service',
    ],
    // Durations.
    ...["60", "1m", "1.s", "s", "-1s", "1e3s", "0.0000000001s", "315576000001s", " 1s", "1S"].map(
      (text): [unknown, string] => [
        ofService({ timeout: text }),
        `methodConfig[0].timeout: must be a duration longer than 0, not "${text}": write seconds with an s, such as "0.1s" or "60s"`,
      ],
    ),
    [
      ofService({ timeout: 60 }),
      'methodConfig[0].timeout: must be a duration longer than 0, not 60: write seconds with an s, such as "0.1s" or "60s"',
    ],
    [
      ofService({ timeout: "0.000s" }),
      'methodConfig[0].timeout: must be a duration longer than 0, not "0.000s": write a longer one',
    ],
    [
      policy({ initialBackoff: "0s" }),
      `${where}.initialBackoff: must be a duration longer than 0, not "0s": write a longer one`,
    ],
    [
      policy({ maxBackoff: [] }),
      `${where}.maxBackoff: must be a duration longer than 0, not a list: write seconds with an s, such as "0.1s" or "60s"`,
    ],
    [
      hedging({ hedgingDelay: "1" }),
      'methodConfig[0].hedgingPolicy.hedgingDelay: must be a duration of 0 or more, not "1": write seconds with an s, such as "0.1s" or "60s"',
    ],
    // Policies.
    [
      policy({ maxAttempts: 1 }),
      `${where}.maxAttempts: must be a whole number, at least 2, not 1: write such a number`,
    ],
    [
      policy({ maxAttempts: 2.5 }),
      `${where}.maxAttempts: must be a whole number, at least 2, not 2.5: write such a number`,
    ],
    [
      policy({ maxAttempts: "5" }),
      `${where}.maxAttempts: must be a whole number, at least 2, not "5": write it without quotes`,
    ],
    [
      { methodConfig: [{ waitForReady: true, maxResponseMessageBytes: "1" }] },
      'methodConfig[0].maxResponseMessageBytes: must be a whole number of bytes, not "1": write it without quotes',
    ],
    [
      policy({ backoffMultiplier: 0 }),
      `${where}.backoffMultiplier: must be a number above 0, not 0: write such a number`,
    ],
    [
      JSON.stringify(policy({ backoffMultiplier: 9 })).replace(":9", ":1e999"),
      `${where}.backoffMultiplier: must be a number above 0, not Infinity: write such a number`,
    ],
    ...["initialBackoff", "maxBackoff", "backoffMultiplier", "retryableStatusCodes"].map((name): [unknown, string] => [
      policy({ [name]: undefined }),
      `${where}.${name}: is missing: add it, every policy needs it`,
    ]),
    [
      policy({ retryableStatusCodes: [] }),
      `${where}.retryableStatusCodes: names no status code: write those that are worth another attempt, such as "UNAVAILABLE"`,
    ],
    [
      policy({ retryableStatusCodes: ["UNAVAILABEL"] }),
      `${where}.retryableStatusCodes[0]: must be a status code of gRPC, not "UNAVAILABEL": did you mean "UNAVAILABLE"?`,
    ],
    [
      policy({ retryableStatusCodes: [14, 17] }),
      `${where}.retryableStatusCodes[1]: must be a status code of gRPC, not 17: write its name, such as "UNAVAILABLE"`,
    ],
    [
      policy({ retryableStatusCodes: [null] }),
      `${where}.retryableStatusCodes[0]: must be a status code of gRPC, not null: write its name, such as "UNAVAILABLE"`,
    ],
    [policy({ retryableStatusCodes: ["OK"] }), `${where}.retryableStatusCodes[0]: is no failure: remove OK`],
    [
      hedging({ nonFatalStatusCodes: [0] }),
      "methodConfig[0].hedgingPolicy.nonFatalStatusCodes[0]: is no failure: remove OK",
    ],
    [
      ofService({ retryPolicy, hedgingPolicy: { maxAttempts: 2 } }),
      "methodConfig[0].hedgingPolicy: stands beside a retryPolicy: a method has one of the two: remove the other",
    ],
    // What would be lost.
    [
      ofService({ waitForReady: true }),
      "methodConfig[0].waitForReady: applies to a.B/Get, whose table has no place for it: remove it, and give waitForReady to dial or to the calls",
    ],
    [
      ofService({ maxRequestMessageBytes: 0 }),
      "methodConfig[0].maxRequestMessageBytes: applies to a.B/Get, whose table has no place for it: remove it, and give maxSendMessageBytes to the calls",
    ],
    [
      ofService({ maxResponseMessageBytes: 9 }),
      "methodConfig[0].maxResponseMessageBytes: applies to a.B/Get, whose table has no place for it: remove it, and give maxReceiveMessageBytes to dial or to the calls",
    ],
  ];
  test.each(cases.map(([config, expected]) => [expected, config] as const))("%s", async (expected, config) => {
    const { error, files } = await generateWith(config, protos);
    expect(error).toBe(`service_config: conf.json: ${expected}`);
    expect(error).not.toContain("\n");
    expect(files.size).toBe(0);
  });

  test("a file that is not UTF-8", async () => {
    const { error } = await generateWith(Uint8Array.of(0xff, 0xfe, 0x7b, 0), protos);
    expect(error).toBe("service_config: conf.json: is not UTF-8: save it as UTF-8");
  });

  test.each([
    ["service_config", "option service_config has no value: write service_config=FILE"],
    ["service_config=a,service_config=b", "option service_config is given twice: give it once"],
  ])("%s", async (parameter, expected) => {
    expect((await generate(requestFor(protos, parameter))).error).toBe(expected);
  });

  test("what would be lost is of no concern to methods that it does not apply to", async () => {
    const methodConfig = [
      { name: [{ service: "x.Y" }, {}], waitForReady: true, maxResponseMessageBytes: 1 },
      { name: [{ service: "a.B" }, { service: "a.C" }], waitForReady: false, timeout: "1s" },
    ];
    expect((await generateWith({ methodConfig }, protos)).error).toBe("");
  });

  test("a method that is missing in a service that is only imported is another run's concern", async () => {
    const both = {
      ...protos,
      "b.proto": 'syntax = "proto3"; package b; import "a.proto"; service S { rpc R(a.M) returns (a.M); }',
    };
    const config = named({ service: "a.B", method: "Nonesuch" }, { service: "b.S" });
    expect(await defaultsOf(await generateWith(config, both, "", ["b.proto"]))).toEqual({ "S/R": { timeoutMs: 1000 } });
  });
});

describe("a fault in JSON", () => {
  const isJson = (text: string) => {
    try {
      JSON.parse(text);
      return true;
    } catch {
      return false;
    }
  };

  test("is found where JSON.parse finds one, and nowhere else", () => {
    const broken = fc
      .tuple(
        fc.json(),
        fc.nat(),
        fc.nat(3),
        fc.constantFrom("", ...'{}[],:"\\ \n\t0-1.eEn/u', "\u0001", "null", "\ufeff"),
      )
      .map(([json, at, length, inserted]) => {
        const start = at % (json.length + 1);
        return json.slice(0, start) + inserted + json.slice(start + length);
      });
    let found = 0;
    const checked = fc.property(broken, (text) => {
      const fault = findJsonFault(text);
      if (fault !== undefined) found++;
      if (fault?.message === "has this name again") return;
      expect(fault === undefined).toBe(isJson(text));
    });
    fc.assert(checked, { numRuns: 3000 });
    expect(found).toBeGreaterThan(100);
  });

  test("is a name that an object has twice, however it is written", () => {
    expect(findJsonFault('[{"a": {"b": 1}, "b": {"a": 2}}, {"a": 1}]')).toBeUndefined();
    expect(findJsonFault('[{"a": {"b": 1, "\\u0062": 2}}]')).toMatchObject({ line: 1, column: 17 });
  });
});
