/** Which policy a call has where its caller, its channel, its table entry and its proto say different things. */
import {
  type AttemptPolicyOption,
  type CallOptions,
  Code,
  codeName,
  dial,
  type Idempotency,
  type MethodDesc,
  type RetryPolicy,
  RpcError,
} from "@trunkline/runtime";
import { KindsDesc } from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import { collect, startKinds, stopKinds } from "./kinds.js";
import { transports } from "./transports.js";

afterEach(stopKinds);

const waits = { initialBackoffMs: 1, maxBackoffMs: 1, backoffMultiplier: 1 };
const policyOf = (maxAttempts: number): RetryPolicy => ({ ...waits, maxAttempts, codes: [Code.UNAVAILABLE] });

interface Entry {
  readonly idempotency?: Idempotency;
  readonly retry?: RetryPolicy;
}

/** The method with a table entry that says so. */
function entryOf<I, O>(method: MethodDesc<I, unknown, never, O>, entry: Entry): MethodDesc<I, unknown, never, O> {
  const { name, path, kind, request, response } = method;
  const { idempotency = "unknown", retry } = entry;
  return { name, path, kind, request, response, idempotency, defaults: retry === undefined ? {} : { retry } };
}

describe.each(transports)("the policy of a call on $name", ({ transport }) => {
  /** A channel to a server that fails every call with `code`. */
  async function failing(code: Code, retry?: AttemptPolicyOption) {
    let calls = 0;
    const fail = (): never => {
      calls++;
      throw new RpcError(code, "as told");
    };
    const { address } = await startKinds(transport, { unary: fail, serverStream: fail });
    return { channel: dial(address, { transport, retry }), calls: () => calls };
  }

  const unary = (entry: Entry) => entryOf(KindsDesc.methods.unary, entry);

  test.each<[Idempotency, number]>([
    ["unknown", 1],
    ["noSideEffects", 3],
    ["idempotent", 3],
  ])("a method that is %s by its proto is tried %d times", async (idempotency, attempts) => {
    const { channel, calls } = await failing(Code.UNAVAILABLE);
    await expect(channel.unary(unary({ idempotency }), {})).rejects.toMatchObject({ attempts });
    expect(calls()).toBe(attempts);
    const stream = entryOf(KindsDesc.methods.serverStream, { idempotency });
    await expect(collect(channel.serverStream(stream, {}))).rejects.toMatchObject({ attempts });
    expect(calls()).toBe(2 * attempts);
  });

  const others = Object.values(Code).filter((code) => code !== Code.OK && code !== Code.UNAVAILABLE);
  test.each(others.map((code) => [codeName(code), code] as const))(
    "an idempotent method that fails with %s is not tried again",
    async (_name, code) => {
      const { channel, calls } = await failing(code);
      const method = unary({ idempotency: "idempotent" });
      await expect(channel.unary(method, {})).rejects.toMatchObject({ code, attempts: 1 });
      expect(calls()).toBe(1);
    },
  );

  interface Said {
    readonly call?: AttemptPolicyOption;
    readonly channel?: AttemptPolicyOption;
    readonly table?: RetryPolicy;
    readonly idempotency?: Idempotency;
  }
  test.each<[string, Said, number]>([
    ["the table", { table: policyOf(4) }, 4],
    ["the table, before the proto", { table: policyOf(2), idempotency: "idempotent" }, 2],
    ["the channel, before the table", { channel: policyOf(2), table: policyOf(4) }, 2],
    ["the channel: none, before the table", { channel: false, table: policyOf(4) }, 1],
    ["the channel: none, before the proto", { channel: false, idempotency: "noSideEffects" }, 1],
    ["the call, before the channel", { call: policyOf(4), channel: policyOf(2) }, 4],
    ["the call, before a channel that wants none", { call: policyOf(4), channel: false }, 4],
    ["the call: none, before all", { call: false, channel: policyOf(2), table: policyOf(4) }, 1],
    ["the table, where a function leaves it to that", { channel: () => undefined, table: policyOf(4) }, 4],
    ["the channel, where the call's function says nothing", { call: () => undefined, channel: policyOf(2) }, 2],
    ["the proto, where a function leaves it to that", { channel: () => undefined, idempotency: "idempotent" }, 3],
  ])("%s", async (_what, { call: retry, channel: ofChannel, table, idempotency }, attempts) => {
    const { channel, calls } = await failing(Code.UNAVAILABLE, ofChannel);
    const method = unary({
      ...(table === undefined ? {} : { retry: table }),
      ...(idempotency === undefined ? {} : { idempotency }),
    });
    const options: CallOptions = retry === undefined ? {} : { retry };
    await expect(channel.unary(method, {}, options)).rejects.toMatchObject({ code: Code.UNAVAILABLE, attempts });
    expect(calls()).toBe(attempts);
  });
});
