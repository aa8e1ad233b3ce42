import { sender } from "@trunkline/runtime";
import { collect, event, startKinds, stopKinds } from "./kinds.js";
import { transports } from "./transports.js";

afterEach(stopKinds);

const mebibyte = 1024 * 1024;
const chunk = new Uint8Array(64 * 1024);

/** Turns of the event loop, until `count()` has stayed the same for many of them: the writer is being held. */
async function settled(count: () => number): Promise<number> {
  for (let quiet = 0, last = -1; quiet < 200; ) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    quiet = count() === last ? quiet + 1 : 0;
    last = count();
  }
  return count();
}

describe.each(transports)("back-pressure on $name", ({ transport }) => {
  test("a slow reader holds an endless response stream under 8 MiB, and gets every message", async () => {
    let sent = 0;
    const { client } = await startKinds(transport, {
      async *serverStream() {
        for (;;) yield { number: BigInt(sent++), data: chunk };
      },
    });
    const responses = client.serverStream({})[Symbol.asyncIterator]();
    await responses.next();
    const held = await settled(() => sent);
    expect(held * chunk.length).toBeLessThan(8 * mebibyte);
    for (let i = 1; i < held + 50; i++) expect((await responses.next()).value?.number).toBe(BigInt(i));
    await responses.return?.();
  });

  test("a slow handler holds an endless request stream under 8 MiB, and gets every message", async () => {
    let sent = 0;
    const goOn = event();
    const { client } = await startKinds(transport, {
      async clientStream(requests) {
        let next = 0n;
        for await (const { number } of requests) {
          if (number !== next++) return { text: `got ${number}, expected ${next - 1n}` };
          if (number === 0n) await goOn.happened;
          if (number === 200n) break;
        }
        return { text: "all in order" };
      },
    });
    const requests = async function* () {
      for (;;) yield { number: BigInt(sent++), data: chunk };
    };
    const reply = client.clientStream(requests());
    expect((await settled(() => sent)) * chunk.length).toBeLessThan(8 * mebibyte);
    goOn.happen();
    await expect(reply).resolves.toMatchObject({ text: "all in order" });
  });

  test("send() of a sender waits for a slow handler", async () => {
    const goOn = event();
    const { client } = await startKinds(transport, {
      async clientStream(requests) {
        await goOn.happened;
        return { number: BigInt((await collect(requests)).length) };
      },
    });
    const requests = sender<{ data: Uint8Array }>();
    const reply = client.clientStream(requests);
    let accepted = 0;
    const writing = (async () => {
      for (let i = 0; i < 256; i++) {
        await requests.send({ data: chunk });
        accepted++;
      }
      requests.close();
    })();
    expect((await settled(() => accepted)) * chunk.length).toBeLessThan(8 * mebibyte);
    goOn.happen();
    await writing;
    await expect(reply).resolves.toMatchObject({ number: 256n });
  });

  test("a flood of small messages leaves the event loop its turns", async () => {
    const { client } = await startKinds(transport, {
      *serverStream() {
        for (;;) yield { text: "x" };
      },
    });
    let turns = 0;
    const beat = setInterval(() => turns++, 1);
    let received = 0;
    for await (const _ of client.serverStream({})) if (++received === 5000) break;
    clearInterval(beat);
    expect(turns).toBeGreaterThan(10);
  });

  test("two next() calls at once get two messages, in order", async () => {
    const { client } = await startKinds(transport, { serverStream: () => [{ text: "a" }, { text: "b" }] });
    const responses = client.serverStream({})[Symbol.asyncIterator]();
    const results = await Promise.all([responses.next(), responses.next(), responses.next(), responses.next()]);
    expect(results.map(({ done, value }) => (done ? "done" : value?.text))).toEqual(["a", "b", "done", "done"]);
  });
});
