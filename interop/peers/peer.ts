import { type CaseName, caseNames, type Soak } from "../description.js";

export type Role = "client" | "server";

/** A gRPC implementation that runs the cases in this process, as client and as server. */
export interface Peer {
  readonly name: string;
  /** What it can speak with; the first is its default. */
  readonly transports: readonly string[];
  /** Whose messages it can speak; the first is its default. */
  readonly messages: readonly string[];
  /** Cases that it cannot do in a role, and which limitation is why, with a reference. */
  limitations(role: Role, transport: string): Limitations;
  /** Rejects with what did not hold. */
  runCase(name: CaseName, address: string, options: ClientOptions): Promise<void>;
  /** On loopback; port 0 takes a free one. Absent of what is a client only. */
  readonly serve?: (port: number, options: ServerOptions) => Promise<RunningServer>;
}

export type Limitations = { readonly [Name in CaseName]?: string };

export interface ServerOptions {
  /** With the certificates of the tests; plaintext otherwise. */
  readonly useTls: boolean;
  readonly transport: string;
  readonly messages: string;
}

export interface ClientOptions extends ServerOptions {
  /** Trusts the authority of the tests instead of the platform's. */
  readonly useTestCa: boolean;
  /** The name to claim to be connecting to, in TLS and in `:authority`; undefined is the address's own. */
  readonly serverHostOverride: string | undefined;
  readonly soak: Soak;
  /** Of concurrent_large_unary. */
  readonly concurrentCalls: number;
}

export interface RunningServer {
  readonly port: number;
  stop(): Promise<void>;
}

/** The cases that a client makes against a server, and why not the others. */
export function applicable(
  client: Limitations,
  server: Limitations,
  { useTls }: { readonly useTls: boolean },
): { readonly cases: readonly CaseName[]; readonly limitations: Limitations } {
  const plaintext: Limitations = useTls ? {} : { per_rpc_creds: credentialsNeedTls };
  const limitations = { ...plaintext, ...server, ...client };
  return { cases: caseNames.filter((name) => limitations[name] === undefined), limitations };
}

const credentialsNeedTls = "call credentials are never sent in plaintext (grpc.io/docs/guides/auth)";

/** Milliseconds. The calls of a case take a few hundred, and a thousand large ones some seconds: more is a lost event. */
const caseTimeoutMs = 10_000;
const concurrentTimeoutMs = 60_000;

function timeoutMsOf(name: CaseName, { soak }: ClientOptions): number {
  if (name === "concurrent_large_unary") return concurrentTimeoutMs;
  return caseTimeoutMs + (name.endsWith("_soak") ? soak.overallTimeoutSeconds * 1000 : 0);
}

/** Runs a case; the line that says what did not hold, or undefined where everything did. */
export async function attempt(
  peer: Peer,
  name: CaseName,
  address: string,
  options: ClientOptions,
): Promise<string | undefined> {
  const timeoutMs = timeoutMsOf(name, options);
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not over after ${timeoutMs / 1000} s`)), timeoutMs);
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
