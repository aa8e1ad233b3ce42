/** The command line: the flags of the public description, and ours beside them. */
import { parseArgs } from "node:util";
import { type CaseName, caseNames, defaultConcurrentCalls, defaultSoak, type Soak } from "./description.js";
import type { MatrixOptions } from "./matrix/matrix.js";
import type { ClientOptions, Peer, ServerOptions } from "./peers/peer.js";

/** The command line cannot be run as it is; the message is one line that says what there is. */
export class FlagError extends Error {}

export interface ClientCommand {
  readonly kind: "client";
  readonly peer: Peer;
  readonly options: ClientOptions;
  readonly address: string;
  readonly testCases: readonly CaseName[];
}

export interface ServerCommand {
  readonly kind: "server";
  readonly peer: Required<Peer>;
  readonly options: ServerOptions;
  readonly port: number;
}

export interface MatrixCommand {
  readonly kind: "matrix";
  readonly options: MatrixOptions;
}

export type Command = ClientCommand | ServerCommand | MatrixCommand;

const ofPeers = ["use_tls", "peer", "transport", "messages"];

const soakFlags: { readonly [flag: string]: keyof Soak } = {
  soak_iterations: "iterations",
  soak_max_failures: "maxFailures",
  soak_per_iteration_max_acceptable_latency_ms: "perIterationMaxAcceptableLatencyMs",
  soak_min_time_ms_between_rpcs: "minTimeMsBetweenRpcs",
  soak_overall_timeout_seconds: "overallTimeoutSeconds",
  soak_request_size: "requestSize",
  soak_response_size: "responseSize",
};

/** Flags of each command. All take a value, in either form: `--port=1` or `--port 1`. */
const flags = {
  client: [
    "server_host",
    "server_host_override",
    "server_port",
    "test_case",
    "use_test_ca",
    "concurrent_calls",
    ...Object.keys(soakFlags),
    ...ofPeers,
  ],
  server: ["port", ...ofPeers],
  matrix: ["write", "installed", "concurrent_calls"],
};

type Kind = keyof typeof flags;

/** Those that stand alone. */
const switches = ["write", "installed"];

/** `peers`: those that `--peer` takes; the first is the default. */
export function parseCommand([kind, ...args]: readonly string[], peers: readonly Peer[]): Command {
  const command = oneOf("command", kind, Object.keys(flags) as Kind[]);
  const values = parseFlags(command, args);
  switch (command) {
    case "matrix":
      return {
        kind: command,
        options: {
          write: "write" in values,
          installed: "installed" in values,
          concurrentCalls: concurrentCallsOf(values),
        },
      };
    case "server":
      return { kind: command, ...serverOf(values, peers), port: portOf("port", values.port ?? "0") };
    case "client": {
      const { server_host: host = "localhost", server_port, test_case } = values;
      const port = portOf("server_port", server_port);
      const { peer, options } = peerOf(values, peers);
      return {
        kind: command,
        peer,
        options: {
          ...options,
          useTestCa: truthOf("use_test_ca", values),
          serverHostOverride: values.server_host_override,
          soak: soakOf(values),
          concurrentCalls: concurrentCallsOf(values),
        },
        address: host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`,
        testCases: (test_case?.split(",") ?? [undefined]).map((name) => oneOf("--test_case", name, caseNames)),
      };
    }
  }
}

type Values = { readonly [flag: string]: string | undefined };

function parseFlags(command: Kind, args: readonly string[]): Values {
  const known = flags[command];
  const options = Object.fromEntries(
    known.map((name) => [name, { type: switches.includes(name) ? "boolean" : "string" } as const]),
  );
  // Not strict: its errors do not say what there is.
  const { tokens } = parseArgs({ args: [...args], options, strict: false, tokens: true });
  const values: { [name: string]: string } = {};
  for (const token of tokens) {
    if (token.kind !== "option" || !known.includes(token.name)) {
      const name = token.kind === "option" ? token.rawName : token.kind === "positional" ? token.value : "--";
      throw new FlagError(`${command} has no ${name}, only ${known.map((flag) => `--${flag}`).join(", ")}`);
    }
    const { name, value } = token;
    if (switches.includes(name) !== (value === undefined)) {
      throw new FlagError(`--${name} ${value === undefined ? "needs a value" : "takes no value"}`);
    }
    values[name] = value ?? "";
  }
  return values;
}

function serverOf(values: Values, peers: readonly Peer[]): { peer: Required<Peer>; options: ServerOptions } {
  const { peer, options } = peerOf(values, peers);
  const { serve } = peer;
  if (serve === undefined) throw new FlagError(`${peer.name} is a client only`);
  return { peer: { ...peer, serve }, options };
}

function peerOf(values: Values, peers: readonly Peer[]): { peer: Peer; options: ServerOptions } {
  const names = peers.map(({ name }) => name);
  const name = oneOf("--peer", values.peer ?? names[0], names);
  const peer = peers.find((peer) => peer.name === name)!;
  return {
    peer,
    options: {
      useTls: truthOf("use_tls", values),
      transport: oneOf(`--transport of ${name}`, values.transport ?? peer.transports[0], peer.transports),
      messages: oneOf(`--messages of ${name}`, values.messages ?? peer.messages[0], peer.messages),
    },
  };
}

function soakOf(values: Values): Soak {
  const given = Object.entries(soakFlags).flatMap(([flag, name]) => {
    const value = numberOf(flag, values);
    return value === undefined ? [] : [[name, value]];
  });
  return { ...defaultSoak, ...Object.fromEntries(given) };
}

function concurrentCallsOf(values: Values): number {
  return numberOf("concurrent_calls", values) ?? defaultConcurrentCalls;
}

function numberOf(flag: string, values: Values): number | undefined {
  const value = values[flag];
  if (value === undefined) return undefined;
  if (/^\d{1,9}$/.test(value)) return Number(value);
  throw new FlagError(`--${flag} cannot be ${JSON.stringify(value)}: it is a number`);
}

function truthOf(flag: string, values: Values): boolean {
  return oneOf(`--${flag}`, values[flag] ?? "false", ["true", "false"]) === "true";
}

function oneOf<T extends string>(what: string, value: string | undefined, known: readonly T[]): T {
  const found = known.find((one) => one === value);
  if (found !== undefined) return found;
  const wrong = value === undefined ? "is missing" : `cannot be ${JSON.stringify(value)}`;
  throw new FlagError(`${what} ${wrong}: there ${known.length === 1 ? "is only" : "are"} ${known.join(", ")}`);
}

function portOf(flag: string, value: string | undefined): number {
  if (value !== undefined && /^\d{1,5}$/.test(value) && Number(value) <= 65535) return Number(value);
  const wrong = value === undefined ? "is missing" : `cannot be ${JSON.stringify(value)}`;
  throw new FlagError(`--${flag} ${wrong}: a port is a number up to 65535`);
}
