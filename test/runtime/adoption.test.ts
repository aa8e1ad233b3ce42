/** Generated code beside grpc-js that an application already has: on its channels, and on its servers. */
import {
  Client,
  credentials,
  Server as GrpcServer,
  makeGenericClientConstructor,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type sendUnaryData,
  status,
} from "@grpc/grpc-js";
import { Code, sender } from "@trunkline/runtime";
import { channelFromGrpcJs } from "@trunkline/runtime/grpc-js";
import type { Note } from "../../fixtures/golden/ts-proto/kinds/v1/kinds.js";
import { KindsDesc, kindsClient } from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import { collect, startKinds, stopKinds } from "./kinds.js";

const stops: (() => void)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) stop();
  await stopKinds();
});

describe("a channel of grpc-js", () => {
  test.each(["a client", "a channel"])("%s carries generated clients, and stays the application's", async (what) => {
    const { address } = await startKinds("grpc-js", {
      unary: ({ text }) => ({ text: `${text}!` }),
      async *bidiStream(notes) {
        yield* notes;
      },
    });
    const theirs = new Client(address, credentials.createInsecure());
    stops.push(() => theirs.close());
    const client = kindsClient(
      channelFromGrpcJs(what === "a client" ? theirs : theirs.getChannel(), { timeoutMs: 5000 }),
    );
    expect(await client.unary({ text: "hi" })).toMatchObject({ text: "hi!" });
    expect(await collect(client.bidiStream([{ text: "a" }, { text: "b" }]))).toMatchObject([
      { text: "a" },
      { text: "b" },
    ]);
    const refused = client.unary({}, { credentials: () => ({ authorization: "x" }) });
    await expect(refused).rejects.toMatchObject({ code: Code.UNAUTHENTICATED });
    theirs.close();
    await expect(client.unary({})).rejects.toMatchObject({ code: Code.UNAVAILABLE });
  });
});

describe("a server of grpc-js", () => {
  test("takes a generated table, and hand-written handlers of all four kinds", async () => {
    const server = new GrpcServer();
    stops.push(() => server.forceShutdown());
    server.addService(KindsDesc.methods, {
      unary(call: ServerUnaryCall<Note, Partial<Note>>, callback: sendUnaryData<Partial<Note>>) {
        if (call.request.text === "") return callback({ code: status.NOT_FOUND, details: "nothing" });
        callback(null, { text: call.request.text.toUpperCase() });
      },
      bidiStream(call: ServerDuplexStream<Note, Partial<Note>>) {
        call.on("data", ({ text }: Note) => call.write({ text }));
        call.on("end", () => call.end());
      },
    });
    const port = await new Promise<number>((resolve, reject) =>
      server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      ),
    );
    const theirs = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
    stops.push(() => theirs.close());
    const client = kindsClient(channelFromGrpcJs(theirs));
    expect(await client.unary({ text: "hi" })).toMatchObject({ text: "HI", number: 0n });
    await expect(client.unary({})).rejects.toMatchObject({ code: Code.NOT_FOUND, details: "nothing" });
    const notes = sender<{ text: string }>();
    const replies = client.bidiStream(notes)[Symbol.asyncIterator]();
    await notes.send({ text: "echo" });
    expect((await replies.next()).value).toMatchObject({ text: "echo" });
    notes.close();
    expect((await replies.next()).done).toBe(true);
  });

  test("and a client of grpc-js takes it too", async () => {
    const { address } = await startKinds("grpc-js", { unary: ({ text }) => ({ text: `${text}?` }) });
    const KindsClient = makeGenericClientConstructor(KindsDesc.methods, "Kinds");
    const client = new KindsClient(address, credentials.createInsecure());
    stops.push(() => client.close());
    const reply = await new Promise((resolve, reject) =>
      client.unary!({ text: "hi" }, (error: unknown, note: Note) => (error ? reject(error) : resolve(note))),
    );
    expect(reply).toMatchObject({ text: "hi?" });
  });
});
