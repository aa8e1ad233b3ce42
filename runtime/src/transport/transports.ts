import type { Transport } from "../contract.js";

/** The transports that come with this package. */
export type TransportName = "grpc-js";

/** What speaks where nobody says otherwise, at dial and at a server. */
export const defaultTransport: TransportName = "grpc-js";

/** Each is loaded by its first use: a process pays for what it speaks with. */
const loaders: Record<TransportName, () => Promise<Transport>> = {
  "grpc-js": async () => (await import("./grpc-js/grpc-js.js")).grpcJs,
};

export async function loadTransport(transport: TransportName | Transport): Promise<Transport> {
  return typeof transport === "string" ? loaders[transport]() : transport;
}

export function isTransportName(name: string): name is TransportName {
  return Object.hasOwn(loaders, name);
}

export const transportNames: readonly string[] = Object.keys(loaders);
