/** Every transport that tests of the runtime run on: `describe.each(transports)`. */
import type { Transport, TransportName } from "@trunkline/runtime";
import { loopback } from "./loopback.js";

export const transports: readonly Row[] = [
  { name: "grpc-js", transport: "grpc-js" },
  { name: "loopback", transport: loopback },
];

/** Those that bytes travel on, for tests of what only a wire has. */
export const wireTransports: readonly Row[] = transports.filter(({ transport }) => transport !== loopback);

interface Row {
  readonly name: string;
  readonly transport: TransportName | Transport;
}
