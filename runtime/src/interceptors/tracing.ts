/**
 * @packageDocumentation A span for each call with OpenTelemetry (`@opentelemetry/api`, which the application installs),
 * as the semantic conventions for RPC have it, and the trace's context in the metadata.
 */
import {
  type Attributes,
  type Context,
  context,
  diag,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type TextMapGetter,
  type TextMapSetter,
  type TracerProvider,
  trace,
} from "@opentelemetry/api";
import type { Call, Interceptor } from "../contract.js";
import type { Metadata } from "../metadata.js";
import { Code, codeName, type Status } from "../status.js";
import { watchCall } from "../watched-call.js";

export interface TracingOptions {
  /** Who makes the spans. Default: the process-wide one of the API. */
  readonly tracerProvider?: TracerProvider | undefined;
  /** A client's `server.address` and `server.port`: `host:port` or a path. Default: what its channel was dialled with. */
  readonly target?: string | undefined;
  /** An event for each message that is sent or received (`rpc.message`). Default false. */
  readonly messageEvents?: boolean | undefined;
  /** More attributes for a span, when it starts: a tenant, a request id. */
  readonly attributes?: ((call: Call) => Attributes) | undefined;
}

/**
 * For both sides; the propagator and the context manager are those that the application has given to the API.
 *
 * A client's span is the child of the active one. Each attempt that the call takes has a span inside of it, and the
 * context of that one travels in the metadata: `traceparent` with the W3C propagator. A server's span continues the
 * attempt's, and is active in the handler, in each step of a response generator, and after each `await` in them: calls
 * made there are its children.
 *
 * The span is named `package.Service/Method` and has `rpc.system`, `rpc.service`, `rpc.method`, `rpc.grpc.status_code`,
 * at a client `server.address` and `server.port`, at a server `client.address`, `client.port` and
 * `network.peer.address`, `network.peer.port`: the conventions up to version 1.37, which instrumentations of gRPC for
 * Node.js write. A client's span is an error for any status but OK, a server's for those that are the server's fault
 * (UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE, DATA_LOSS).
 *
 * An attempt's span is named `Attempt.package.Service/Method` and has `previous-rpc-attempts`, `transparent-retry` and
 * `rpc.grpc.status_code` (gRFC A72). It is of the kind INTERNAL, so that what counts calls by their spans counts one.
 */
export function tracing(options: TracingOptions = {}): Interceptor {
  const { tracerProvider = trace, target, messageEvents = false, attributes: more } = options;
  const tracer = tracerProvider.getTracer("@trunkline/runtime");

  return (next) => (call) => {
    const atClient = call.side === "client";
    // What is active where a call arrives belongs to whoever opened its socket, and says nothing of the call.
    const parent = atClient ? context.active() : propagation.extract(ROOT_CONTEXT, call.metadata, getter);
    const ends = atClient ? serverAttributes(target ?? call.target) : peerAttributes(call);
    const attributes = { ...callAttributes(call), ...ends, ...more?.(call) };
    const kind = atClient ? SpanKind.CLIENT : SpanKind.SERVER;
    const name = call.method.path.slice(1);
    const span = tracer.startSpan(name, { kind, attributes }, parent);
    const active: Context = trace.setSpan(parent, span);
    call.onAttempt?.((attempt) => {
      const attributes = {
        "previous-rpc-attempts": attempt.previous,
        "transparent-retry": attempt.isTransparentRetry,
      };
      const attemptSpan = tracer.startSpan(`Attempt.${name}`, { attributes }, active);
      propagation.inject(trace.setSpan(active, attemptSpan), attempt.metadata, setter);
      return (status) => end(attemptSpan, status, true);
    });
    return context.with(active, () =>
      watchCall(call, next, {
        ...(messageEvents ? messageWatch(span) : {}),
        ended: (status) => end(span, status, atClient),
        // A client's loop runs where its caller is; a generator of a server runs where somebody asks it for more.
        ...(atClient ? {} : { within: <T>(step: () => T) => context.with(active, step) }),
      }),
    );
  };
}

function end(span: Span, { code, details, cause }: Status, atClient: boolean): void {
  span.setAttribute("rpc.grpc.status_code", code);
  if (code !== Code.OK && (atClient || serverFaults.has(code))) {
    span.setStatus({ code: SpanStatusCode.ERROR, message: details === "" ? codeName(code) : details });
    if (cause instanceof Error) span.recordException(cause);
  }
  span.end();
}

/** Statuses that the conventions count as errors of a server; the others are answers to what the caller did. */
const serverFaults: ReadonlySet<Code> = new Set<Code>([
  Code.UNKNOWN,
  Code.DEADLINE_EXCEEDED,
  Code.UNIMPLEMENTED,
  Code.INTERNAL,
  Code.UNAVAILABLE,
  Code.DATA_LOSS,
]);

function callAttributes({ method: { path } }: Call): Attributes {
  const slash = path.lastIndexOf("/");
  return { "rpc.system": "grpc", "rpc.service": path.slice(1, slash), "rpc.method": path.slice(slash + 1) };
}

function serverAttributes(target: string | undefined): Attributes {
  return target === undefined ? {} : addressAttributes("server", target);
}

function peerAttributes({ server }: Call): Attributes {
  if (server === undefined) return {};
  const { address } = server.peer;
  return { ...addressAttributes("client", address), ...addressAttributes("network.peer", address) };
}

/** `dns:///host:1`, `host:1`, `[::1]:1`, `/path` or `unix:/path`, in two attributes. */
function addressAttributes(prefix: string, address: string): Attributes {
  const bare = address.replace(/^(?:dns:(?:\/\/[^/]*\/)?|ipv[46]:|unix:(?:\/\/)?)/, "");
  const [, ipv6, host = ipv6, port] = /^(?:\[(.*)\]|([^:]*)):(\d+)$/.exec(bare) ?? [];
  if (host === undefined) return { [`${prefix}.address`]: bare };
  return { [`${prefix}.address`]: host, [`${prefix}.port`]: Number(port) };
}

function messageWatch(span: Span) {
  const add = (type: "SENT" | "RECEIVED") => {
    let id = 0;
    return () => void span.addEvent("rpc.message", { "rpc.message.type": type, "rpc.message.id": ++id });
  };
  return { sent: add("SENT"), received: add("RECEIVED") };
}

const setter: TextMapSetter<Metadata> = {
  set(metadata, key, value) {
    try {
      metadata.set(key, value);
    } catch (error) {
      diag.warn(`tracing: the propagator's ${key} cannot travel in metadata, and is left out`, error);
    }
  },
};

const getter: TextMapGetter<Metadata> = {
  keys: (metadata) => [...new Set(Array.from(metadata, ([key]) => key))],
  get(metadata, key) {
    const values = metadata.getAll(key);
    return values.length === 0 || key.endsWith("-bin") ? undefined : values;
  },
};
