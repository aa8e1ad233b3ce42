/** Our server, a proxy in front of it, and a channel through that: what tests of connections are made of. */
import { type ClientChannel, type ConnectionEvent, type DialOptions, dial, type State } from "@trunkline/runtime";
import type { KindsClient, KindsServer } from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import { kindsClient } from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import { type Kinds, startKinds, stopKinds } from "../runtime/kinds.js";
import type { wireTransports } from "../runtime/transports.js";
import { TcpProxy } from "./tcp-proxy.js";

export type WireTransport = (typeof wireTransports)[number]["transport"];

/** What each method answers where a test is not about it. */
export const echo: Partial<KindsServer> = {
  unary: (request) => request,
  async *serverStream(request) {
    while (true) {
      yield request;
      await new Promise(setImmediate);
    }
  },
  async clientStream(requests) {
    let number = 0n;
    for await (const _ of requests) number++;
    return { number };
  },
  bidiStream: (requests) => requests,
};

export interface Proxied {
  readonly kinds: Kinds;
  readonly proxy: TcpProxy;
  readonly channel: ClientChannel;
  readonly client: KindsClient;
}

const channels: ClientChannel[] = [];
const proxies: TcpProxy[] = [];

export async function startProxied(
  transport: WireTransport,
  options: DialOptions = {},
  methods: Partial<KindsServer> = echo,
): Promise<Proxied> {
  const kinds = await startKinds(transport, methods);
  const proxy = await TcpProxy.start(portOf(kinds));
  proxies.push(proxy);
  const channel = dialled(proxy.address, { transport, ...options });
  return { kinds, proxy, channel, client: kindsClient(channel) };
}

/** A dial that is closed with the test. */
export function dialled(target: string, options: DialOptions): ClientChannel {
  const channel = dial(target, options);
  channels.push(channel);
  return channel;
}

/** For `afterEach`. */
export async function stopProxied(): Promise<void> {
  await Promise.all(channels.splice(0).map((channel) => channel.close()));
  await Promise.all(proxies.splice(0).map((proxy) => proxy.stop()));
  await stopKinds();
}

export function portOf({ address }: Kinds): number {
  return Number(address.split(":").at(-1));
}

/** The next event of this type. */
export function nextEvent<Type extends ConnectionEvent["type"]>(
  channel: ClientChannel,
  type: Type,
): Promise<ConnectionEvent & { readonly type: Type }> {
  return new Promise((resolve) => {
    const stop = channel.onEvent((event) => {
      if (event.type !== type) return;
      stop();
      resolve(event as ConnectionEvent & { readonly type: Type });
    });
  });
}

export async function becomes(channel: ClientChannel, wanted: State): Promise<void> {
  for await (const state of channel.watch()) if (state === wanted) return;
}

/** Resolves when it holds, looked at in every turn of the event loop: for what has no event of its own. */
export async function holds(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(setImmediate);
}
