/** Clients of grpc-js, as applications have them, on channels that were dialled: what tests of `channelOverride` share. */
import {
  type ChannelInterface,
  type Client,
  type ClientDuplexStream,
  type ClientOptions,
  type ClientReadableStream,
  type ClientUnaryCall,
  type ClientWritableStream,
  credentials,
  type CallOptions as GrpcCallOptions,
  type Metadata as GrpcMetadata,
  type requestCallback as GrpcUnaryCallback,
  makeClientConstructor,
} from "@grpc/grpc-js";
import { type ClientChannel, Code, type DialOptions, dial, RpcError, type ServerOptions } from "@trunkline/runtime";
import { toGrpcJsChannel } from "@trunkline/runtime/grpc-js";
import type { Note } from "../../fixtures/golden/ts-proto/kinds/v1/kinds.js";
import { KindsDesc, type KindsServer } from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import { collect, type Kinds, startKinds, stopKinds } from "./kinds.js";

export interface NoteInit {
  readonly text?: string;
  readonly number?: bigint;
  readonly data?: Uint8Array;
}

/** What makeClientConstructor makes of the generated table. */
export interface CallbackClient extends Client {
  unary(request: NoteInit, callback: GrpcUnaryCallback<Note>): ClientUnaryCall;
  unary(request: NoteInit, options: GrpcCallOptions, callback: GrpcUnaryCallback<Note>): ClientUnaryCall;
  unary(request: NoteInit, metadata: GrpcMetadata, callback: GrpcUnaryCallback<Note>): ClientUnaryCall;
  serverStream(request: NoteInit, options?: GrpcCallOptions): ClientReadableStream<Note>;
  clientStream(callback: GrpcUnaryCallback<Note>): ClientWritableStream<NoteInit>;
  bidiStream(metadata?: GrpcMetadata): ClientDuplexStream<NoteInit, Note>;
}

const KindsCallbackClient = makeClientConstructor(KindsDesc.methods, "Kinds");

/** A client as applications make it, on a channel of grpc-js' own. */
export function ownClient(address: string): CallbackClient {
  const client = new KindsCallbackClient(address, credentials.createInsecure()) as unknown as CallbackClient;
  stops.push(() => client.close());
  return client;
}

export function clientOn(channelOverride: ChannelInterface, options: ClientOptions = {}): CallbackClient {
  const all = { ...options, channelOverride };
  return new KindsCallbackClient("", credentials.createInsecure(), all) as unknown as CallbackClient;
}

/** A unary answer as a promise of what the callback is given. */
export function answered(call: (callback: GrpcUnaryCallback<Note>) => unknown): Promise<Note> {
  return new Promise((resolve, reject) => call((error, note) => (error === null ? resolve(note!) : reject(error))));
}

export const echoing: KindsServer = {
  unary({ text }, call) {
    call.trailers.set("x-text", "trailer");
    if (text === "") throw new RpcError(Code.NOT_FOUND, "nothing — ü", { metadata: { "x-text": "why" } });
    call.sendHeaders({ "x-text": call.metadata.get("x-text") ?? "none", "x-bytes-bin": Uint8Array.of(1, 255) });
    return { text: `${text}!` };
  },
  async *serverStream({ text }, call) {
    if (text === "none") return;
    call.sendHeaders({ "x-text": "header" });
    for (const letter of text) yield { text: letter };
    if (text === "bad") throw new RpcError(Code.DATA_LOSS, "lost");
  },
  async clientStream(requests) {
    return { text: (await collect(requests)).map(({ text }) => text).join("+") };
  },
  async *bidiStream(requests) {
    for await (const { text } of requests) yield { text: `${text}?` };
  },
};

// ── On a channel that was dialled ───────────────────────────────────────────────────────────────────────────────────

export interface Overridden extends Omit<Kinds, "client"> {
  readonly channel: ClientChannel;
  readonly override: ChannelInterface;
  readonly client: CallbackClient;
}

export async function startOverridden(
  transport: NonNullable<ServerOptions["transport"]>,
  methods: Partial<KindsServer>,
  dialOptions: DialOptions = {},
  clientOptions: ClientOptions = {},
): Promise<Overridden> {
  const kinds = await startKinds(transport, methods);
  const channel = dialled(kinds.address, { transport, ...dialOptions });
  const override = recorded("channel", toGrpcJsChannel(channel));
  return { ...kinds, channel, override, client: clientOn(override, clientOptions) };
}

/** A channel that does not outlive its test. */
export function dialled(target: string, options: DialOptions): ClientChannel {
  const channel = dial(target, options);
  stops.push(() => channel.close());
  return channel;
}

export const stops: (() => unknown)[] = [];

/** For `afterEach`: nothing of a test outlives it, and grpc-js has asked for nothing that a channel of ours lacks. */
export async function stopOverridden(): Promise<void> {
  for (const stop of stops.splice(0)) await stop();
  await stopKinds();
  expect([...missing]).toEqual([]);
}

// ── What grpc-js reads of a channel and its calls ───────────────────────────────────────────────────────────────────

export const reads = { channel: new Set<string>(), call: new Set<string>() };
const missing = new Set<string>();

export function recorded<T extends object>(what: "channel" | "call", target: T): T {
  return new Proxy(target, {
    get(_target, property) {
      const value: unknown = Reflect.get(target, property, target);
      reads[what].add(String(property));
      if (!(property in target)) missing.add(`${what}.${String(property)}`);
      if (typeof value !== "function") return value;
      if (property !== "createCall") return value.bind(target);
      return (...args: unknown[]) => recorded("call", value.apply(target, args));
    },
  });
}
