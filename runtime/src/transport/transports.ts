import type { Transport } from "../contract.js";
import { describe, misuse } from "../error.js";

/** The transports that come with this package. */
export type TransportName = "grpc-js" | "http2" | "in-process";

/** What speaks where nobody says otherwise, at dial and at a server. */
export const defaultTransport: TransportName = "grpc-js";

/** Each is loaded by its first use: a process pays for what it speaks with. */
const loaders: Record<TransportName, () => Promise<Transport>> = {
  "grpc-js": async () => (await import("./grpc-js/grpc-js.js")).grpcJs,
  http2: async () => (await import("./http2/http2.js")).http2,
  "in-process": async () => (await import("./in-process/in-process.js")).inProcessTransport,
};

/** To ask for a module that is there costs tens of microseconds, and kilobytes of garbage. */
const loaded = new Map<TransportName, Promise<Transport>>();

export async function loadTransport(transport: TransportName | Transport): Promise<Transport> {
  if (typeof transport !== "string") return transport;
  let loading = loaded.get(transport);
  if (loading === undefined) {
    loading = loaders[transport]();
    loaded.set(transport, loading);
  }
  return loading;
}

/** @throws RpcError INVALID_ARGUMENT for what is none, which it names */
export function requireTransport(transport: TransportName | Transport): TransportName | Transport {
  if (typeof transport === "string" ? Object.hasOwn(loaders, transport) : isTransport(transport)) return transport;
  throw misuse(`transport: there is no ${describe(transport)}, only ${Object.keys(loaders).join(", ")}`);
}

/** One may be made for a client alone, or for a server. */
function isTransport(transport: Transport | null | undefined): boolean {
  const { connect, speak, serve } = Object(transport) as { readonly [method: string]: unknown };
  return [connect, speak, serve].some((method) => typeof method === "function");
}

/** Whether what it carries stays on this machine for certain; known of ours before they are loaded. */
export function isLocalTransport(transport: TransportName | Transport): boolean {
  return typeof transport === "string" ? transport === "in-process" : transport.isLocal === true;
}

/** Whether its channels say of failed calls how far they got. */
export function tellsProgress(transport: TransportName | Transport): boolean {
  return typeof transport === "string" ? transport !== "grpc-js" : transport.tellsProgress === true;
}
