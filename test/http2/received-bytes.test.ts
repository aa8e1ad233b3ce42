/** What a received message keeps of what came with it: its own bytes, that never change, and little else. */
import { collect, startKinds, stopKinds } from "../runtime/kinds.js";

afterEach(stopKinds);

const bytesOf = (i: number, length: number) => new Uint8Array(length).fill(i % 251);

test.each([16, 600, 5000])("a field of %i bytes does not hold on to all that came with it", async (length) => {
  const count = 400;
  const { client } = await startKinds("http2", {
    async *serverStream() {
      for (let i = 0; i < count; i++) yield { data: bytesOf(i, length) };
    },
  });
  const messages = await collect(client.serverStream({}));
  expect(messages).toHaveLength(count);
  for (const [i, { data }] of messages.entries()) {
    // Nor was any of it overwritten by what came later.
    expect(Buffer.from(data).equals(bytesOf(i, length))).toBe(true);
    // What Node.js gives to small buffers together, or a few times the message itself.
    expect(data.buffer.byteLength).toBeLessThanOrEqual(Math.max(8192, 5 * length));
  }
});

test("a server keeps no more of a request", async () => {
  const kept: Uint8Array[] = [];
  const { client } = await startKinds("http2", {
    unary({ data }) {
      kept.push(data);
      return {};
    },
  });
  const lengths = [10, 1000, 10_000, 300_000];
  const calls = lengths.flatMap((length) =>
    Array.from({ length: 20 }, (_, i) => client.unary({ data: bytesOf(i, length) })),
  );
  await Promise.all(calls);
  expect(kept.map(({ length }) => length).sort((a, b) => a - b)).toEqual(
    lengths.flatMap((length) => new Array(20).fill(length)),
  );
  for (const data of kept) {
    expect(data.every((byte) => byte === data[0])).toBe(true);
    expect(data.buffer.byteLength).toBeLessThanOrEqual(Math.max(8192, 5 * data.length));
  }
});
