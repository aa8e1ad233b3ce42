import { Code, RpcError } from "@trunkline/runtime";
import { prometheusMetrics } from "@trunkline/runtime/interceptors/metrics-prometheus";
import { Registry } from "prom-client";
import { KindsDesc } from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import { collect, startKinds, stopKinds } from "../runtime/kinds.js";
import { transports } from "../runtime/transports.js";
import { FakeClock } from "./fake-clock.js";

afterEach(stopKinds);

/** Samples of one metric, without their service, which is the same for all. */
async function samples(registry: Registry, name: string): Promise<string[]> {
  const text = await registry.getSingleMetricAsString(name);
  return text
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.replace('grpc_service="kinds.v1.Kinds",', ""));
}

describe.each(transports)("prometheusMetrics on $name", ({ transport }) => {
  const methods = {
    unary: ({ text }: { text: string }) => {
      if (text === "bad") throw new RpcError(Code.INVALID_ARGUMENT, "bad");
      return {};
    },
    serverStream: () => [{}, {}, {}],
    async clientStream(requests: AsyncIterable<unknown>) {
      return { number: BigInt((await collect(requests)).length) };
    },
    async *bidiStream(requests: AsyncIterable<unknown>) {
      for await (const _ of requests) yield {};
    },
  };

  test.each(["server", "client"] as const)("counts calls, messages and codes of a %s as Go does", async (side) => {
    const registry = new Registry();
    const interceptors = [prometheusMetrics({ registry })];
    const kinds = await startKinds(transport, methods, side === "server" ? { interceptors } : {});
    const client = side === "client" ? kinds.dial({ interceptors }) : kinds.client;
    await client.unary({});
    await client.unary({ text: "bad" }).catch(() => {});
    await collect(client.serverStream({}));
    await client.clientStream([{}, {}]);
    await collect(client.bidiStream([{}, {}]));
    const types = ["unary", "server_stream", "client_stream", "bidi_stream"];
    const names = ["Unary", "ServerStream", "ClientStream", "BidiStream"];
    const rows = (name: string, counts: number[]) =>
      counts.map((count, i) => `grpc_${side}_${name}{grpc_type="${types[i]}",grpc_method="${names[i]}"} ${count}`);
    expect(await samples(registry, `grpc_${side}_started_total`)).toEqual(rows("started_total", [2, 1, 1, 1]));
    const [requests, responses] = [
      [2, 1, 2, 2],
      [1, 3, 1, 2],
    ] as const;
    const [received, sent] = side === "server" ? [requests, responses] : [responses, requests];
    expect(await samples(registry, `grpc_${side}_msg_received_total`)).toEqual(
      rows("msg_received_total", [...received]),
    );
    expect(await samples(registry, `grpc_${side}_msg_sent_total`)).toEqual(rows("msg_sent_total", [...sent]));
    expect(await samples(registry, `grpc_${side}_handled_total`)).toEqual([
      `grpc_${side}_handled_total{grpc_type="unary",grpc_method="Unary",grpc_code="OK"} 1`,
      `grpc_${side}_handled_total{grpc_type="unary",grpc_method="Unary",grpc_code="InvalidArgument"} 1`,
      `grpc_${side}_handled_total{grpc_type="server_stream",grpc_method="ServerStream",grpc_code="OK"} 1`,
      `grpc_${side}_handled_total{grpc_type="client_stream",grpc_method="ClientStream",grpc_code="OK"} 1`,
      `grpc_${side}_handled_total{grpc_type="bidi_stream",grpc_method="BidiStream",grpc_code="OK"} 1`,
    ]);
    const other = side === "server" ? "client" : "server";
    expect(await registry.metrics()).not.toContain(`grpc_${other}_`);
  });

  test("measures time in the buckets of the Go client", async () => {
    const clock = new FakeClock();
    const registry = new Registry();
    const slowly = () => {
      clock.advance(30);
      return {};
    };
    const { dial } = await startKinds(transport, { unary: slowly });
    await dial({ interceptors: [prometheusMetrics({ registry, clock })] }).unary({});
    const lines = await samples(registry, "grpc_client_handling_seconds");
    const ends = lines.map((line) => /le="([^"]+)".* (\d+)$/.exec(line)?.slice(1).join(": ")).filter(Boolean);
    expect(ends).toEqual([
      ...["0.005: 0", "0.01: 0", "0.025: 0", "0.05: 1", "0.1: 1", "0.25: 1", "0.5: 1", "1: 1", "2.5: 1", "5: 1"],
      ...["10: 1", "+Inf: 1"],
    ]);
    expect(lines).toContain('grpc_client_handling_seconds_sum{grpc_type="unary",grpc_method="Unary"} 0.03');
  });

  test("a stream that its caller leaves is Canceled at both ends", async () => {
    const registry = new Registry();
    const metrics = prometheusMetrics({ registry, handlingSeconds: false });
    let close!: () => void;
    const closed = new Promise<void>((resolve) => {
      close = resolve;
    });
    const { dial } = await startKinds(
      transport,
      {
        async *serverStream() {
          for (;;) yield {};
        },
      },
      {
        interceptors: [
          (next) => (call) => {
            const reply = next(call);
            reply.status.then(close);
            return reply;
          },
          metrics,
        ],
      },
    );
    for await (const _ of dial({ interceptors: [metrics] }).serverStream({})) break;
    await closed;
    const labels = 'grpc_type="server_stream",grpc_method="ServerStream",grpc_code="Canceled"';
    expect(await samples(registry, "grpc_client_handled_total")).toEqual([`grpc_client_handled_total{${labels}} 1`]);
    expect(await samples(registry, "grpc_server_handled_total")).toEqual([`grpc_server_handled_total{${labels}} 1`]);
    expect(await registry.metrics()).not.toContain("handling_seconds");
  });

  test("channels share the metrics of a registry", async () => {
    const registry = new Registry();
    const { dial } = await startKinds(transport, methods);
    for (let i = 0; i < 2; i++) await dial({ interceptors: [prometheusMetrics({ registry })] }).unary({});
    expect((await samples(registry, "grpc_client_started_total"))[0]).toMatch(/ 2$/);
  });
});

test("series of known services are there from the start, at 0", async () => {
  const registry = new Registry();
  prometheusMetrics({ registry, services: [KindsDesc] });
  expect(await samples(registry, "grpc_server_started_total")).toHaveLength(4);
  expect(await samples(registry, "grpc_server_handled_total")).toHaveLength(4 * 17);
  expect((await samples(registry, "grpc_server_handled_total")).every((line) => line.endsWith(" 0"))).toBe(true);
});

test.each([
  [[-1], /INVALID_ARGUMENT: handlingSeconds: must be a number, above 0, not -1/],
  [[0.1, 0.5, 0.2], /INVALID_ARGUMENT: handlingSeconds: must be a number, above 0.5, not 0.2/],
])("buckets are numbers above 0, ascending: not %j", (handlingSeconds, expected) => {
  expect(() => prometheusMetrics({ registry: new Registry(), handlingSeconds })).toThrow(expected);
});
