/** Makes one call to each of the xDS targets in its arguments, prints the answer or why there is none, and closes. */
import { dial, insecure, RpcError } from "@trunkline/runtime";
import { kindsClient } from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";

for (const target of process.argv.slice(2)) {
  const channel = dial(target, { credentials: insecure(), timeoutMs: 10_000 });
  try {
    const { text } = await kindsClient(channel).unary({});
    console.log(text);
  } catch (error) {
    let reason = RpcError.from(error);
    while (reason.cause instanceof RpcError) reason = reason.cause;
    console.log(reason.message);
  } finally {
    await channel.close();
  }
}
