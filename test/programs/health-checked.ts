/**
 * Makes one call, with a health check, to the address in its first argument, which may take as many milliseconds as the
 * second says; prints the answer, or why there is none; and closes nothing.
 */
import { dial, type RpcError } from "@trunkline/runtime";
import { kindsClient } from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";

const [address, timeoutMs] = process.argv.slice(2);
const channel = dial(address!, { healthCheck: { serviceName: "kinds.v1.Kinds" } });
kindsClient(channel)
  .unary({ text: "hello" }, { timeoutMs: Number(timeoutMs) })
  .then(
    ({ text }) => console.log(text),
    ({ code }: RpcError) => console.log(code),
  );
