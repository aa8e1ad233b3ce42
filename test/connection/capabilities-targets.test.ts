/** Which targets a transport can reach, of those that not all can: docs/transports.md. */
import { dial } from "@trunkline/runtime";
import { kindsClient } from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import { startKinds, stopKinds } from "../runtime/kinds.js";
import { transports } from "../runtime/transports.js";

afterEach(stopKinds);

describe.each(transports)("on $name", ({ transport }) => {
  test("a name that the socket itself looks up", async () => {
    const { address } = await startKinds(transport, { unary: ({ text }) => ({ text }) });
    const channel = dial(`passthrough:///${address}`, { transport });
    expect(await kindsClient(channel).unary({ text: "passed" })).toMatchObject({ text: "passed" });
    await channel.close();
  });
});
