/** Limits of messages and the want of a deadline: the server's, a service's, a method's. Each at its edge. */
import { Code, Server, type ServerOptions, type ServiceOptions } from "@trunkline/runtime";
import type { KindsClient, KindsServer } from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import {
  KindsDesc,
  registerKindsServer,
  UnimplementedKindsServer,
} from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import { collect, startKinds, stopKinds } from "./kinds.js";
import { transports } from "./transports.js";

afterEach(stopKinds);

const { request: note } = KindsDesc.methods.unary;

/** A message that is so many bytes when it is encoded. */
function ofBytes(bytes: number): { readonly data: Uint8Array } {
  for (let length = Math.max(0, bytes - 8); length <= bytes; length++) {
    const message = { data: new Uint8Array(length) };
    if (note.encode(message).length === bytes) return message;
  }
  throw new Error(`no message has ${bytes} bytes`);
}

/** Answers with as many bytes as `number` says; counts requests in `number`. */
const methods: Partial<KindsServer> = {
  unary: ({ number }) => (number === 0n ? { number: 1n } : ofBytes(Number(number))),
  serverStream: ({ number }) => (number === 0n ? [{}] : [{}, ofBytes(Number(number))]),
  async clientStream(requests) {
    let number = 0n;
    let last = 0n;
    for await (const request of requests) {
      number++;
      last = request.number;
    }
    return last === 0n ? { number } : ofBytes(Number(last));
  },
  async *bidiStream(requests) {
    for await (const { number } of requests) yield number === 0n ? {} : ofBytes(Number(number));
  },
};

type Kind = keyof KindsClient & string;
type Init = Parameters<KindsClient["unary"]>[0];
const kinds: readonly Kind[] = ["unary", "serverStream", "clientStream", "bidiStream"];

/** A call of any kind that sends `request` once. */
async function call(client: KindsClient, kind: Kind, request: Init, options = {}): Promise<void> {
  if (kind === "unary") await client.unary(request, options);
  else if (kind === "serverStream") await collect(client.serverStream(request, options));
  else if (kind === "clientStream") await client.clientStream([request], options);
  else await collect(client.bidiStream([request], options));
}

const exhausted = (details: RegExp) => ({
  code: Code.RESOURCE_EXHAUSTED,
  details: expect.stringMatching(details),
});

describe.each(transports)("on $name", ({ transport, isWire }) => {
  const start = (options: ServerOptions, ofService?: ServiceOptions) =>
    startKinds(transport, methods, options, ofService);

  describe.each(kinds)("%s: maxReceiveMessageBytes", (kind) => {
    test.each<[string, ServerOptions, ServiceOptions]>([
      ["of the server", { maxReceiveMessageBytes: 1000 }, {}],
      ["of the service, above the server's", { maxReceiveMessageBytes: 10 }, { maxReceiveMessageBytes: 1000 }],
      ["of the service, below the server's", { maxReceiveMessageBytes: 9000 }, { maxReceiveMessageBytes: 1000 }],
      [
        "of the method, above both",
        { maxReceiveMessageBytes: 10 },
        { maxReceiveMessageBytes: 20, methods: { [kind]: { maxReceiveMessageBytes: 1000 } } },
      ],
      [
        "of the method, below both",
        { maxReceiveMessageBytes: 9000 },
        { maxReceiveMessageBytes: 8000, methods: { [kind]: { maxReceiveMessageBytes: 1000 } } },
      ],
    ])("%s", async (_what, options, ofService) => {
      const { client, server } = await start(options, ofService);
      await call(client, kind, ofBytes(1000));
      await expect(call(client, kind, ofBytes(1001))).rejects.toMatchObject(exhausted(/1001.*1000/));
      // The connection lives, and is the same.
      await call(client, kind, ofBytes(1000));
      if (isWire) expect(server.stats().acceptedConnections).toBe(1);
    });

    test("is of one method alone", async () => {
      const { client } = await start({}, { methods: { [kind]: { maxReceiveMessageBytes: 1000 } } });
      for (const other of kinds) {
        const result = call(client, other, ofBytes(1001));
        if (other === kind) await expect(result).rejects.toMatchObject({ code: Code.RESOURCE_EXHAUSTED });
        else await result;
      }
    });
  });

  test("by default 4 MiB are received, and not a byte more", async () => {
    const { client } = await start({});
    await client.unary(ofBytes(4 * 1024 * 1024));
    await expect(client.unary(ofBytes(4 * 1024 * 1024 + 1))).rejects.toMatchObject(exhausted(/4194305.*4194304/));
    await client.unary({});
  });

  test("0 allows empty messages only", async () => {
    const { client } = await start({ maxReceiveMessageBytes: 0 });
    await client.unary({});
    await expect(client.unary({ number: 1n })).rejects.toMatchObject(exhausted(/2.*0/));
  });

  describe.each(kinds)("%s: maxSendMessageBytes", (kind) => {
    test.each<[string, ServerOptions, ServiceOptions]>([
      ["of the server", { maxSendMessageBytes: 1000 }, {}],
      ["of the service", { maxSendMessageBytes: 10 }, { maxSendMessageBytes: 1000 }],
      [
        "of the method",
        { maxSendMessageBytes: 10 },
        { maxSendMessageBytes: 20, methods: { [kind]: { maxSendMessageBytes: 1000 } } },
      ],
    ])("%s", async (_what, options, ofService) => {
      const errors: unknown[] = [];
      const { client } = await start({ ...options, onError: (error) => errors.push(error) }, ofService);
      await call(client, kind, { number: 1000n });
      await expect(call(client, kind, { number: 1001n })).rejects.toMatchObject(
        exhausted(/1001 bytes is over maxSendMessageBytes, 1000/),
      );
      await call(client, kind, { number: 1000n });
      expect(errors).toEqual([]); // It is an answer, not a fault.
    });
  });
});

describe.each(transports)("on $name", ({ transport }) => {
  describe.each(kinds)("%s: requireDeadline", (kind) => {
    const start = (options: ServerOptions, ofService?: ServiceOptions) =>
      startKinds(transport, methods, options, ofService);
    const refused = {
      code: Code.INVALID_ARGUMENT,
      details: `${KindsDesc.methods[kind].path} wants a deadline here (requireDeadline): set timeoutMs or deadline for the call`,
    };
    const timeoutMs = 10_000;

    test.each<[string, ServerOptions, ServiceOptions]>([
      ["of the server", { requireDeadline: true }, {}],
      ["of the service", {}, { requireDeadline: true }],
      [
        "of the method",
        { requireDeadline: false },
        { requireDeadline: false, methods: { [kind]: { requireDeadline: true } } },
      ],
    ])("%s", async (_what, options, ofService) => {
      const { client } = await start(options, ofService);
      await expect(call(client, kind, {})).rejects.toMatchObject(refused);
      await call(client, kind, {}, { timeoutMs });
    });

    test.each<[string, ServerOptions, ServiceOptions]>([
      ["by the service", { requireDeadline: true }, { requireDeadline: false }],
      [
        "by the method",
        { requireDeadline: true },
        { requireDeadline: true, methods: { [kind]: { requireDeadline: false } } },
      ],
    ])("taken back %s", async (_what, options, ofService) => {
      const { client } = await start(options, ofService);
      await call(client, kind, {});
    });
  });
});

describe("an option that cannot be used is refused with its name:", () => {
  const bytes = "maxReceiveMessageBytes";
  const wrong: [string, object, string][] = [
    ["a negative size", { [bytes]: -1 }, `${bytes}: must be a whole number of bytes, not -1`],
    ["a broken size", { [bytes]: 1.5 }, `${bytes}: must be a whole number of bytes, not 1.5`],
    ["no number", { [bytes]: Number.NaN }, `${bytes}: must be a whole number of bytes, not NaN`],
    ["a text", { maxSendMessageBytes: "1MB" }, 'maxSendMessageBytes: must be a whole number of bytes, not "1MB"'],
    ["what is neither true nor false", { requireDeadline: "no" }, 'requireDeadline: must be true or false, not "no"'],
  ];
  const thrownBy = (action: () => unknown): unknown => {
    try {
      return action();
    } catch (error) {
      return error;
    }
  };
  const register = (options: ServiceOptions) =>
    registerKindsServer(new Server(), new UnimplementedKindsServer(), options);
  const misuse = (details: string) => ({ code: Code.INVALID_ARGUMENT, details });

  test.each(wrong)("%s, of a server", (_what, options, details) => {
    expect(thrownBy(() => new Server(options))).toMatchObject(misuse(details));
  });

  test.each(wrong)("%s, of a service", (_what, options, details) => {
    expect(thrownBy(() => register(options))).toMatchObject(misuse(`kinds.v1.Kinds: ${details}`));
  });

  test.each(wrong)("%s, of a method", (_what, options, details) => {
    const error = thrownBy(() => register({ methods: { clientStream: options } }));
    expect(error).toMatchObject(misuse(`kinds.v1.Kinds: methods.clientStream.${details}`));
  });

  test("a method that there is not", () => {
    const error = thrownBy(() => register({ methods: { Unary: { requireDeadline: true } } }));
    const known = "unary, serverStream, clientStream, bidiStream";
    expect(error).toMatchObject(misuse(`kinds.v1.Kinds: methods: it has no method "Unary", only ${known}`));
  });

  test.each([
    ["maxConnections", 0, "maxConnections: must be a whole number, at least 1, not 0"],
    ["maxConnections", 1.5, "maxConnections: must be a whole number, at least 1, not 1.5"],
    [
      "maxConcurrentStreamsPerConnection",
      -1,
      "maxConcurrentStreamsPerConnection: must be a whole number, at least 1, not -1",
    ],
    ["maxMetadataBytes", 0, "maxMetadataBytes: must be a whole number, at least 1, not 0"],
    ["maxConnectionIdleMs", 0, "maxConnectionIdleMs: must be a number, at least 1, not 0"],
    ["maxConnectionAgeMs", "1h", 'maxConnectionAgeMs: must be a number, at least 1, not "1h"'],
    ["maxConnectionAgeGraceMs", Number.NaN, "maxConnectionAgeGraceMs: must be a number, at least 1, not NaN"],
    ["keepalive", { timeMs: 0 }, "keepalive.timeMs: must be a number, at least 1, not 0"],
    ["keepalive", { timeoutMs: 0 }, "keepalive.timeoutMs: must be a number, at least 1, not 0"],
  ])("%s: %p", (option, value, details) => {
    expect(thrownBy(() => new Server({ [option]: value }))).toMatchObject(misuse(details));
  });
});
