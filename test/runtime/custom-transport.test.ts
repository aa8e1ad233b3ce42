/** A transport that somebody else has written carries calls as ours do: the smallest one that there can be. */
import { Code, RpcError } from "@trunkline/runtime";
import { collect, event, startKinds, stopKinds } from "./kinds.js";
import { loopback } from "./loopback.js";

afterEach(stopKinds);

const numbers = [{ number: 1n }, { number: 2n }, { number: 3n }];

test("it carries the four kinds, headers, trailers and errors", async () => {
  const { client } = await startKinds(loopback, {
    unary({ text }, call) {
      if (text === "") throw new RpcError(Code.NOT_FOUND, "nobody");
      call.sendHeaders({ "x-head": text });
      call.trailers.set("x-tail", text);
      return { text };
    },
    serverStream: () => numbers,
    async clientStream(requests) {
      return { number: (await collect(requests)).reduce((sum, { number }) => sum + number, 0n) };
    },
    async *bidiStream(requests) {
      for await (const { number } of requests) yield { number: number * 2n };
    },
  });
  const heard: (string | undefined)[] = [];
  const hooks = {
    onHeaders: (headers: { get(key: string): string | undefined }) => heard.push(headers.get("x-head")),
    onTrailers: (trailers: { get(key: string): string | undefined }) => heard.push(trailers.get("x-tail")),
  };
  expect(await client.unary({ text: "Ada" }, hooks)).toMatchObject({ text: "Ada" });
  expect(heard).toEqual(["Ada", "Ada"]);
  await expect(client.unary({})).rejects.toMatchObject({ code: Code.NOT_FOUND, details: "nobody" });
  expect(await collect(client.serverStream({}))).toMatchObject(numbers);
  expect(await client.clientStream(numbers)).toMatchObject({ number: 6n });
  expect(await collect(client.bidiStream(numbers))).toMatchObject([{ number: 2n }, { number: 4n }, { number: 6n }]);
});

test("deadlines and cancellation reach both of its ends", async () => {
  let aborted = 0;
  const started = event();
  const { client } = await startKinds(loopback, {
    unary: (_request, call) =>
      new Promise((resolve) => {
        call.signal.addEventListener("abort", () => resolve({ number: BigInt(++aborted) }));
        if (call.deadline === undefined) started.happen();
      }),
  });
  await expect(client.unary({}, { timeoutMs: 20 })).rejects.toMatchObject({ code: Code.DEADLINE_EXCEEDED });
  const controller = new AbortController();
  const call = client.unary({}, { signal: controller.signal });
  await started.happened;
  controller.abort();
  await expect(call).rejects.toMatchObject({ code: Code.CANCELLED });
  expect(aborted).toBe(2);
});
