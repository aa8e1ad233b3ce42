/** Connects, or makes a call, closes nothing, and says how the call ended and what the connection is doing. */
import { dial, insecure, tls } from "@trunkline/runtime";
import { kindsClient } from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";

const [transport, what, target] = process.argv.slice(2) as ["http2", string, string];
const credentials = what === "handshake" ? tls() : insecure();
const channel = dial(target, { transport, credentials, loadBalancing: "round_robin" });

if (what === "call") {
  await kindsClient(channel)
    .unary({}, { timeoutMs: 300 })
    .catch(({ message }) => console.log(message));
} else {
  channel.connect();
}
console.log(channel.state);
