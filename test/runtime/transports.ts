/** Every transport that tests of the runtime run on: `describe.each(transports)`. */
import type { Transport, TransportName } from "@trunkline/runtime";
import { loopback } from "./loopback.js";

export const transports: readonly { readonly name: string; readonly transport: TransportName | Transport }[] = [
  { name: "grpc-js", transport: "grpc-js" },
  { name: "loopback", transport: loopback },
];
