/** A server of the Kinds service on one transport, of which a test writes only the method that it is about. */
import {
  type ClientChannel,
  type DialOptions,
  dial,
  Server,
  type ServerOptions,
  type ServiceOptions,
} from "@trunkline/runtime";
import type { KindsClient, KindsServer } from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import {
  kindsClient,
  registerKindsServer,
  UnimplementedKindsServer,
} from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";

export interface Kinds {
  readonly client: KindsClient;
  readonly channel: ClientChannel;
  readonly address: string;
  readonly server: Server;
  /** One more handle on the same connection. */
  dial(options?: DialOptions): KindsClient;
}

const started: Kinds[] = [];

export async function startKinds(
  transport: NonNullable<ServerOptions["transport"]>,
  methods: Partial<KindsServer>,
  options: ServerOptions = {},
  ofService: ServiceOptions = {},
): Promise<Kinds> {
  const server = new Server({ transport, ...options });
  registerKindsServer(server, Object.assign(new UnimplementedKindsServer(), methods), ofService);
  const { address } = await server.listen("127.0.0.1:0");
  const channel = dial(address, { transport });
  const kinds: Kinds = {
    client: kindsClient(channel),
    channel,
    address,
    server,
    dial: (more = {}) => kindsClient(dial(address, { transport, ...more })),
  };
  started.push(kinds);
  return kinds;
}

/** For `afterEach`: nothing of a test outlives it. */
export async function stopKinds(): Promise<void> {
  for (const { channel, server } of started.splice(0)) {
    await channel.close();
    await server.shutdown();
  }
}

/** Resolves when it is told to: what tests wait on instead of sleeping. */
export function event<T = void>(): { readonly happened: Promise<T>; readonly happen: (value: T) => void } {
  let happen!: (value: T) => void;
  const happened = new Promise<T>((resolve) => {
    happen = resolve;
  });
  return { happened, happen };
}

export async function collect<T>(messages: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const message of messages) all.push(message);
  return all;
}
