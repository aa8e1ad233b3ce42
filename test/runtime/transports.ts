/** Every transport that tests of the runtime run on: `describe.each(transports)`. */
import type { Transport, TransportName } from "@trunkline/runtime";
import { loopback } from "./loopback.js";

export const transports: readonly Row[] = [
  { name: "grpc-js", transport: "grpc-js", isWire: true },
  { name: "in-process", transport: "in-process", isWire: false },
  { name: "loopback", transport: loopback, isWire: false },
];

/** Those that bytes travel on, for tests of what only a wire has. */
export const wireTransports: readonly Row[] = transports.filter(({ isWire }) => isWire);

interface Row {
  readonly name: string;
  readonly transport: TransportName | Transport;
  /** Its bytes pass through sockets, where they can be seen, delayed and cut. */
  readonly isWire: boolean;
}
