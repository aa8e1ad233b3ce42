import {
  AggregationTemporality,
  type DataPoint,
  type Histogram,
  InMemoryMetricExporter,
  MeterProvider,
  type MetricData,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import { Code, RpcError } from "@trunkline/runtime";
import { otelMetrics } from "@trunkline/runtime/interceptors/metrics-otel";
import { collect, startKinds, stopKinds } from "../runtime/kinds.js";
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
      "grpc.client.call.duration",
      "grpc.server.call.duration",
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

  test("uses the latency buckets of A66; a target that is not told is other", async () => {
    const { meterProvider, collected } = memory();
    const { dial } = await startKinds(transport, { unary: () => ({}) });
    await dial({ interceptors: [otelMetrics({ meterProvider })] }).unary({});
    const [point] = points((await collected()).get("grpc.client.call.duration"));
    expect(point?.attributes["grpc.target"]).toBe("other");
    expect(point?.value.buckets.boundaries).toHaveLength(41);
    expect(point?.value.buckets.boundaries.slice(0, 4)).toEqual([0, 0.00001, 0.00005, 0.0001]);
    expect(point?.value.buckets.boundaries.at(-1)).toBe(100);
  });
});
