/**
 * What shows from outside what happens inside: `diagnostics_channel` events, and lines on stderr for
 * `TRUNKLINE_TRACE=connection,call`.
 */
import { channel } from "node:diagnostics_channel";
import type { ConnectionEvent, MethodDesc } from "../contract.js";
import { type Code, codeName } from "../status.js";

/** The message of the diagnostics channel `trunkline:connection`. */
export type ConnectionDiagnostic = ConnectionEvent & { readonly target: string };

/** The message of the diagnostics channel `trunkline:call`, published at the end of a client's call. */
export interface CallDiagnostic {
  readonly method: MethodDesc;
  readonly code: Code;
  readonly details: string;
  readonly peer: string | undefined;
  readonly elapsedMs: number;
}

const connections = channel("trunkline:connection");
const calls = channel("trunkline:call");

export function publishEvent(target: string, event: ConnectionEvent): void {
  if (connections.hasSubscribers) connections.publish({ target, ...event } satisfies ConnectionDiagnostic);
}

/** @param call makes the message, where somebody wants it */
export function publishCall(call: () => CallDiagnostic): void {
  if (calls.hasSubscribers) calls.publish(call());
}

const printers: { readonly [topic: string]: () => void } = {
  connection: () =>
    connections.subscribe((message) => {
      const event = message as ConnectionDiagnostic;
      const peer = "peer" in event ? ` ${event.peer}` : "";
      const reason = "reason" in event ? `: ${event.reason}` : "";
      const wait = event.type === "backoff" ? ` (next attempt in about ${event.backoffMs} ms)` : "";
      print(`connection ${event.target} ${event.type}${peer}${reason}${wait}`);
    }),
  call: () =>
    calls.subscribe((message) => {
      const { method, code, details, peer, elapsedMs } = message as CallDiagnostic;
      const where = peer === undefined ? "" : ` ${peer}`;
      print(`call ${method.path}${where} ${codeName(code)} ${elapsedMs.toFixed(1)} ms${details && `: ${details}`}`);
    }),
};

function print(line: string): void {
  process.stderr.write(`trunkline ${new Date().toISOString()} ${line}\n`);
}

/** Two copies of this package (import and require) would print each line twice. */
const place = Symbol.for("trunkline.trace");
const shared = globalThis as { [place]?: boolean };

for (const topic of shared[place] ? [] : (process.env.TRUNKLINE_TRACE ?? "").split(",").filter((name) => name !== "")) {
  const start = printers[topic.trim()];
  if (start === undefined) print(`TRUNKLINE_TRACE knows ${Object.keys(printers).join(", ")}, not ${topic}`);
  else start();
}
shared[place] = true;
