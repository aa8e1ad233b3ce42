/**
 * The plugin, given protos that compile: what it makes of them, with either library, type-checks, loads, and carries
 * calls. A case is a batch of protos, since compilers cost more to start than to run.
 */
import { checkRandomProtos } from "../plugin/random-output.js";
import type { FuzzTarget } from "./target.js";

const batch = 10;

export const protos: FuzzTarget = {
  name: "protos",
  async run(random) {
    const { faults, called } = await checkRandomProtos(random.int(2 ** 31), batch);
    if (faults.length > 0) throw new Error(faults.join("\n\n"));
    // Most of them have methods, and few are refused.
    if (called < batch) throw new Error(`no more than ${called} calls were made`);
  },
};
