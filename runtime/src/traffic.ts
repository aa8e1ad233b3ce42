import type { Traffic } from "./contract.js";

/** Of a call that has sent and received nothing. */
export const noTraffic: Traffic = { sentBytes: 0, receivedBytes: 0 };
