/** Clients that ping to measure the network, or now and then, are no flood. */

import { startKinds, stopKinds } from "./kinds.js";
import { wireTransports } from "./transports.js";

afterEach(stopKinds);

describe.each(wireTransports.filter(({ transport }) => transport !== "grpc-js"))("on $name", ({ transport }) => {
  const data = new Uint8Array(10 * 1024);

  test("who reads a long stream measures how fast it comes: a server that enforces keepalive lets it", async () => {
    const { client } = await startKinds(
      transport,
      {
        async *serverStream() {
          for (let i = 0; i < 2000; i++) yield { data };
        },
      },
      { keepaliveEnforcement: {} },
    );
    let count = 0;
    for await (const message of client.serverStream({})) count += message.data.length === data.length ? 1 : 0;
    expect(count).toBe(2000);
  });

  test.each([1, 64])("thousands of messages of %i KiB each way are no flood of window updates", async (kibibytes) => {
    const long = new Uint8Array(kibibytes * 1024);
    const total = kibibytes === 1 ? 20_000 : 4000;
    const { client, server } = await startKinds(transport, {
      async *bidiStream(requests) {
        for await (const request of requests) yield request;
      },
    });
    async function* requests() {
      for (let i = 0; i < total; i++) yield { data: long };
    }
    let count = 0;
    for await (const _ of client.bidiStream(requests())) count++;
    expect(count).toBe(total);
    expect(server.stats().acceptedConnections).toBe(1);
  });
});
