/**
 * @packageDocumentation Counts calls for Prometheus, with prom-client (which the application installs), under the names
 * and labels of go-grpc-middleware's Prometheus provider: dashboards and alerts made for Go services fit.
 */
import { Counter, Histogram, type Registry, register } from "prom-client";
import { type Clock, systemClock } from "../clock.js";
import type { Call, Interceptor, MethodDesc, MethodKind, ServiceDesc } from "../contract.js";
import { checkNumber } from "../number-option.js";
import { Code } from "../status.js";
import { watchCall } from "../watched-call.js";

export interface PrometheusMetricsOptions {
  /** Where the metrics are registered; those that are there already under their names are used. Default: prom-client's. */
  readonly registry?: Registry | undefined;
  /**
   * `grpc_server_handling_seconds` and `grpc_client_handling_seconds`: upper ends of the buckets in seconds, ascending;
   * `false` leaves the histograms out, as go-grpc-middleware does unless asked. Default: those of the Prometheus clients,
   * 5 ms to 10 s.
   */
  readonly handlingSeconds?: readonly number[] | false | undefined;
  /** Of these services, the server's series of every method and code exist from the start, at 0. Default: none. */
  readonly services?: readonly ServiceDesc[] | undefined;
  /** @internal */
  readonly clock?: Clock | undefined;
}

/**
 * For both sides: `grpc_server_…` at a server, `grpc_client_…` at a client; each side's metrics exist from its first
 * call (or, for a server, `services`) on. Put it first, so that it sees what other interceptors refuse.
 *
 * | metric | counts |
 * |---|---|
 * | `…_started_total` | calls that began |
 * | `…_handled_total` | calls that ended, by `grpc_code` |
 * | `…_msg_received_total`, `…_msg_sent_total` | messages, those of unary calls included |
 * | `…_handling_seconds` | a histogram of the time that calls took |
 *
 * Labels: `grpc_type` (`unary`, `client_stream`, `server_stream`, `bidi_stream`), `grpc_service`, `grpc_method`, and
 * `grpc_code` in Go's spelling (`OK`, `Canceled`, `NotFound`). Calls to methods that the server has not never reach an
 * interceptor, so that the labels have no more values than its protos.
 *
 * @throws RpcError INVALID_ARGUMENT for buckets that are no numbers above 0, ascending
 */
export function prometheusMetrics(options: PrometheusMetricsOptions = {}): Interceptor {
  const { registry = register, services = [], clock = systemClock } = options;
  const handlingSeconds = options.handlingSeconds ?? defaultBuckets;
  if (handlingSeconds !== false) checkBuckets(handlingSeconds);
  const sides: { client?: SideMetrics; server?: SideMetrics } = {};
  const metricsOf = (side: Call["side"]) => {
    sides[side] ??= new SideMetrics(side, registry, handlingSeconds);
    return sides[side];
  };
  for (const { methods } of services) {
    for (const method of Object.values(methods)) metricsOf("server").initialize(method);
  }

  return (next) => (call) => {
    const { started, handled, received, sent, seconds } = metricsOf(call.side);
    const labels = labelsOf(call.method);
    const startedAt = clock.now();
    started.inc(labels);
    return watchCall(call, next, {
      received: () => received.inc(labels),
      sent: () => sent.inc(labels),
      ended({ code }) {
        handled.inc({ ...labels, grpc_code: codeNames[code] });
        seconds?.observe(labels, (clock.now() - startedAt) / 1000);
      },
    });
  };
}

function checkBuckets(ends: readonly number[]): void {
  let above = 0;
  for (const end of ends) above = checkNumber("handlingSeconds", end, { above });
}

type MethodLabel = "grpc_type" | "grpc_service" | "grpc_method";

const methodLabels = ["grpc_type", "grpc_service", "grpc_method"] as const;

/** `prometheus.DefBuckets` of the Go client. */
const defaultBuckets: readonly number[] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

const types: { readonly [Kind in MethodKind]: string } = {
  unary: "unary",
  clientStream: "client_stream",
  serverStream: "server_stream",
  bidiStream: "bidi_stream",
};

/** As grpc-go's `codes.Code` prints itself. */
const codeNames: { readonly [C in Code]: string } = {
  [Code.OK]: "OK",
  [Code.CANCELLED]: "Canceled",
  [Code.UNKNOWN]: "Unknown",
  [Code.INVALID_ARGUMENT]: "InvalidArgument",
  [Code.DEADLINE_EXCEEDED]: "DeadlineExceeded",
  [Code.NOT_FOUND]: "NotFound",
  [Code.ALREADY_EXISTS]: "AlreadyExists",
  [Code.PERMISSION_DENIED]: "PermissionDenied",
  [Code.RESOURCE_EXHAUSTED]: "ResourceExhausted",
  [Code.FAILED_PRECONDITION]: "FailedPrecondition",
  [Code.ABORTED]: "Aborted",
  [Code.OUT_OF_RANGE]: "OutOfRange",
  [Code.UNIMPLEMENTED]: "Unimplemented",
  [Code.INTERNAL]: "Internal",
  [Code.UNAVAILABLE]: "Unavailable",
  [Code.DATA_LOSS]: "DataLoss",
  [Code.UNAUTHENTICATED]: "Unauthenticated",
};

function labelsOf({ path, kind }: MethodDesc): Record<MethodLabel, string> {
  const slash = path.lastIndexOf("/");
  return { grpc_type: types[kind], grpc_service: path.slice(1, slash), grpc_method: path.slice(slash + 1) };
}

/** The metrics of a server or of a client. */
class SideMetrics {
  readonly started: Counter<MethodLabel>;
  readonly handled: Counter<MethodLabel | "grpc_code">;
  readonly received: Counter<MethodLabel>;
  readonly sent: Counter<MethodLabel>;
  readonly seconds: Histogram<MethodLabel> | undefined;

  constructor(side: Call["side"], registry: Registry, buckets: readonly number[] | false) {
    /** A registry refuses a second metric of a name; several channels count in the same ones. */
    const counter = <Label extends string>(suffix: string, help: string, labelNames: readonly Label[]) => {
      const name = `grpc_${side}_${suffix}`;
      const known = registry.getSingleMetric(name) as Counter<Label> | undefined;
      return known ?? new Counter({ name, help, labelNames, registers: [registry] });
    };
    this.started = counter("started_total", `Calls that the ${side} began.`, methodLabels);
    this.handled = counter("handled_total", `Calls that ended at the ${side}, well or not.`, [
      ...methodLabels,
      "grpc_code",
    ]);
    this.received = counter("msg_received_total", `Messages that the ${side} received.`, methodLabels);
    this.sent = counter("msg_sent_total", `Messages that the ${side} sent.`, methodLabels);
    if (buckets === false) return;
    const name = `grpc_${side}_handling_seconds`;
    const help = `Seconds from the beginning of a call to its end at the ${side}.`;
    this.seconds =
      (registry.getSingleMetric(name) as Histogram<MethodLabel> | undefined) ??
      new Histogram({ name, help, labelNames: methodLabels, buckets: [...buckets], registers: [registry] });
  }

  initialize(method: MethodDesc): void {
    const labels = labelsOf(method);
    for (const counter of [this.started, this.received, this.sent]) counter.inc(labels, 0);
    for (const grpc_code of Object.values(codeNames)) this.handled.inc({ ...labels, grpc_code }, 0);
    this.seconds?.zero(labels);
  }
}
