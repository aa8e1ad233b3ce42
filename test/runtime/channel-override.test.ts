/** Calls of grpc-js' clients on channels that were dialled: `channelOverride`. */
import { AsyncLocalStorage } from "node:async_hooks";
import { type EventEmitter, once } from "node:events";
import {
  type ClientUnaryCall,
  type ClientWritableStream,
  credentials,
  Metadata as GrpcMetadata,
  type requestCallback as GrpcUnaryCallback,
  InterceptingCall,
  type Interceptor,
  ListenerBuilder,
  makeGenericClientConstructor,
  RequesterBuilder,
  type ServiceError,
  type StatusObject,
  status,
} from "@grpc/grpc-js";
import { type DialOptions, wasCompressed } from "@trunkline/runtime";
import type { Note } from "../../fixtures/golden/ts-proto/kinds/v1/kinds.js";
import { KindsDesc, kindsClient } from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import {
  answered,
  type CallbackClient,
  clientOn,
  echoing,
  type NoteInit,
  ownClient,
  startOverridden,
  stopOverridden,
} from "./callback-clients.js";
import { event, startKinds } from "./kinds.js";
import { transports } from "./transports.js";

afterEach(stopOverridden);

// ── What a client hears of a call, in order ─────────────────────────────────────────────────────────────────────────

type Log = string[];

function headerOf(metadata: GrpcMetadata): string {
  const bytes = metadata.get("x-bytes-bin").map((value) => (value as Buffer).toString("hex"));
  return `${metadata.get("x-text").join(", ")}/${bytes}`;
}

function listen(call: EventEmitter, log: Log): Promise<Log> {
  call.on("metadata", (metadata: GrpcMetadata) => log.push(`metadata ${headerOf(metadata)}`));
  call.on("data", ({ text }: Note) => log.push(`data ${text}`));
  call.on("end", () => log.push("end"));
  call.on("error", ({ code, details }: ServiceError) => log.push(`error ${code} ${details}`));
  return new Promise<Log>((resolve) => {
    call.on("status", ({ code, details, metadata }: StatusObject) => {
      log.push(`status ${code} ${details} ${headerOf(metadata)}`);
      // What a stream still has to say it says before this.
      setImmediate(() => resolve(log));
    });
  });
}

function calledBack(log: Log): GrpcUnaryCallback<Note> {
  return (error, note) => void log.push(error === null ? `answer ${note!.text}` : `callback ${error.code}`);
}

/** Each a way to use a client, and what it hears. */
const programs: { readonly [name: string]: (client: CallbackClient) => Promise<Log> } = {
  "a unary call": (client) => {
    const log: Log = [];
    const metadata = new GrpcMetadata();
    metadata.add("x-text", "of the caller");
    return listen(client.unary({ text: "hi" }, metadata, calledBack(log)), log);
  },
  "a unary call that fails": (client) => {
    const log: Log = [];
    return listen(client.unary({}, calledBack(log)), log);
  },
  "a response stream": (client) => listen(client.serverStream({ text: "abcdefgh" }), []),
  "an empty response stream": (client) => listen(client.serverStream({ text: "none" }), []),
  "a response stream that fails": (client) => listen(client.serverStream({ text: "bad" }), []),
  "a request stream": (client) => {
    const log: Log = [];
    const call = client.clientStream(calledBack(log));
    for (const text of ["a", "b", "c"]) call.write({ text });
    call.end();
    return listen(call, log);
  },
  "an empty request stream": (client) => {
    const log: Log = [];
    const call = client.clientStream(calledBack(log));
    call.end();
    return listen(call, log);
  },
  "both streams": (client) => {
    const call = client.bidiStream();
    let sent = 0;
    call.on("data", () => (++sent < 5 ? call.write({ text: String(sent) }) : call.end()));
    call.write({ text: "0" });
    return listen(call, []);
  },
  "a call that is cancelled at once": (client) => {
    const log: Log = [];
    const call = client.unary({ text: "hi" }, calledBack(log));
    call.cancel();
    log.push("cancelled");
    return listen(call, log);
  },
  "a response stream that is cancelled by its headers": (client) => {
    const call = client.serverStream({ text: "abc" });
    call.on("metadata", () => call.cancel());
    return listen(call, []);
  },
  "a response stream that is cancelled": (client) => {
    const call = client.bidiStream();
    call.on("data", () => call.cancel());
    call.write({ text: "x" });
    return listen(call, []);
  },
};

describe.each(transports)("a client of grpc-js on $name", ({ transport }) => {
  test.each(Object.keys(programs))("%s: its events are those of grpc-js' own channel", async (name) => {
    const { address } = await startKinds("grpc-js", echoing);
    const { client } = await startOverridden(transport, echoing);
    const log = await programs[name]!(client);
    expect(log).toEqual(await programs[name]!(ownClient(address)));
    expect(log.length).toBeGreaterThan(1);
  });

  test("a generic client, and makeUnaryRequest, take it as well", async () => {
    const { override } = await startOverridden(transport, echoing);
    const Generic = makeGenericClientConstructor(KindsDesc.methods, "Kinds");
    const generic = new Generic("", credentials.createInsecure(), { channelOverride: override });
    const { path, requestSerialize, responseDeserialize } = KindsDesc.methods.unary;
    expect(await answered((callback) => generic.unary!({ text: "a" }, callback))).toMatchObject({ text: "a!" });
    const note = await answered((callback) =>
      generic.makeUnaryRequest(path, requestSerialize, responseDeserialize, { text: "b" }, callback),
    );
    expect(note).toMatchObject({ text: "b!" });
    // Decoders that were written for grpc-js may use what only a Buffer has.
    const hex = await new Promise((resolve, reject) => {
      const decode = (bytes: Buffer) => bytes.toString("hex");
      generic.makeUnaryRequest(path, requestSerialize, decode, { text: "c" }, (error, text) =>
        error === null ? resolve(text) : reject(error),
      );
    });
    expect(hex).toBe(Buffer.from(KindsDesc.methods.unary.response.encode({ text: "c!" })).toString("hex"));
  });

  test("callbacks and events find the AsyncLocalStorage of their call", async () => {
    const { client } = await startOverridden(transport, echoing);
    await answered((callback) => client.unary({ text: "warm" }, callback));
    const storage = new AsyncLocalStorage<string>();
    const seen: (string | undefined)[] = [];
    const note = () => void seen.push(storage.getStore());
    await Promise.all(
      ["one", "two"].map((name) =>
        storage.run(name, async () => {
          const call = client.bidiStream().on("metadata", note).on("data", note).on("status", note);
          const ended = once(call, "end");
          call.write({ text: name }, note);
          call.end();
          await ended;
        }),
      ),
    );
    expect(seen.filter((name) => name === "one")).toHaveLength(4);
    expect(seen.filter((name) => name === "two")).toHaveLength(4);
  });

  test("what the protocol keeps for itself is left out of request metadata, as by grpc-js", async () => {
    const { client } = await startOverridden(transport, {
      unary: (_note, call) => ({ text: [...call.metadata].map(([key, value]) => `${key}=${value}`).join() }),
    });
    const metadata = new GrpcMetadata();
    metadata.set("user-agent", "mine");
    metadata.set("grpc-timeout", "1n");
    metadata.set("x-text", "kept");
    const { text } = await answered((callback) => client.unary({}, metadata, callback));
    expect(text).toContain("x-text=kept");
    expect(text).not.toContain("mine");
    expect(text).not.toContain("grpc-timeout");
  });

  test("a request that cannot be encoded, and bytes that are none, fail their call", async () => {
    const { client, override } = await startOverridden(transport, echoing);
    const { path, responseDeserialize } = KindsDesc.methods.unary;
    const failing = answered((callback) =>
      client.makeUnaryRequest(
        path,
        () => Buffer.from("x"),
        (): Note => {
          throw new Error("unreadable");
        },
        {},
        callback,
      ),
    );
    await expect(failing).rejects.toMatchObject({ code: status.INTERNAL });
    const noBytes = () => "text" as unknown as Buffer;
    const textual = answered((callback) =>
      clientOn(override).makeUnaryRequest(path, noBytes, responseDeserialize, {}, callback),
    );
    await expect(textual).rejects.toMatchObject({ code: status.INTERNAL, details: expect.stringContaining("bytes") });
  });

  describe("time", () => {
    test("a deadline ends a call, and the server knows it", async () => {
      const left = event<number>();
      const { client } = await startOverridden(transport, {
        unary: (_note, call) => {
          left.happen(call.timeLeftMs());
          return new Promise<never>(() => {});
        },
      });
      const deadline = new Date(Date.now() + 300);
      const reply = answered((callback) => client.unary({}, { deadline }, callback));
      await expect(reply).rejects.toMatchObject({ code: status.DEADLINE_EXCEEDED });
      expect(await left.happened).toBeLessThanOrEqual(301);
    });

    test("one that has passed sends nothing; one at the end of time is none", async () => {
      const deadlines: (Date | undefined)[] = [];
      const { client } = await startOverridden(transport, {
        unary: (_note, call) => {
          deadlines.push(call.deadline);
          return {};
        },
      });
      for (const deadline of [0, Date.now() - 1, Number.NEGATIVE_INFINITY]) {
        const reply = answered((callback) => client.unary({}, { deadline }, callback));
        await expect(reply).rejects.toMatchObject({
          code: status.DEADLINE_EXCEEDED,
          details: "the deadline had passed before the call was made",
        });
      }
      await answered((callback) => client.unary({}, { deadline: Number.POSITIVE_INFINITY }, callback));
      expect(deadlines).toEqual([undefined]);
      const never = { deadline: Number.NaN };
      expect(() => client.unary({}, never, () => {})).toThrow(/deadline must be a Date or a number/);
    });

    test("the channel's timeoutMs holds for it too", async () => {
      const { client } = await startOverridden(
        transport,
        { unary: () => new Promise<never>(() => {}) },
        { timeoutMs: 50 },
      );
      const reply = answered((callback) => client.unary({}, callback));
      await expect(reply).rejects.toMatchObject({ code: status.DEADLINE_EXCEEDED });
    });

    test("a cancelled call ends at the server", async () => {
      const started = event();
      const cancelled = event();
      const { client } = await startOverridden(transport, {
        unary: (_note, call) => {
          call.signal.addEventListener("abort", () => cancelled.happen());
          started.happen();
          return new Promise<never>(() => {});
        },
      });
      let call: ClientUnaryCall | undefined;
      const reply = answered((callback) => {
        call = client.unary({}, callback);
      });
      await started.happened;
      call!.cancel();
      await expect(reply).rejects.toMatchObject({ code: status.CANCELLED, details: "Cancelled on client" });
      await cancelled.happened;
    });
  });

  describe("back-pressure", () => {
    const mebibyte = 1024 * 1024;
    const data = new Uint8Array(64 * 1024);

    test("a slow handler holds a client stream; all of it arrives, in order", async () => {
      const goOn = event();
      const { client } = await startOverridden(transport, {
        async clientStream(requests) {
          let next = 0n;
          for await (const { number } of requests) {
            if (number === 0n) await goOn.happened;
            if (number !== next++) return { text: `got ${number}, expected ${next - 1n}` };
          }
          return { number: next };
        },
      });
      const total = 512;
      let taken = 0;
      let call!: ClientWritableStream<NoteInit>;
      const reply = answered((callback) => {
        call = client.clientStream(callback);
      });
      const writing = (async () => {
        for (let i = 0; i < total; i++) {
          if (!call.write({ number: BigInt(i), data }, () => taken++)) await once(call, "drain");
        }
        call.end();
      })();
      expect((await settled(() => taken)) * data.length).toBeLessThan(8 * mebibyte);
      goOn.happen();
      await writing;
      await expect(reply).resolves.toMatchObject({ number: BigInt(total) });
      expect(taken).toBe(total);
    });

    test("a slow reader holds a response stream; all of it arrives, in order", async () => {
      let sent = 0;
      const { client } = await startOverridden(transport, {
        async *serverStream() {
          for (; sent < 512; sent++) yield { number: BigInt(sent), data };
        },
      });
      const notes: AsyncIterator<Note> = client.serverStream({})[Symbol.asyncIterator]();
      // Until the first read nothing holds grpc-js.
      expect((await notes.next()).value.number).toBe(0n);
      expect((await settled(() => sent)) * data.length).toBeLessThan(8 * mebibyte);
      let next = 1n;
      for await (const { number } of { [Symbol.asyncIterator]: () => notes }) {
        if (number !== next++) throw new Error(`got ${number}, expected ${next - 1n}`);
      }
      expect(next).toBe(512n);
    });

    test("who writes to a call that has ended is not held up, nor any more", async () => {
      const goOn = event();
      const { client } = await startOverridden(transport, {
        async clientStream() {
          await goOn.happened;
          return { text: "enough" };
        },
      });
      let call!: ClientWritableStream<NoteInit>;
      const reply = answered((callback) => {
        call = client.clientStream(callback);
      });
      let taken = 0;
      const writing = (async () => {
        for (let i = 0; i < 256; i++) if (!call.write({ data }, () => taken++)) await once(call, "drain");
        const finished = once(call, "finish");
        call.end();
        await finished;
      })();
      expect((await settled(() => taken)) * data.length).toBeLessThan(8 * mebibyte);
      goOn.happen();
      await expect(reply).resolves.toMatchObject({ text: "enough" });
      await writing;
      expect(taken).toBe(256);
    });
  });

  describe("interceptors", () => {
    /** Changes what it can, both ways; `wait` comes before what is passed on to the wire. */
    const rewriting =
      (wait: (pass: () => void) => void): Interceptor =>
      (options, nextCall) =>
        new InterceptingCall(
          nextCall(options),
          new RequesterBuilder()
            .withStart((metadata, _listener, next) => {
              metadata.set("x-text", "intercepted");
              const listener = new ListenerBuilder()
                .withOnReceiveMessage((note: Note, pass) => pass({ ...note, text: `${note.text} back` }))
                .withOnReceiveStatus((end, pass) => pass({ ...end, details: "seen" }))
                .build();
              wait(() => next(metadata, listener));
            })
            .withSendMessage((note: NoteInit, next) => wait(() => next({ ...note, text: `${note.text} out` })))
            .build(),
        );

    test.each<[string, (pass: () => void) => void]>([
      ["at once", (pass) => pass()],
      // grpc-js half-closes the call then before it sends the request.
      ["in the same turn", (pass) => queueMicrotask(pass)],
    ])("of the client run, and may pass on %s", async (_when, wait) => {
      const { client } = await startOverridden(transport, echoing, {}, { interceptors: [rewriting(wait)] });
      const log: Log = [];
      await listen(client.unary({ text: "hi" }, calledBack(log)), log);
      expect(log).toEqual(["metadata intercepted/01ff", "answer hi out! back", "status 0 seen trailer/"]);
    });

    test("that send a request after the end of the requests fail the call", async () => {
      const late: Interceptor = (options, nextCall) => {
        const call = new InterceptingCall(nextCall(options));
        const halfClose = call.halfClose.bind(call);
        call.halfClose = () => {
          halfClose();
          setImmediate(() => call.sendMessage({ text: "late" }));
        };
        return call;
      };
      const held = { ...echoing, unary: () => new Promise<never>(() => {}) };
      const { client } = await startOverridden(transport, held, {}, { interceptors: [late] });
      const reply = answered((callback) => client.unary({ text: "hi" }, callback));
      await expect(reply).rejects.toMatchObject({ code: status.INTERNAL, details: expect.stringContaining("after") });
    });

    test("of the channel do not: they are for typed calls", async () => {
      let ran = 0;
      const counting: DialOptions["interceptors"] = [
        (next) => (call) => {
          ran++;
          return next(call);
        },
      ];
      const { client, channel } = await startOverridden(transport, echoing, { interceptors: counting });
      await answered((callback) => client.unary({ text: "hi" }, callback));
      expect(ran).toBe(0);
      await kindsClient(channel).unary({ text: "hi" });
      expect(ran).toBe(1);
    });
  });
});

// What a message was on its way the transport grpc-js does not tell.
const telling = transports.filter(({ transport }) => transport !== "grpc-js");

test.each(telling)("on $name messages are compressed as the channel says, unless flagged not to be", async (row) => {
  const seen: boolean[] = [];
  const { override } = await startOverridden(
    row.transport,
    {
      async clientStream(requests) {
        for await (const note of requests) seen.push(wasCompressed(note));
        return {};
      },
    },
    { compression: { encoding: "gzip", thresholdBytes: 0 } },
  );
  const { path, requestSerialize } = KindsDesc.methods.clientStream;
  const call = override.createCall(path, Number.POSITIVE_INFINITY, undefined, null, undefined);
  const ended = event<StatusObject>();
  call.start(new GrpcMetadata(), {
    onReceiveMetadata: () => {},
    onReceiveMessage: () => {},
    onReceiveStatus: ended.happen,
  });
  const noCompress = 2;
  for (const flags of [0, noCompress, 0]) call.sendMessageWithContext({ flags }, requestSerialize({ text: "x" }));
  call.halfClose();
  call.startRead();
  await expect(ended.happened).resolves.toMatchObject({ code: status.OK });
  expect(seen).toEqual([true, false, true]);
});

/** Turns of the event loop, until `count()` has stayed the same for many of them: the writer is being held. */
async function settled(count: () => number): Promise<number> {
  for (let quiet = 0, last = -1; quiet < 200; ) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    quiet = count() === last ? quiet + 1 : 0;
    last = count();
  }
  return count();
}
