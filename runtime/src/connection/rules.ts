/** The process-wide rules of connections: what `configureConnections` says, and the environment. */
import type { DialOptions } from "../dial.js";
import { describe, misuse } from "../error.js";
import { parseTarget } from "../target.js";
import { connectionOptionNames } from "./settings.js";

/** Rules for all later dials of the process; see {@link configureConnections}. */
export interface ConnectionRules {
  /**
   * `false` makes every connection short, whatever a dial says: a switch for the case that long ones do harm. The
   * environment variable `TRUNKLINE_LONG_CONNECTIONS` (`on` or `off`) overrules it. Default true.
   */
  readonly longConnections?: boolean | undefined;
  /**
   * What a dial means that brings connection options of its own (credentials, limits, …): `"long"` (default), a long
   * connection shared by all with equal options; `"short"`, a short connection for each of its calls.
   */
  readonly customOptions?: "long" | "short" | undefined;
  /** Options of every dial. */
  readonly defaults?: DialOptions | undefined;
  /** Options of the dials of a target, over the defaults. */
  readonly targets?: { readonly [target: string]: DialOptions } | undefined;
  /**
   * The targets of services by their full names, for `shared…Client()` without a target. The environment variable
   * `TRUNKLINE_TARGET_` and the name (`TRUNKLINE_TARGET_DEMO_V1_GREETER` for `demo.v1.Greeter`) overrules it.
   */
  readonly services?: { readonly [serviceName: string]: string } | undefined;
}

const ruleNames = ["longConnections", "customOptions", "defaults", "targets", "services"];

/** Throws an INVALID_ARGUMENT that names the rule. Options in it are checked by the dials that use them. */
export function checkRules(rules: ConnectionRules): ConnectionRules {
  if (typeof rules !== "object" || rules === null) {
    throw misuse(`configureConnections: must be given an object, not ${describe(rules)}`);
  }
  const unknown = Object.keys(rules).find((name) => !ruleNames.includes(name));
  if (unknown !== undefined) throw misuse(`${unknown}: there is no such rule, only ${ruleNames.join(", ")}`);
  const { longConnections, customOptions, targets = {}, services = {} } = rules;
  if (longConnections !== undefined && typeof longConnections !== "boolean") {
    throw misuse(`longConnections: must be true or false, not ${describe(longConnections)}`);
  }
  if (customOptions !== undefined && customOptions !== "long" && customOptions !== "short") {
    throw misuse(`customOptions: must be "long" or "short", not ${describe(customOptions)}`);
  }
  for (const target of [...Object.keys(targets), ...Object.values(services)]) parseTarget(target);
  return rules;
}

/** The options of a dial with those of the rules below them. */
export function applyRules(target: string, options: DialOptions, rules: ConnectionRules): DialOptions {
  const { uri } = parseTarget(target);
  const forTarget = Object.entries(rules.targets ?? {}).find(([name]) => parseTarget(name).uri === uri)?.[1];
  const all = { ...rules.defaults, ...forTarget, ...given(options) };
  const isCustom = connectionOptionNames.some((name) => options[name] !== undefined);
  const shortByRule =
    !longConnections(rules) || (isCustom && all.connection === undefined && rules.customOptions === "short");
  // A pool is of long connections.
  return shortByRule ? { ...all, connection: "short", pool: undefined } : all;
}

function given(options: DialOptions): DialOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

function longConnections(rules: ConnectionRules): boolean {
  const value = process.env.TRUNKLINE_LONG_CONNECTIONS;
  if (value === undefined || value === "") return rules.longConnections ?? true;
  if (value === "on" || value === "off") return value === "on";
  throw misuse(`TRUNKLINE_LONG_CONNECTIONS: must be on or off, not ${describe(value)}`);
}

/** Where a service is, for whoever does not say. */
export function targetOf(serviceName: string, rules: ConnectionRules): string {
  const variable = `TRUNKLINE_TARGET_${serviceName.replace(/[^A-Za-z0-9]/g, "_").toUpperCase()}`;
  const target = process.env[variable] || rules.services?.[serviceName];
  if (target !== undefined) return target;
  throw misuse(
    `target: no target is known for ${serviceName}; pass one, such as "localhost:50051", or name it in ` +
      `configureConnections({ services }) or in the environment variable ${variable}`,
  );
}
