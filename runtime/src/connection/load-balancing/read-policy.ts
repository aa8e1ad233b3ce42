/** Reads which policy is wanted: its name, or the first that is known of a `loadBalancingConfig` (gRPC service config). */
import type { LoadBalancing } from "../../contract.js";
import { describe, misuse, RpcError } from "../../error.js";
import { inTurn, leastRequest } from "./choose.js";
import { EveryAddress } from "./every-address.js";
import { PickFirst } from "./pick-first.js";
import type { Policy, PolicyContext } from "./policy.js";

export type MakePolicy = (context: PolicyContext) => Policy;

/** gRFC A48: as many as may be compared for a call, and as few. */
const mostChoices = 10;
const leastChoices = 2;

/** By their names in a service config, each with what reads its configuration. */
const policies: { readonly [name: string]: (config: object) => MakePolicy } = {
  pick_first: readPickFirst,
  round_robin: () => (context) => new EveryAddress(context, inTurn()),
  least_request: (config) => readLeastRequest("least_request", config),
  least_request_experimental: (config) => readLeastRequest("least_request_experimental", config),
};

/**
 * What makes the policy that is wanted.
 *
 * @throws RpcError INVALID_ARGUMENT where none of it is known, or none can be used
 */
export function readPolicy(wanted: LoadBalancing, transport: string): MakePolicy {
  const list: readonly { readonly [policy: string]: object }[] =
    typeof wanted === "string" ? [{ [wanted]: {} }] : wanted;
  const faults: string[] = [];
  for (const one of list) {
    const [name, ...more] = Object.keys(one);
    try {
      if (name === undefined || more.length > 0) throw misuse("an entry names one policy: { round_robin: {} }");
      if (!Object.hasOwn(policies, name))
        throw misuse(`there is no policy ${name}, only ${Object.keys(policies).join(", ")}`);
      return policies[name]!(one[name]!);
    } catch (error) {
      faults.push(RpcError.from(error).details);
    }
  }
  throw misuse(`loadBalancing: the transport ${transport} can use none of it: ${faults.join("; ")}`);
}

/** gRFC A62. */
function readPickFirst(config: object): MakePolicy {
  const { shuffleAddressList = false } = Object(config) as { readonly shuffleAddressList?: unknown };
  if (typeof shuffleAddressList !== "boolean") {
    throw misuse(`pick_first.shuffleAddressList: must be true or false, not ${describe(shuffleAddressList)}`);
  }
  return (context) => new PickFirst(context, shuffleAddressList);
}

function readLeastRequest(name: string, config: object): MakePolicy {
  const { choiceCount = leastChoices } = Object(config) as { readonly choiceCount?: unknown };
  if (typeof choiceCount !== "number" || !Number.isInteger(choiceCount) || choiceCount < leastChoices) {
    throw misuse(`${name}.choiceCount: must be a whole number, at least ${leastChoices}, not ${describe(choiceCount)}`);
  }
  return (context) => new EveryAddress(context, leastRequest(Math.min(choiceCount, mostChoices)));
}
