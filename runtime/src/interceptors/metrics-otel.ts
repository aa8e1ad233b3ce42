/**
 * @packageDocumentation Measures calls with OpenTelemetry (`@opentelemetry/api`, which the application installs), under
 * the names, units and attributes of gRFC A66.
 *
 * An interceptor sees whole calls and decoded messages. Of A66 it can tell the per-call instruments; attempts
 * (`grpc.client.attempt.started`, `…duration`) and bytes on the wire (`…_total_compressed_message_size` of attempts and
 * of server calls) are below it, and are not made up here.
 */
import { type Attributes, context, type MeterProvider } from "@opentelemetry/api";
import { type Clock, systemClock } from "../clock.js";
import type { Interceptor } from "../contract.js";
import { codeName } from "../status.js";
import { watchCall } from "../watched-call.js";

export interface OtelMetricsOptions {
  /** Who makes the instruments. There is no default: A66 asks that the process-wide one is not used unasked. */
  readonly meterProvider: MeterProvider;
  /**
   * `grpc.target` of a client's calls: what its channel was dialled with, in its canonical form (`dns:///host:50051`).
   * Default `other`, which A66 has for targets that are not told.
   */
  readonly target?: string | undefined;
  /** @internal */
  readonly clock?: Clock | undefined;
}

/**
 * For both sides. Put it first, so that it measures what other interceptors take.
 *
 * | instrument | kind, unit | attributes |
 * |---|---|---|
 * | `grpc.client.call.duration` | histogram, `s` | `grpc.method`, `grpc.target`, `grpc.status` |
 * | `grpc.server.call.started` | counter, `{call}` | `grpc.method` |
 * | `grpc.server.call.duration` | histogram, `s` | `grpc.method`, `grpc.status` |
 *
 * `grpc.method` is `package.Service/Method`; calls to methods that the server has not never reach an interceptor.
 * `grpc.status` is the code's name: `OK`, `NOT_FOUND`. The histograms advise the latency buckets of A66; a view of the
 * SDK can choose others. A server's duration ends with the handler, not with the last byte.
 */
export function otelMetrics(options: OtelMetricsOptions): Interceptor {
  const { meterProvider, target = "other", clock = systemClock } = options;
  const meter = meterProvider.getMeter("@trunkline/runtime");
  const duration = (side: "client" | "server", description: string) =>
    meter.createHistogram(`grpc.${side}.call.duration`, {
      unit: "s",
      description,
      advice: { explicitBucketBoundaries: [...latencyBuckets] },
    });
  const durations = {
    client: duration("client", "Time that a call takes as its caller sees it."),
    server: duration("server", "Time that a call takes at the server."),
  };
  const started = meter.createCounter("grpc.server.call.started", {
    unit: "{call}",
    description: "Calls that began at the server, ended or not.",
  });

  return (next) => (call) => {
    const startedAt = clock.now();
    const attributes: Attributes = { "grpc.method": call.method.path.slice(1) };
    // For exemplars: the span that is active where the call begins.
    const active = context.active();
    if (call.side === "server") started.add(1, attributes, active);
    else attributes["grpc.target"] = target;
    return watchCall(call, next, {
      ended({ code }) {
        const seconds = (clock.now() - startedAt) / 1000;
        durations[call.side].record(seconds, { ...attributes, "grpc.status": codeName(code) }, active);
      },
    });
  };
}

/** Latency buckets of A66, in seconds. */
const latencyBuckets: readonly number[] = [
  0, 0.00001, 0.00005, 0.0001, 0.0003, 0.0006, 0.0008, 0.001, 0.002, 0.003, 0.004, 0.005, 0.006, 0.008, 0.01, 0.013,
  0.016, 0.02, 0.025, 0.03, 0.04, 0.05, 0.065, 0.08, 0.1, 0.13, 0.16, 0.2, 0.25, 0.3, 0.4, 0.5, 0.65, 0.8, 1, 2, 5, 10,
  20, 50, 100,
];
