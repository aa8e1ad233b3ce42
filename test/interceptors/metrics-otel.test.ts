import {
  AggregationTemporality,
  type DataPoint,
  type Histogram,
  InMemoryMetricExporter,
  MeterProvider,
  type MetricData,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import { Code, type Interceptor, RpcError } from "@trunkline/runtime";
import { otelMetrics } from "@trunkline/runtime/interceptors/metrics-otel";
import { collect, event, startKinds, stopKinds } from "../runtime/kinds.js";
import { transports } from "../runtime/transports.js";
import { FakeClock } from "./fake-clock.js";

const providers: MeterProvider[] = [];

afterEach(async () => {
  await stopKinds();
  for (const provider of providers.splice(0)) await provider.shutdown();
});

/** A provider whose metrics are collected when they are asked for. */
function memory() {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 2 ** 30 });
  const meterProvider = new MeterProvider({ readers: [reader] });
  providers.push(meterProvider);
  const collected = async (): Promise<Map<string, MetricData>> => {
    await meterProvider.forceFlush();
    const metrics = exporter.getMetrics().at(-1)?.scopeMetrics ?? [];
    expect(metrics.map(({ scope }) => scope.name)).toEqual(["@trunkline/runtime"]);
    return new Map(metrics.flatMap((scope) => scope.metrics).map((metric) => [metric.descriptor.name, metric]));
  };
  return { meterProvider, collected };
}

const points = (metric: MetricData | undefined) => (metric?.dataPoints ?? []) as readonly DataPoint<Histogram>[];

describe.each(transports)("otelMetrics on $name", ({ transport }) => {
  test("measures calls of a client and of a server as A66 names them", async () => {
    const clock = new FakeClock();
    const { meterProvider, collected } = memory();
    const target = "dns:///kinds.example.com:443";
    const metrics = otelMetrics({ meterProvider, target, clock });
    const kinds = await startKinds(
      transport,
      {
        unary() {
          clock.advance(50);
          return {};
        },
        serverStream() {
          throw new RpcError(Code.NOT_FOUND, "nothing here");
        },
      },
      { interceptors: [metrics] },
    );
    const client = kinds.dial({ interceptors: [metrics] });
    await client.unary({});
    await client.unary({});
    await collect(client.serverStream({})).catch(() => {});
    const found = await collected();
    expect([...found.keys()].sort()).toEqual([
      "grpc.client.attempt.duration",
      "grpc.client.attempt.rcvd_total_compressed_message_size",
      "grpc.client.attempt.sent_total_compressed_message_size",
      "grpc.client.attempt.started",
      "grpc.client.call.duration",
      "grpc.server.call.duration",
      "grpc.server.call.rcvd_total_compressed_message_size",
      "grpc.server.call.sent_total_compressed_message_size",
      "grpc.server.call.started",
    ]);
    const unary = { "grpc.method": "kinds.v1.Kinds/Unary" };
    const stream = { "grpc.method": "kinds.v1.Kinds/ServerStream" };
    const client_ = found.get("grpc.client.call.duration");
    expect(client_?.descriptor.unit).toBe("s");
    expect(
      points(client_).map(({ attributes, value }) => ({ attributes, count: value.count, sum: value.sum })),
    ).toEqual([
      { attributes: { ...unary, "grpc.target": target, "grpc.status": "OK" }, count: 2, sum: 0.1 },
      { attributes: { ...stream, "grpc.target": target, "grpc.status": "NOT_FOUND" }, count: 1, sum: 0 },
    ]);
    const server = found.get("grpc.server.call.duration");
    expect(server?.descriptor.unit).toBe("s");
    expect(points(server).map(({ attributes, value }) => ({ attributes, count: value.count }))).toEqual([
      { attributes: { ...unary, "grpc.status": "OK" }, count: 2 },
      { attributes: { ...stream, "grpc.status": "NOT_FOUND" }, count: 1 },
    ]);
    const started = found.get("grpc.server.call.started");
    expect(started?.descriptor.unit).toBe("{call}");
    expect(started?.dataPoints).toMatchObject([
      { attributes: unary, value: 2 },
      { attributes: stream, value: 1 },
    ]);
  });

  test("measures each attempt of a client, with the bytes of its messages", async () => {
    const { meterProvider, collected } = memory();
    const metrics = otelMetrics({ meterProvider });
    let failures = 2;
    const kinds = await startKinds(
      transport,
      {
        unary() {
          if (failures-- > 0) throw new RpcError(Code.UNAVAILABLE, "not yet");
          return { text: "12345" };
        },
      },
      { interceptors: [metrics] },
    );
    const retry = {
      maxAttempts: 3,
      initialBackoffMs: 1,
      maxBackoffMs: 1,
      backoffMultiplier: 1,
      codes: [Code.UNAVAILABLE],
    };
    await kinds.dial({ interceptors: [metrics], retry }).unary({ text: "123" });
    const found = await collected();
    const counted = (name: string) =>
      points(found.get(name)).map(({ attributes, value: { count, sum } }) => [attributes["grpc.status"], count, sum]);
    expect(found.get("grpc.client.attempt.started")?.dataPoints).toMatchObject([
      { attributes: { "grpc.method": "kinds.v1.Kinds/Unary", "grpc.target": `dns:///${kinds.address}` }, value: 3 },
    ]);
    expect(found.get("grpc.client.attempt.started")?.descriptor.unit).toBe("{attempt}");
    expect(points(found.get("grpc.client.attempt.duration")).map(({ value }) => value.count)).toEqual([2, 1]);
    // A string field: a tag, its length, its bytes.
    const sent = "sent_total_compressed_message_size";
    const received = "rcvd_total_compressed_message_size";
    expect(counted(`grpc.client.attempt.${sent}`)).toEqual([
      ["UNAVAILABLE", 2, 10],
      ["OK", 1, 5],
    ]);
    expect(counted(`grpc.client.attempt.${received}`)).toEqual([
      ["UNAVAILABLE", 2, 0],
      ["OK", 1, 7],
    ]);
    expect(counted(`grpc.server.call.${sent}`)).toEqual([
      ["UNAVAILABLE", 2, 0],
      ["OK", 1, 7],
    ]);
    expect(counted(`grpc.server.call.${received}`)).toEqual([
      ["UNAVAILABLE", 2, 10],
      ["OK", 1, 5],
    ]);
  });

  test("at a server a call ends as its caller hears of it", async () => {
    const { meterProvider, collected } = memory();
    const ended = event();
    let ends = 0;
    const watch: Interceptor = (next) => (call) => {
      call.server?.onEnd(() => ++ends === 2 && ended.happen());
      return next(call);
    };
    const onError = () => {};
    const kinds = await startKinds(
      transport,
      { unary: () => ({ number: {} as never }), serverStream: () => neverEnding() },
      { interceptors: [otelMetrics({ meterProvider }), watch], onError },
    );
    await expect(kinds.client.unary({})).rejects.toMatchObject({ code: Code.INTERNAL });
    for await (const _ of kinds.client.serverStream({})) break;
    await ended.happened;
    const statuses = points((await collected()).get("grpc.server.call.duration")).map(
      ({ attributes }) => attributes["grpc.status"],
    );
    expect(statuses).toEqual(["INTERNAL", "CANCELLED"]);
  });

  test("uses the buckets of A66; a target may be left untold", async () => {
    const { meterProvider, collected } = memory();
    const { dial } = await startKinds(transport, { unary: () => ({}) });
    await dial({ interceptors: [otelMetrics({ meterProvider, target: "other" })] }).unary({});
    const found = await collected();
    const [point] = points(found.get("grpc.client.call.duration"));
    expect(point?.attributes["grpc.target"]).toBe("other");
    expect(point?.value.buckets.boundaries).toHaveLength(41);
    expect(point?.value.buckets.boundaries.slice(0, 4)).toEqual([0, 0.00001, 0.00005, 0.0001]);
    expect(point?.value.buckets.boundaries.at(-1)).toBe(100);
    const [size] = points(found.get("grpc.client.attempt.sent_total_compressed_message_size"));
    expect(size?.value.buckets.boundaries).toHaveLength(14);
    expect(size?.value.buckets.boundaries.at(-1)).toBe(2 ** 32);
  });
});

async function* neverEnding() {
  yield {};
  await new Promise(() => {});
}
