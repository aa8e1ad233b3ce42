import type { CaseName } from "../description.js";

/** A gRPC implementation that runs the cases in this process, as client and as server. */
export interface Peer {
  readonly name: string;
  /** What it can speak with; the first is its default. */
  readonly transports: readonly string[];
  /** Whose messages it can speak; the first is its default. */
  readonly messages: readonly string[];
  /** Rejects with what did not hold. */
  runCase(name: CaseName, address: string, options: PeerOptions): Promise<void>;
  /** On loopback; port 0 takes a free one. */
  serve(port: number, options: PeerOptions): Promise<RunningServer>;
}

export interface PeerOptions {
  /** With the certificates of the tests; plaintext otherwise. */
  readonly useTls: boolean;
  readonly transport: string;
  readonly messages: string;
}

export interface RunningServer {
  readonly port: number;
  stop(): Promise<void>;
}

/** Milliseconds. No case takes more than a few hundred: one that does has lost an event. */
const caseTimeoutMs = 10_000;

/** Runs a case; the line that says what did not hold, or undefined where everything did. */
export async function attempt(
  peer: Peer,
  name: CaseName,
  address: string,
  options: PeerOptions,
): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not over after ${caseTimeoutMs / 1000} s`)), caseTimeoutMs);
  });
  try {
    await Promise.race([peer.runCase(name, address, options), timeout]);
    return undefined;
  } catch (error) {
    const { message = error } = Object(error) as { readonly message?: unknown };
    return String(message).split("\n")[0]!;
  } finally {
    clearTimeout(timer);
  }
}
