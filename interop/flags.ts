/** The command line: the flags of the public description, and ours beside them. */
import { parseArgs } from "node:util";
import { type CaseName, caseNames } from "./description.js";
import type { Peer, PeerOptions } from "./peers/peer.js";
import { peers } from "./peers/peers.js";

/** The command line cannot be run as it is; the message is one line that says what there is. */
export class FlagError extends Error {}

export interface ClientCommand {
  readonly kind: "client";
  readonly peer: Peer;
  readonly options: PeerOptions;
  readonly address: string;
  readonly testCase: CaseName;
}

export interface ServerCommand {
  readonly kind: "server";
  readonly peer: Peer;
  readonly options: PeerOptions;
  readonly port: number;
}

export interface MatrixCommand {
  readonly kind: "matrix";
  /** Puts the table into docs/interop.md. */
  readonly write: boolean;
}

export type Command = ClientCommand | ServerCommand | MatrixCommand;

const ofPeers = ["use_tls", "peer", "transport", "messages"];

/** Flags of each command. All take a value, in either form: `--port=1` or `--port 1`. */
const flags = {
  client: ["server_host", "server_port", "test_case", ...ofPeers],
  server: ["port", ...ofPeers],
  matrix: ["write"],
};

type Kind = keyof typeof flags;

/** Those that stand alone. */
const switches = ["write"];

export function parseCommand([kind, ...args]: readonly string[]): Command {
  const command = oneOf("command", kind, Object.keys(flags) as Kind[]);
  const values = parseFlags(command, args);
  switch (command) {
    case "matrix":
      return { kind: command, write: "write" in values };
    case "server":
      return { kind: command, ...peerOf(values), port: portOf("port", values.port ?? "0") };
    case "client": {
      const { server_host: host = "localhost", server_port, test_case } = values;
      const port = portOf("server_port", server_port);
      return {
        kind: command,
        ...peerOf(values),
        address: host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`,
        testCase: oneOf("--test_case", test_case, caseNames),
      };
    }
  }
}

function parseFlags(command: Kind, args: readonly string[]): { readonly [name: string]: string | undefined } {
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

function peerOf(values: { readonly [name: string]: string | undefined }): { peer: Peer; options: PeerOptions } {
  const names = peers.map(({ name }) => name);
  const name = oneOf("--peer", values.peer ?? names[0], names);
  const peer = peers.find((peer) => peer.name === name)!;
  return {
    peer,
    options: {
      useTls: oneOf("--use_tls", values.use_tls ?? "false", ["true", "false"]) === "true",
      transport: oneOf(`--transport of ${name}`, values.transport ?? peer.transports[0], peer.transports),
      messages: oneOf(`--messages of ${name}`, values.messages ?? peer.messages[0], peer.messages),
    },
  };
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
