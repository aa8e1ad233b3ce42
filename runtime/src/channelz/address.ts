import { isIPv6 } from "node:net";
import type { Address } from "./generated.js";

export function tcpAddress(ip: string, port: number): Address {
  return { address: { $case: "tcpipAddress", value: { ipAddress: ipBytes(ip), port } } };
}

/** @param filename empty for the end of a connection that has none, as a client's */
export function unixAddress(filename: string): Address {
  return { address: { $case: "udsAddress", value: { filename } } };
}

/** 4 bytes, or 16. */
function ipBytes(ip: string): Uint8Array {
  if (!isIPv6(ip)) return Uint8Array.from(ip.split("."), Number);
  // In one spelling, without a zone and without an IPv4 address at its end.
  const { hostname } = new URL(`http://[${ip.replace(/%.*/, "")}]`);
  const [head = [], tail = []] = hostname
    .slice(1, -1)
    .split("::")
    .map((part) => part.split(":").filter((group) => group !== ""));
  const zeros = new Array<string>(8 - head.length - tail.length).fill("0");
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  for (const [i, group] of [...head, ...zeros, ...tail].entries()) view.setUint16(2 * i, Number.parseInt(group, 16));
  return bytes;
}
