/** Makes one call to the address in its argument, on the transport in its second, prints the answer, and closes nothing. */
import { dial, type TransportName } from "@trunkline/runtime";
import { kindsClient } from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";

const [address, transport] = process.argv.slice(2);
const { text } = await kindsClient(dial(address!, { transport: transport as TransportName })).unary({ text: "hello" });
console.log(text);
