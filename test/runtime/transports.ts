/** Every transport that tests of the runtime run on: `describe.each(transports)`. */
import type { TransportName } from "@trunkline/runtime";

export const transports: readonly Row[] = [
  { name: "grpc-js", transport: "grpc-js", isWire: true },
  { name: "http2", transport: "http2", isWire: true },
  { name: "in-process", transport: "in-process", isWire: false },
];

/** Those that bytes travel on, for tests of what only a wire has. */
export const wireTransports: readonly Row[] = transports.filter(({ isWire }) => isWire);

interface Row {
  readonly name: string;
  readonly transport: TransportName;
  /** Its bytes pass through sockets, where they can be seen, delayed and cut. */
  readonly isWire: boolean;
}
