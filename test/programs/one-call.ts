/** Makes one call to the address in its argument, prints the answer, and closes nothing. */
import { dial } from "@trunkline/runtime";
import { kindsClient } from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";

const { text } = await kindsClient(dial(process.argv[2]!)).unary({ text: "hello" });
console.log(text);
