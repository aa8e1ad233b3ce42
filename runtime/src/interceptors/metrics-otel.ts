/**
 * @packageDocumentation Measures calls with OpenTelemetry (`@opentelemetry/api`, which the application installs), under
 * the names, units and attributes of gRFC A66.
 *
 * A client's attempts are measured each for itself. Sizes are what the transport knows of them: docs/transports.md says
 * which tell of compression.
 */
import {
  type Attributes,
  type Context,
  type Counter,
  context,
  type Histogram,
  type Meter,
  type MeterProvider,
} from "@opentelemetry/api";
import { type Clock, systemClock } from "../clock.js";
import type { AttemptListener, Interceptor, Traffic } from "../contract.js";
import { codeName, type Status } from "../status.js";
import { watchCall } from "../watched-call.js";

export interface OtelMetricsOptions {
  /** Who makes the instruments. There is no default: A66 asks that the process-wide one is not used unasked. */
  readonly meterProvider: MeterProvider;
  /**
   * `grpc.target` of a client's calls; `other` is A66's word for targets that are not told, where a program has many.
   * Default: what the channel was dialled with.
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
 * | `grpc.client.attempt.started` | counter, `{attempt}` | `grpc.method`, `grpc.target` |
 * | `grpc.client.attempt.duration` | histogram, `s` | `grpc.method`, `grpc.target`, `grpc.status` |
 * | `grpc.client.attempt.sent_total_compressed_message_size` | histogram, `By` | `grpc.method`, `grpc.target`, `grpc.status` |
 * | `grpc.client.attempt.rcvd_total_compressed_message_size` | histogram, `By` | `grpc.method`, `grpc.target`, `grpc.status` |
 * | `grpc.server.call.started` | counter, `{call}` | `grpc.method` |
 * | `grpc.server.call.duration` | histogram, `s` | `grpc.method`, `grpc.status` |
 * | `grpc.server.call.sent_total_compressed_message_size` | histogram, `By` | `grpc.method`, `grpc.status` |
 * | `grpc.server.call.rcvd_total_compressed_message_size` | histogram, `By` | `grpc.method`, `grpc.status` |
 *
 * `grpc.method` is `package.Service/Method`; calls to methods that the server has not never reach an interceptor.
 * `grpc.status` is the code's name: `OK`, `NOT_FOUND`. The histograms advise the buckets of A66; a view of the SDK can
 * choose others. A server's call ends when its status goes to the transport, or when it is over without one.
 */
export function otelMetrics(options: OtelMetricsOptions): Interceptor {
  const { meterProvider, target, clock = systemClock } = options;
  const meter = meterProvider.getMeter("@trunkline/runtime");
  const callDuration = histogram(
    meter,
    "grpc.client.call.duration",
    "s",
    "Time that a call takes as its caller sees it.",
  );
  const attempts = new Spans(meter, clock, "grpc.client.attempt", "{attempt}", "Attempts of calls");
  const serverCalls = new Spans(meter, clock, "grpc.server.call", "{call}", "Calls at the server");

  return (next) => (call) => {
    const attributes: Attributes = { "grpc.method": call.method.path.slice(1) };
    // For exemplars: the span that is active where the call begins.
    const active = context.active();
    const { server } = call;
    if (server !== undefined) {
      const end = serverCalls.start(attributes, active);
      server.onEnd((status) => end(status, server.traffic()));
      return next(call);
    }
    const startedAt = clock.now();
    attributes["grpc.target"] = target ?? call.target;
    call.onAttempt?.(() => attempts.start(attributes, active));
    return watchCall(call, next, {
      ended({ code }) {
        const seconds = (clock.now() - startedAt) / 1000;
        callDuration.record(seconds, { ...attributes, "grpc.status": codeName(code) }, active);
      },
    });
  };
}

/** The instruments of what begins, takes its time and moves bytes: an attempt of a client, a call at a server. */
class Spans {
  readonly #clock: Clock;
  readonly #started: Counter;
  readonly #duration: Histogram;
  readonly #sent: Histogram;
  readonly #received: Histogram;

  constructor(meter: Meter, clock: Clock, prefix: string, unit: string, what: string) {
    this.#clock = clock;
    this.#started = meter.createCounter(`${prefix}.started`, {
      unit,
      description: `${what} that began, ended or not.`,
    });
    this.#duration = histogram(meter, `${prefix}.duration`, "s", `${what}: the time that they took.`);
    const size = (direction: string, description: string) =>
      histogram(meter, `${prefix}.${direction}_total_compressed_message_size`, "By", description);
    this.#sent = size("sent", `${what}: bytes of the messages that were sent.`);
    this.#received = size("rcvd", `${what}: bytes of the messages that were received.`);
  }

  start(attributes: Attributes, active: Context): ReturnType<AttemptListener> {
    const startedAt = this.#clock.now();
    this.#started.add(1, attributes, active);
    return ({ code }: Status, { sentBytes, receivedBytes }: Traffic) => {
      const ended = { ...attributes, "grpc.status": codeName(code) };
      this.#duration.record((this.#clock.now() - startedAt) / 1000, ended, active);
      this.#sent.record(sentBytes, ended, active);
      this.#received.record(receivedBytes, ended, active);
    };
  }
}

function histogram(meter: Meter, name: string, unit: "s" | "By", description: string): Histogram {
  const explicitBucketBoundaries = unit === "s" ? latencyBuckets : sizeBuckets;
  return meter.createHistogram(name, { unit, description, advice: { explicitBucketBoundaries } });
}

/** Latency buckets of A66, in seconds. */
const latencyBuckets: number[] = [
  0, 0.00001, 0.00005, 0.0001, 0.0003, 0.0006, 0.0008, 0.001, 0.002, 0.003, 0.004, 0.005, 0.006, 0.008, 0.01, 0.013,
  0.016, 0.02, 0.025, 0.03, 0.04, 0.05, 0.065, 0.08, 0.1, 0.13, 0.16, 0.2, 0.25, 0.3, 0.4, 0.5, 0.65, 0.8, 1, 2, 5, 10,
  20, 50, 100,
];

/** Size buckets of A66, in bytes: from 1 KiB to 4 GiB. */
const sizeBuckets: number[] = [
  0, 1024, 2048, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864, 268435456, 1073741824, 4294967296,
];
