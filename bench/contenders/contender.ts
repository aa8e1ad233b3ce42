/**
 * What a contender is: a client and a server of bench.proto, on one stack. The workloads drive every stack through these
 * two interfaces, in callbacks, so that a stack without promises is not charged for some.
 */

export type Shape = "small" | "order";
export type StreamShape = "small" | "chunk";

/** Hears once how a call ended: without an argument where it went well. */
export type Done = (error?: unknown) => void;

/** Options of a unary call: none, or a deadline, an abort signal and two entries of metadata, made anew for each call. */
export type CallStyle = "plain" | "with deadline, signal, metadata";

export interface BenchClient {
  /** Sends a message of `messages.ts` and reads the same back. */
  echo(shape: Shape, style: CallStyle, done: Done): void;
  /** Reads `count` messages of one call. */
  download(shape: StreamShape, count: number, done: Done): void;
  /** Sends `count` messages on one call, at the pace that the stack sets. */
  upload(shape: StreamShape, count: number, done: Done): void;
  /** Sends a message, waits for its echo, sends the next: `count` times on one call. */
  pingPong(count: number, done: Done): void;
  /** Starts a bidi call and leaves it open; done when the echo of its one message is here. */
  hold(done: Done): void;
  /** Closes the connection; calls that are still open are cut. */
  close(): Promise<void> | void;
}

export interface Settings {
  /** How many interceptors (middleware) that only pass on are in the way of each call. */
  readonly interceptors: number;
}

/** One end each of a stack. A stack's module has both; a mixed contender takes them from two modules. */
export interface ClientStack {
  /** Makes a client with a connection of its own, shared with no other client. */
  connect(port: number, settings: Settings): BenchClient;
  /** Makes a client each of whose calls opens a connection and closes it, where the stack itself has such a thing. */
  connectShort?(port: number): BenchClient;
}

export interface ServerStack {
  /** Listens on a free port of 127.0.0.1, for as long as the process lives. */
  serve(settings: Settings): Promise<number>;
}

export interface Contender {
  readonly name: string;
  /** Modules are loaded by the process that needs them. */
  client(): Promise<ClientStack>;
  server(): Promise<ServerStack>;
}
