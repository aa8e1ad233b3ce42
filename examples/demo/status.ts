/** An exchange that is busy, and its status page: what `npm run demo -- --status` shows until Ctrl-C. */
import { once, setMaxListeners } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import {
  closeAllConnections,
  configureConnections,
  type Interceptor,
  RpcError,
  Server,
  sender,
  type TransportName,
} from "@trunkline/runtime";
import { statusPage } from "@trunkline/runtime/status-page";
import { exchange } from "./exchange.js";
import type { Utterance } from "./gen/demo/v1/exchange.js";
import { type ExchangeClient, registerExchangeServer, sharedExchangeClient } from "./gen/demo/v1/exchange_grpc.js";
import { detail, heading, moment } from "./print.js";

const callers = 24;
/** How long the branch office stays open, and then closed. */
const branchOpenMs = 30_000;
const branchClosedMs = 8_000;

export async function showStatus(transport?: TransportName): Promise<void> {
  heading("A status page");
  configureConnections({ defaults: { transport } });
  const server = makeExchange(transport);
  const { address } = await server.listen("127.0.0.1:0");
  moment(`an exchange listens on ${address}, and is busy`);

  const page = createServer(statusPage(server)).listen(0, "127.0.0.1");
  await once(page, "listening");
  moment(`its status page: http://127.0.0.1:${(page.address() as AddressInfo).port}/`);
  detail("Ctrl-C", "ends it");

  const end = new AbortController();
  const { signal } = end;
  setMaxListeners(Number.POSITIVE_INFINITY, signal); // One for everybody who waits.
  const busy = [
    ...Array.from({ length: callers }, () => again(signal, () => oneCall(sharedExchangeClient(address), signal))),
    branchOffice(transport, signal),
    again(signal, () =>
      sharedExchangeClient("127.0.0.1:1").ring({ caller: "Ada", callee: "a house that is not there" }),
    ),
  ];

  await Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
  end.abort();
  await Promise.all(busy);
  page.close();
  page.closeAllConnections();
  await closeAllConnections();
  await server.shutdown();
  moment("closed");
}

function makeExchange(transport: TransportName | undefined): Server {
  const server = new Server({ transport, interceptors: [unhurried] });
  registerExchangeServer(server, exchange(new Set()));
  return server;
}

/** Somebody takes a while to pick up: mostly some milliseconds, now and then much longer. */
const unhurried: Interceptor = (next) => async (call) => {
  const normal = Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
  await pause(6 * Math.exp(1.2 * normal));
  return next(call);
};

/** Does something over and over, with pauses, whether it fails or not. */
async function again(signal: AbortSignal, act: () => Promise<unknown>): Promise<void> {
  while (!signal.aborted) {
    try {
      await act();
      await pause(20 + Math.random() * 400, undefined, { signal });
    } catch (error) {
      if (error instanceof RpcError) await pause(500, undefined, { signal }).catch(() => {});
      else if (!signal.aborted) throw error;
    }
  }
}

/** A call of some kind: mostly a short one. */
async function oneCall(client: ExchangeClient, signal: AbortSignal): Promise<void> {
  const dice = Math.random();
  if (dice < 0.02) await client.ring({ caller: "Ada", callee: "nobody" }, { signal });
  else if (dice < 0.03) await client.ring({ caller: "Ada", callee: "the moon" }, { signal, timeoutMs: 400 });
  else if (dice < 0.7) await client.ring({ caller: "Ada", callee: "Grace" }, { signal });
  else if (dice < 0.85) for await (const _sound of client.listen({ seconds: 3 }, { signal }));
  else if (dice < 0.95) await client.dictate(slowly(["arrived", "safely"], signal), { signal });
  else await conversation(client, signal);
}

async function* slowly(words: readonly string[], signal: AbortSignal): AsyncIterable<{ word: string }> {
  for (const word of words) {
    yield { word };
    await pause(Math.random() * 300, undefined, { signal });
  }
}

async function conversation(client: ExchangeClient, signal: AbortSignal): Promise<void> {
  const utterances = sender<Utterance>();
  const replies = client.talk(utterances, { signal })[Symbol.asyncIterator]();
  for (let i = 0; i < 4; i++) {
    await utterances.send({ kind: { $case: "words", value: "Are you still there" } });
    await replies.next();
    await pause(Math.random() * 1500, undefined, { signal });
  }
  utterances.close();
  await replies.next();
}

/** Another exchange, which closes now and then: its connection is lost, fails for a while, and comes back. */
async function branchOffice(transport: TransportName | undefined, signal: AbortSignal): Promise<void> {
  let address = "127.0.0.1:0";
  let calling: Promise<void> | undefined;
  while (!signal.aborted) {
    const server = makeExchange(transport);
    ({ address } = await server.listen(address));
    calling ??= again(signal, () => sharedExchangeClient(address).ring({ caller: "Ada", callee: "the branch office" }));
    await pause(branchOpenMs, undefined, { signal }).catch(() => {});
    await server.shutdown();
    await pause(branchClosedMs, undefined, { signal }).catch(() => {});
  }
  await calling;
}
