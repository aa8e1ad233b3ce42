import { context, propagation, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { type Call, Code, type Interceptor, RpcError } from "@trunkline/runtime";
import { tracing } from "@trunkline/runtime/interceptors/tracing";
import { collect, event, startKinds, stopKinds } from "../runtime/kinds.js";
import { transports, wireTransports } from "../runtime/transports.js";

const exporter = new InMemorySpanExporter();
const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
const tracer = tracerProvider.getTracer("test");

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
});

afterEach(async () => {
  await stopKinds();
  exporter.reset();
});

afterAll(async () => {
  context.disable();
  propagation.disable();
  await tracerProvider.shutdown();
});

const activeSpanId = () => trace.getSpan(context.active())?.spanContext().spanId;

function spans(kind: SpanKind): ReadableSpan[] {
  return exporter.getFinishedSpans().filter((span) => span.kind === kind);
}

/** The one span of a kind. */
function span(kind: SpanKind): ReadableSpan {
  const found = spans(kind);
  expect(found).toHaveLength(1);
  return found[0] as ReadableSpan;
}

function attempts(): ReadableSpan[] {
  return spans(SpanKind.INTERNAL).filter(({ name }) => name.startsWith("Attempt."));
}

/** Sees the end of each call at a server. */
function ends() {
  const ended = event();
  const watch: Interceptor = (next) => (call: Call) => {
    const reply = next(call);
    reply.status.then(() => ended.happen());
    return reply;
  };
  return { watch, ended: ended.happened };
}

describe.each(transports)("tracing on $name", ({ transport }) => {
  const traced = () => tracing({ tracerProvider, target: "dns:///kinds.example.com:443" });

  test("one trace from the caller's span through the client's to the server's, and on to what the handler does", async () => {
    const { dial } = await startKinds(
      transport,
      {
        async unary(_request, call) {
          await Promise.resolve();
          tracer.startSpan("work").end();
          return { text: call.metadata.get("traceparent") ?? "none" };
        },
      },
      { interceptors: [traced()] },
    );
    const client = dial({ interceptors: [traced()] });
    const caller = tracer.startSpan("caller");
    const { text } = await context.with(trace.setSpan(context.active(), caller), () => client.unary({}));
    const atClient = span(SpanKind.CLIENT);
    const atServer = span(SpanKind.SERVER);
    const [attempt] = attempts();
    const { traceId, spanId } = attempt!.spanContext();
    expect(traceId).toBe(caller.spanContext().traceId);
    expect(text).toBe(`00-${traceId}-${spanId}-01`);
    expect(atClient.parentSpanContext?.spanId).toBe(caller.spanContext().spanId);
    expect(attempt?.parentSpanContext?.spanId).toBe(atClient.spanContext().spanId);
    expect(atServer.parentSpanContext).toMatchObject({ traceId, spanId, isRemote: true });
    const work = spans(SpanKind.INTERNAL).find(({ name }) => name === "work");
    expect(work?.parentSpanContext?.spanId).toBe(atServer.spanContext().spanId);
    expect(atClient.name).toBe("kinds.v1.Kinds/Unary");
    expect(atClient.attributes).toEqual({
      "rpc.system": "grpc",
      "rpc.service": "kinds.v1.Kinds",
      "rpc.method": "Unary",
      "rpc.grpc.status_code": 0,
      "server.address": "kinds.example.com",
      "server.port": 443,
    });
    expect(atServer.attributes).toMatchObject({ "rpc.service": "kinds.v1.Kinds", "rpc.grpc.status_code": 0 });
    expect([atClient.status.code, atServer.status.code]).toEqual([SpanStatusCode.UNSET, SpanStatusCode.UNSET]);
  });

  test("a span for each attempt, inside the call's; the server continues the one that it answers", async () => {
    const parents: (string | undefined)[] = [];
    const { dial } = await startKinds(transport, {
      unary(_request, call) {
        parents.push(call.metadata.get("traceparent")?.split("-")[2]);
        if (parents.length < 3) throw new RpcError(Code.UNAVAILABLE, "not yet");
        return {};
      },
    });
    const codes = [Code.UNAVAILABLE];
    const retry = { maxAttempts: 3, initialBackoffMs: 1, maxBackoffMs: 1, backoffMultiplier: 1, codes };
    await dial({ interceptors: [traced()], retry }).unary({});
    const call = span(SpanKind.CLIENT);
    expect(attempts().map(({ name, attributes, status }) => [name, attributes, status.code])).toEqual(
      [Code.UNAVAILABLE, Code.UNAVAILABLE, Code.OK].map((code, previous) => [
        "Attempt.kinds.v1.Kinds/Unary",
        { "previous-rpc-attempts": previous, "transparent-retry": false, "rpc.grpc.status_code": code },
        code === Code.OK ? SpanStatusCode.UNSET : SpanStatusCode.ERROR,
      ]),
    );
    expect(attempts().map((attempt) => attempt.parentSpanContext?.spanId)).toEqual(
      Array(3).fill(call.spanContext().spanId),
    );
    expect(attempts().map((attempt) => attempt.spanContext().spanId)).toEqual(parents);
    expect(call.attributes["rpc.grpc.status_code"]).toBe(Code.OK);
  });

  test("the server's span is active in every step of a generator, up to its finally", async () => {
    const seen: (string | undefined)[] = [];
    const { watch, ended } = ends();
    const { dial } = await startKinds(
      transport,
      {
        async *bidiStream(requests) {
          seen.push(activeSpanId());
          try {
            for await (const _ of requests) {
              seen.push(activeSpanId());
              yield {};
              seen.push(activeSpanId());
              await Promise.resolve();
              seen.push(activeSpanId());
            }
          } finally {
            seen.push(activeSpanId());
          }
        },
      },
      { interceptors: [watch, traced()] },
    );
    await collect(dial({ interceptors: [traced()] }).bidiStream([{}, {}]));
    await ended;
    expect(seen).toHaveLength(8);
    expect(new Set(seen)).toEqual(new Set([span(SpanKind.SERVER).spanContext().spanId]));
  });

  test("the client's span is active while requests are made, and not in its caller's loop", async () => {
    const seen: (string | undefined)[] = [];
    const { dial } = await startKinds(transport, {
      async *bidiStream(requests) {
        for await (const _ of requests) yield {};
      },
    });
    const requests = async function* () {
      seen.push(activeSpanId());
      yield {};
      seen.push(activeSpanId());
    };
    for await (const _ of dial({ interceptors: [traced()] }).bidiStream(requests())) {
      expect(activeSpanId()).toBeUndefined();
    }
    const { spanId } = span(SpanKind.CLIENT).spanContext();
    expect(seen).toEqual([spanId, spanId]);
  });

  test.each([
    [Code.NOT_FOUND, SpanStatusCode.UNSET],
    [Code.UNAVAILABLE, SpanStatusCode.ERROR],
  ])(
    "status %i is an error of the client's span; of the server's only where it is its fault",
    async (code, atServer) => {
      const { dial } = await startKinds(
        transport,
        {
          unary() {
            throw new RpcError(code, "as you wish");
          },
        },
        { interceptors: [traced()] },
      );
      await dial({ interceptors: [traced()] })
        .unary({})
        .catch(() => {});
      expect(span(SpanKind.CLIENT).status).toEqual({ code: SpanStatusCode.ERROR, message: "as you wish" });
      expect(span(SpanKind.CLIENT).attributes["rpc.grpc.status_code"]).toBe(code);
      expect(span(SpanKind.SERVER).status.code).toBe(atServer);
    },
  );

  test("what a handler throws by accident is on the server's span only", async () => {
    const { dial } = await startKinds(
      transport,
      {
        unary() {
          throw new TypeError("secret");
        },
      },
      { interceptors: [traced()], onError: () => {} },
    );
    await dial({ interceptors: [traced()] })
      .unary({})
      .catch(() => {});
    expect(span(SpanKind.SERVER).events).toMatchObject([
      { name: "exception", attributes: { "exception.type": "TypeError", "exception.message": "secret" } },
    ]);
    expect(JSON.stringify(span(SpanKind.CLIENT).events)).not.toContain("secret");
  });

  test("spans of a stream that is left early end, with CANCELLED", async () => {
    const { watch, ended } = ends();
    const { dial } = await startKinds(
      transport,
      {
        async *serverStream() {
          for (;;) yield {};
        },
      },
      { interceptors: [watch, traced()] },
    );
    for await (const _ of dial({ interceptors: [traced()] }).serverStream({})) break;
    await ended;
    expect(span(SpanKind.CLIENT).attributes["rpc.grpc.status_code"]).toBe(Code.CANCELLED);
    expect(span(SpanKind.SERVER).attributes["rpc.grpc.status_code"]).toBe(Code.CANCELLED);
  });

  test("message events and attributes by choice", async () => {
    const options = { tracerProvider, messageEvents: true, attributes: () => ({ tenant: "acme" }) };
    const { dial } = await startKinds(transport, { serverStream: () => [{}, {}] });
    await collect(dial({ interceptors: [tracing(options)] }).serverStream({}));
    const { attributes, events } = span(SpanKind.CLIENT);
    expect(attributes).toMatchObject({ tenant: "acme" });
    expect(attributes).not.toHaveProperty("server.address");
    expect(events.map((one) => [one.attributes?.["rpc.message.type"], one.attributes?.["rpc.message.id"]])).toEqual([
      ["SENT", 1],
      ["RECEIVED", 1],
      ["RECEIVED", 2],
    ]);
  });

  test("a propagator's value that metadata cannot carry does not fail the call", async () => {
    const { dial } = await startKinds(transport, {
      unary: (_request, { metadata }) => ({ number: BigInt(metadata.size) }),
    });
    propagation.disable();
    propagation.setGlobalPropagator({
      fields: () => ["x-bad"],
      inject: (_context, carrier, setter) => setter.set(carrier, "x-bad", "ä"),
      extract: (extracted) => extracted,
    });
    try {
      await dial({ interceptors: [traced()] }).unary({});
    } finally {
      propagation.disable();
      propagation.setGlobalPropagator(new W3CTraceContextPropagator());
    }
  });
});

describe.each(wireTransports)("tracing on $name", ({ transport }) => {
  test("a server's span tells the peer", async () => {
    const { client } = await startKinds(
      transport,
      { unary: () => ({}) },
      { interceptors: [tracing({ tracerProvider })] },
    );
    await client.unary({});
    const { attributes } = span(SpanKind.SERVER);
    expect(attributes).toMatchObject({ "client.address": "127.0.0.1", "network.peer.address": "127.0.0.1" });
    expect(attributes["client.port"]).toEqual(expect.any(Number));
    expect(attributes["network.peer.port"]).toBe(attributes["client.port"]);
  });
});
