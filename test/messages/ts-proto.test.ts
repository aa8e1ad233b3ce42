/** Messages of ts-proto over a real connection: well-known types in their message form, awkward names, proto2, editions. */
import { dial, Server, type ServiceDesc } from "@trunkline/runtime";
import { Closed } from "../../fixtures/golden/ts-proto/editions/v1/editions.js";
import { EditionsDesc, editionsClient } from "../../fixtures/golden/ts-proto/editions/v1/editions_grpc.js";
import { Any } from "../../fixtures/golden/ts-proto/google/protobuf/any.js";
import { StringValue } from "../../fixtures/golden/ts-proto/google/protobuf/wrappers.js";
import { NamesDesc, namesClient } from "../../fixtures/golden/ts-proto/names/v1/names_grpc.js";
import { Kind } from "../../fixtures/golden/ts-proto/proto2/v1/proto2.js";
import { Proto2Desc, proto2Client } from "../../fixtures/golden/ts-proto/proto2/v1/proto2_grpc.js";
import {
  WellKnownDesc,
  type WellKnownServer,
  wellKnownClient,
} from "../../fixtures/golden/ts-proto/wkt/v1/wkt_grpc.js";
import { collect } from "../runtime/kinds.js";

const stops: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

async function serve<Impl>(desc: ServiceDesc<Impl>, impl: Impl) {
  const server = new Server();
  server.register(desc, impl);
  const channel = dial((await server.listen("127.0.0.1:0")).address);
  stops.push(channel.close.bind(channel, {}), server.shutdown.bind(server, {}));
  return channel;
}

describe("well-known types", () => {
  const impl: WellKnownServer = {
    ping: () => ({}),
    upper: ({ value }) => ({ value: value.toUpperCase() }),
    count: ({ value }) => ({ value: value > 0n }),
    later: ({ seconds, nanos }) => ({ seconds: -seconds, nanos: -nanos }),
    async merge(structs) {
      const all = await collect(structs);
      return { kind: { $case: "structValue", value: Object.assign({}, ...all.map(({ fields }) => fields)) } };
    },
    async *pack({ value }) {
      yield { typeUrl: "type.googleapis.com/google.protobuf.BytesValue", value };
      yield Any.fromPartial({ typeUrl: "x", value: StringValue.encode({ value: "packed" }).finish() });
    },
    paths: ({ paths }) => ({ values: paths }),
    async *mixed(holders) {
      yield* holders;
    },
  };

  test("as requests and responses, falsy ones too", async () => {
    const client = wellKnownClient(await serve(WellKnownDesc, impl));
    expect(await client.ping({})).toEqual({});
    expect(await client.upper({ value: "shout" })).toEqual({ value: "SHOUT" });
    expect(await client.upper({ value: "" })).toEqual({ value: "" });
    expect(await client.upper({})).toEqual({ value: "" });
    expect(await client.count({ value: 0n })).toEqual({ value: false });
    expect(await client.count({ value: 2n ** 63n - 1n })).toEqual({ value: true });
    expect(await client.later({ seconds: 2n ** 40n, nanos: 999_999_999 })).toEqual({
      seconds: -(2n ** 40n),
      nanos: -999_999_999,
    });
    const [first, second] = await collect(client.pack({ value: Uint8Array.of(0, 1) }));
    expect([...(first?.value ?? [])]).toEqual([0, 1]);
    expect(StringValue.decode(second?.value ?? new Uint8Array())).toEqual({ value: "packed" });
    expect(await client.paths({ paths: ["a", "b.c"] })).toEqual({ values: ["a", "b.c"] });
    expect(await client.merge([{ fields: { a: 1 } }, { fields: { b: [null, "x"] } }])).toMatchObject({
      kind: { $case: "structValue", value: { a: 1, b: [null, "x"] } },
    });
  });

  test("as fields: nothing of a timestamp or a duration is lost", async () => {
    const client = wellKnownClient(await serve(WellKnownDesc, impl));
    const at = { seconds: 1_700_000_000n, nanos: 123_456_789 };
    const [holder] = await collect(client.mixed([{ at, took: { seconds: 0n, nanos: 1 }, text: "", mask: ["a"] }]));
    expect(holder).toMatchObject({ at, took: { seconds: 0n, nanos: 1 }, text: "", mask: ["a"], any: undefined });
  });
});

test("methods with awkward names are called by them", async () => {
  const called: string[] = [];
  const answer = (name: string) => () => {
    called.push(name);
    return {};
  };
  const client = namesClient(
    await serve(NamesDesc, {
      constructor$: answer("Constructor"),
      then$: answer("then"),
      toString$: answer("ToString"),
      getThing: answer("get_thing"),
      getAPIValue: answer("GetAPIValue"),
      delete: answer("delete"),
    }),
  );
  await (await Promise.resolve(client)).constructor$({}); // Not taken for a promise.
  for (const call of [client.then$, client.toString$, client.getThing, client.getAPIValue, client.delete])
    await call({});
  expect(called).toEqual(["Constructor", "then", "ToString", "get_thing", "GetAPIValue", "delete"]);
});

test("proto2: groups, defaults, both encodings of repeated fields", async () => {
  const client = proto2Client(await serve(Proto2Desc, { exchange: (message) => message }));
  const reply = await client.exchange({
    part: { flag: true },
    parts: [{ data: Uint8Array.of(7) }, {}],
    unpacked: [1, 2],
    packed: [3],
  });
  expect(reply).toMatchObject({ part: { flag: true }, unpacked: [1, 2], packed: [3], number: -7n, kind: Kind.SECOND });
  expect(reply.text).toBe('a "quoted" default');
  expect(reply.parts.map(({ data }) => [...(data ?? [])])).toEqual([[7], []]);
});

test("editions, as far as ts-proto goes", async () => {
  const client = editionsClient(await serve(EditionsDesc, { exchange: (message) => message }));
  const message = { explicit: "e", implicit: 1, packed: [1, 2], expanded: [3], closed: Closed.CLOSED_ONE };
  expect(await client.exchange({ ...message, self: message })).toMatchObject({ ...message, self: message });
});
