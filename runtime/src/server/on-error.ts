import type { ServerCall } from "../contract.js";

/** Told of every error that is no answer (anything but an RpcError): the peer hears only that something failed. */
export type OnError = (error: unknown, call: ServerCall) => void;
