import { nameOf } from "../../target.js";

/** A place that a socket can be connected to. */
export interface Address {
  /** As errors name it, and unlike that of any other: `10.0.0.1:50051`, `[::1]:50051`, `unix:/run/x.sock`. */
  readonly name: string;
  readonly to: { readonly host: string; readonly port: number } | { readonly path: string };
  /** What the proxy that is there is asked to connect to. */
  readonly tunnel?: Tunnel | undefined;
}

/** A request to an HTTP proxy. */
export interface Tunnel {
  /** `greeter.example:443` */
  readonly to: string;
  /** The value of `Proxy-Authorization`. */
  readonly authorization: string | undefined;
}

export function tcpAddress(host: string, port: number, tunnel?: Tunnel): Address {
  return { name: nameOf(host, port), to: { host, port }, tunnel };
}

/** @param path that of an abstract socket begins with a zero byte */
export function pathAddress(path: string): Address {
  const name = path.startsWith("\0") ? `unix-abstract:${path.slice(1)}` : `unix:${path}`;
  return { name, to: { path } };
}
