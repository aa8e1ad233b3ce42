/** The client's side of the demo: a call of each kind, an interceptor, a deadline; over one long connection. */
import {
  codeName,
  configureConnections,
  dial,
  type Interceptor,
  RpcError,
  Server,
  sender,
  type TransportName,
} from "@trunkline/runtime";
import { exchange } from "./exchange.js";
import type { Utterance } from "./gen/demo/v1/exchange.js";
import { exchangeClient, registerExchangeServer, sharedExchangeClient } from "./gen/demo/v1/exchange_grpc.js";
import { detail, heading, moment } from "./print.js";

export async function makeCalls(transport?: TransportName): Promise<void> {
  configureConnections({ defaults: { transport } });
  const connections = new Set<string>();
  const server = new Server({ transport });
  registerExchangeServer(server, exchange(connections));
  const { address } = await server.listen("127.0.0.1:0");
  moment(`an exchange listens on ${address}`);

  heading("A call of each kind");
  const client = sharedExchangeClient(address);

  const { answer, answeredAt } = await client.ring({ caller: "Ada", callee: "Grace" });
  detail("unary", `${answer} (${new Date(Number(answeredAt?.seconds) * 1000).toISOString()})`);

  for await (const { sound, sequence } of client.listen({ seconds: 3 })) {
    detail("server stream", `${sound}, number ${sequence}`);
  }

  const words = "arrived safely weather splendid".split(" ").map((word) => ({ word }));
  const { telegram, pence } = await client.dictate(words);
  detail("client stream", `${telegram}: that will be ${pence} pence`);

  const utterances = sender<Utterance>();
  const replies = client.talk(utterances)[Symbol.asyncIterator]();
  for (const value of ["Hello", "Is this all one wire"]) {
    await utterances.send({ kind: { $case: "words", value } });
    const { value: reply } = await replies.next();
    if (reply?.kind?.$case === "words") detail("bidi stream", reply.kind.value);
  }
  await utterances.send({ kind: { $case: "hangUp", value: true } });
  utterances.close();
  await replies.next();

  heading("An interceptor");
  const stopwatch: Interceptor = (next) => async (call) => {
    const startedAt = performance.now();
    const reply = next(call);
    const { code } = await reply.status;
    detail(
      "stopwatch",
      `${call.method.name} ended with ${codeName(code)} after ${(performance.now() - startedAt).toFixed(1)} ms`,
    );
    return reply;
  };
  const timed = exchangeClient(dial(address, { interceptors: [stopwatch] }));
  await timed.ring({ caller: "Ada", callee: "Charles" });

  heading("Errors and deadlines");
  await failing("no such callee", timed.ring({ caller: "Ada", callee: "nobody" }));
  await failing("200 ms, no more", client.ring({ caller: "Ada", callee: "the moon" }, { timeoutMs: 200 }));

  heading("One long connection");
  moment(`all of this came in over ${connections.size} connection: ${[...connections].join(", ")}`);

  await dial(address).close();
  await server.shutdown({ graceMs: 1000 });
  moment("closed");
}

async function failing(label: string, call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    detail(label, `${error.message} (${error.elapsedMs?.toFixed(0)} ms)`);
  }
}
