import { Code, type Metadata, RpcError, sender } from "@trunkline/runtime";
import { collect, startKinds, stopKinds } from "./kinds.js";
import { transports } from "./transports.js";

afterEach(stopKinds);

describe.each(transports)("the four kinds on $name", ({ transport }) => {
  test("unary carries a message each way, whole", async () => {
    const { client } = await startKinds(transport, {
      unary: ({ text, number, data }) => ({ text: text.toUpperCase(), number: number + 1n, data }),
    });
    const data = Uint8Array.of(0, 255, 10);
    const reply = await client.unary({ text: "grüß", number: 2n ** 53n + 1n, data });
    expect({ ...reply, data: [...reply.data] }).toEqual({ text: "GRÜSS", number: 2n ** 53n + 2n, data: [0, 255, 10] });
  });

  test("an empty message is a message, both ways", async () => {
    const { client } = await startKinds(transport, { unary: () => ({}) });
    await expect(client.unary({})).resolves.toMatchObject({ text: "", number: 0n });
  });

  test("server streaming takes async and plain iterables", async () => {
    const { client } = await startKinds(transport, {
      serverStream: ({ text }) =>
        text === "array"
          ? [{ text: "a" }, { text: "b" }]
          : (async function* () {
              yield { text: "x" };
              yield { text: "y" };
            })(),
    });
    const texts = async (text: string) => (await collect(client.serverStream({ text }))).map((note) => note.text);
    expect(await texts("array")).toEqual(["a", "b"]);
    expect(await texts("generator")).toEqual(["x", "y"]);
  });

  test("client streaming", async () => {
    const { client } = await startKinds(transport, {
      async clientStream(requests) {
        return { text: (await collect(requests)).map((note) => note.text).join("+") };
      },
    });
    expect(await client.clientStream([{ text: "a" }, { text: "b" }])).toMatchObject({ text: "a+b" });
    expect(await client.clientStream([])).toMatchObject({ text: "" });
  });

  test("bidi streaming interleaves", async () => {
    const { client } = await startKinds(transport, {
      async *bidiStream(requests) {
        for await (const { text } of requests) yield { text: `${text}!` };
      },
    });
    const requests = sender<{ text: string }>();
    const replies = client.bidiStream(requests)[Symbol.asyncIterator]();
    for (const text of ["one", "two", "three"]) {
      await requests.send({ text });
      expect((await replies.next()).value).toMatchObject({ text: `${text}!` });
    }
    requests.close();
    expect((await replies.next()).done).toBe(true);
  });

  test("a server may answer before the requests end", async () => {
    const { client } = await startKinds(transport, { clientStream: () => ({ text: "enough" }) });
    const requests = sender<{ text: string }>();
    const reply = client.clientStream(requests);
    await expect(reply).resolves.toMatchObject({ text: "enough" });
    await expect(requests.send({ text: "late" })).rejects.toMatchObject({ code: Code.CANCELLED });
  });

  test("metadata travels: requests, headers, trailers; text and bytes; several values", async () => {
    const { client } = await startKinds(transport, {
      unary(_request, call) {
        call.sendHeaders({ "x-many": call.metadata.getAll("x-many"), "x-data-bin": call.metadata.get("x-data-bin") });
        call.trailers.set("x-after", "done");
        return {};
      },
    });
    const got: Metadata[] = [];
    await client.unary(
      {},
      {
        metadata: { "X-Many": ["1", "2"], "x-data-bin": Uint8Array.of(1, 2, 255) },
        onHeaders: (headers) => got.push(headers),
        onTrailers: (trailers) => got.push(trailers),
      },
    );
    const [headers, trailers] = got;
    expect(headers?.getAll("x-many").join(",").replace(", ", ",")).toBe("1,2");
    expect([...(headers?.get("x-data-bin") ?? [])]).toEqual([1, 2, 255]);
    expect(trailers?.get("x-after")).toBe("done");
  });

  test("an unimplemented method says so", async () => {
    const { client } = await startKinds(transport, {});
    const error = await client.unary({}).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(RpcError);
    expect(error).toMatchObject({ code: Code.UNIMPLEMENTED, method: "/kinds.v1.Kinds/Unary" });
    await expect(collect(client.serverStream({}))).rejects.toMatchObject({ code: Code.UNIMPLEMENTED });
  });

  test("methods can be taken off their client", async () => {
    const { client } = await startKinds(transport, { unary: ({ text }) => ({ text }) });
    const { unary } = client;
    expect(await unary({ text: "free" })).toMatchObject({ text: "free" });
  });
});
