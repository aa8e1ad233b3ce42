/**
 * Options that are passed on to the generator of a message library. Generators ignore what they do not understand, or
 * fail without a word about where it came from, so names and values are checked here, without loading one.
 */
import { PluginError } from "../errors.js";
import { nearest } from "../nearest.js";

/** Name to value, as the user wrote them after the prefix. */
export type PassedOptions = ReadonlyMap<string, string>;

/** The values that an option takes; a pattern where they cannot be listed. */
export type Values = readonly string[] | RegExp;

/** What the services, or the layout of files, cannot do with; why, and what to do. */
export interface Refusal {
  readonly name: string;
  readonly allowed: (value: string) => boolean;
  /** Applies only with this value of `requests`. */
  readonly requests?: "partial";
  readonly reason: string;
}

/** What can be passed on to one generator. */
export interface PassedOptionsSpec {
  /** `ts_proto.`: what options of this plugin begin with that are passed on. */
  readonly prefix: string;
  /** The generator's name, as its users know it. */
  readonly generator: string;
  /** Every option that the generator has. */
  readonly values: { readonly [name: string]: Values };
  readonly refusals: readonly Refusal[];
}

/** For `Refusal.allowed`. */
export const only =
  (...values: readonly string[]) =>
  (value: string): boolean =>
    values.includes(value);

/** Checks one option by itself. Throws a {@link PluginError}. */
export function checkPassedOption(spec: PassedOptionsSpec, name: string, value: string): void {
  const { prefix, generator } = spec;
  const values = Object.hasOwn(spec.values, name) ? spec.values[name] : undefined;
  if (values === undefined) {
    const meant = nearest(name, Object.keys(spec.values));
    const hint = meant === undefined ? `see the list in ${generator}'s README` : `did you mean ${prefix}${meant}?`;
    throw new PluginError(`${generator} has no option ${name}`, { hint });
  }
  if (values instanceof RegExp ? !values.test(value) : !values.includes(value)) {
    const hint = values instanceof RegExp ? `it must match ${values.source}` : `write one of ${values.join(", ")}`;
    throw new PluginError(`option ${prefix}${name} has no value "${value}"`, { hint });
  }
}

/** Refuses what the generator can do and services cannot use. Throws a {@link PluginError}. */
export function refusePassedOptions(
  spec: PassedOptionsSpec,
  options: PassedOptions,
  requests: "partial" | "full",
): void {
  for (const [name, value] of options) {
    for (const refusal of spec.refusals.filter((one) => one.name === name)) {
      if (refusal.allowed(value) || (refusal.requests !== undefined && refusal.requests !== requests)) continue;
      throw new PluginError(`option ${spec.prefix}${name}=${value} does not work here`, { hint: refusal.reason });
    }
  }
}
