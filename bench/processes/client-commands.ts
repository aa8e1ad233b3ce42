import type { BenchClient, CallStyle, ClientStack, Done, Shape, StreamShape } from "../contenders/contender.js";
import { contenders } from "../contenders/contenders.js";
import { closedLoop, type Loop } from "../workloads/closed-loop.js";

/** The name of a client where a process has but one. */
const only = "only";
/** Clients of this process by name. */
const clients = new Map<string, BenchClient>();
/** Connections that only exist, so that their memory can be seen. */
const idle: BenchClient[] = [];

let stack: ClientStack | undefined;

export const clientCommands = {
  async connect({
    contender,
    port,
    interceptors = 0,
    name = only,
  }: {
    contender: string;
    port: number;
    interceptors?: number;
    name?: string;
  }): Promise<void> {
    stack = await contenders.get(contender)!.client();
    clients.set(name, stack.connect(port, { interceptors }));
  },

  /** Unary calls on the long connection. */
  echo({
    shape,
    style,
    inFlight,
    millis,
    client: name = only,
  }: {
    shape: Shape;
    style: CallStyle;
    inFlight: number;
    millis: number;
    client?: string;
  }): Promise<Loop> {
    const client = clients.get(name)!;
    return closedLoop((done) => client.echo(shape, style, done), inFlight, millis);
  },

  /** Streams of `count` messages, one after the other, `streams` at a time. */
  stream({
    direction,
    shape,
    streams,
    count,
    millis,
    client: name = only,
  }: {
    direction: "download" | "upload" | "pingPong";
    shape: StreamShape;
    streams: number;
    count: number;
    millis: number;
    client?: string;
  }): Promise<Loop> {
    const client = clients.get(name)!;
    const call =
      direction === "pingPong"
        ? (done: Done) => client.pingPong(count, done)
        : (done: Done) => client[direction](shape, count, done);
    return closedLoop(call, streams, millis);
  },

  /** Unary calls, each on a connection that is opened for it and closed after it. */
  short({ port, callers, millis }: { port: number; callers: number; millis: number }): Promise<Loop> {
    const shortClient = stack!.connectShort?.(port);
    if (shortClient !== undefined)
      return closedLoop((done) => shortClient.echo("small", "plain", done), callers, millis);
    const call = (done: Done) => {
      const client = stack!.connect(port, { interceptors: 0 });
      client.echo("small", "plain", async (error) => {
        await client.close();
        done(error);
      });
    };
    return closedLoop(call, callers, millis);
  },

  /** As many calls as that, 100 at a time. */
  calls: ({ count }: { count: number }) =>
    repeat(count, 100, (done) => clients.get(only)!.echo("small", "plain", done)),

  /** Opens as many connections, with one call on each, and leaves them. */
  openConnections: ({ port, count }: { port: number; count: number }) =>
    repeat(count, 10, (done) => {
      const client = stack!.connect(port, { interceptors: 0 });
      idle.push(client);
      client.echo("small", "plain", done);
    }),

  /** Opens as many streams on a long connection, and leaves them. */
  openStreams: ({ count, client: name }: { count: number; client: string }) =>
    repeat(count, 100, (done) => clients.get(name)!.hold(done)),

  /** Starts as many calls; they wait for a connection that does not come. */
  startCalls({ count }: { count: number }): void {
    for (let i = 0; i < count; i++) clients.get(only)!.echo("small", "plain", () => {});
  },
};

function repeat(count: number, atATime: number, call: (done: Done) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    let started = 0;
    let ended = 0;
    const start = () => {
      if (started === count) return;
      started++;
      call((error) => {
        if (error !== undefined) reject(error);
        else if (++ended === count) resolve();
        else start();
      });
    };
    for (let i = 0; i < atATime; i++) start();
  });
}
