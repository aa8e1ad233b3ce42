/** `select`: an interceptor for some of the calls only. */
import type { Call, Idempotency, Interceptor, MethodDesc, MethodKind } from "../contract.js";
import { describe, misuse } from "../error.js";
import { compose } from "../interceptor.js";

/** Which calls: everything that is given has to hold; of a list, one entry. */
export interface MethodMatch {
  /** `package.Service/Method`; `*` stands for any characters: `package.Service/*`, `package.*`, `*.Greeter/Get*`. */
  readonly name?: string | readonly string[] | undefined;
  readonly kind?: MethodKind | readonly MethodKind[] | undefined;
  /** `idempotency_level` of the proto. */
  readonly idempotency?: Idempotency | readonly Idempotency[] | undefined;
}

/** Names with wildcards, a {@link MethodMatch}, or a function that looks at each call. */
export type Matching = string | readonly string[] | MethodMatch | ((call: Call) => boolean);

/**
 * Runs `interceptor` for the calls that match; for others it is not there.
 *
 * @throws RpcError INVALID_ARGUMENT, when it is made, for a name that no method can have, a kind or an
 *   idempotency that there is not, and an empty match
 */
export function select(matching: Matching, interceptor: Interceptor): Interceptor {
  return selecting(toPredicate("select", matching), interceptor);
}

/** The opposite: runs `interceptor` for the calls that do not match, as for all but the health service. */
export function except(matching: Matching, interceptor: Interceptor): Interceptor {
  const matches = toPredicate("except", matching);
  return selecting((call) => !matches(call), interceptor);
}

function selecting(matches: (call: Call) => boolean, interceptor: Interceptor): Interceptor {
  return (next) => {
    const selected = compose([interceptor], next);
    return (call) => (matches(call) ? selected(call) : next(call));
  };
}

function toPredicate(made: string, matching: Matching): (call: Call) => boolean {
  if (typeof matching === "function") return matching;
  const isNames = typeof matching === "string" || Array.isArray(matching);
  const wanted: MethodMatch = isNames ? { name: matching as string | readonly string[] } : (matching as MethodMatch);
  if (typeof wanted !== "object" || wanted === null || Object.values(wanted).every((value) => value === undefined)) {
    throw misuse(`${made}(): say which calls: a name, { name, kind, idempotency }, or a function`);
  }
  // A property that nobody reads would match everything.
  for (const [property, value] of Object.entries(wanted)) check(made, property, value);
  const names = wanted.name === undefined ? undefined : listOf(wanted.name).map((name) => toPattern(made, name));
  const kinds = wanted.kind === undefined ? undefined : listOf(wanted.kind);
  const levels = wanted.idempotency === undefined ? undefined : listOf(wanted.idempotency);
  const matches = ({ path, kind, idempotency }: MethodDesc) =>
    (names === undefined || names.some((pattern) => pattern.test(path.slice(1)))) &&
    (kinds === undefined || kinds.includes(kind)) &&
    (levels === undefined || levels.includes(idempotency));
  // A table entry is one object for the life of the process, and what it says of itself does not change.
  const known = new WeakMap<MethodDesc, boolean>();
  return ({ method }) => {
    const before = known.get(method);
    if (before !== undefined) return before;
    const now = matches(method);
    known.set(method, now);
    return now;
  };
}

/** What each property may be; undefined where that is not a list of words. */
const words: { readonly [Property in keyof Required<MethodMatch>]: readonly string[] | undefined } = {
  name: undefined,
  kind: ["unary", "serverStream", "clientStream", "bidiStream"] satisfies MethodKind[],
  idempotency: ["unknown", "noSideEffects", "idempotent"] satisfies Idempotency[],
};

function check(made: string, property: string, value: unknown): void {
  if (!Object.hasOwn(words, property)) throw misuse(`${made}(): calls are not told by ${describe(property)}`);
  const known = words[property as keyof MethodMatch];
  const unknown =
    value === undefined ? undefined : listOf(value).find((word) => known?.includes(word as string) === false);
  if (unknown === undefined) return;
  throw misuse(`${made}(): ${property} is one of ${known?.join(", ")}, not ${describe(unknown)}`);
}

function listOf<T>(value: T | readonly T[]): readonly T[] {
  return Array.isArray(value) ? value : [value as T];
}

/** A leading slash is allowed: it is how paths are written. */
function toPattern(made: string, name: unknown): RegExp {
  if (typeof name !== "string" || !/^\/?[\w.*]+(\/[\w*]+)?$/.test(name) || !/[/*]/.test(name.slice(1))) {
    throw misuse(
      `${made}(): ${describe(name)} is no method's name; write "package.Service/Method" or "package.Service/*"`,
    );
  }
  const escaped = name.replace(/^\//, "").replaceAll(".", "\\.").replaceAll("*", ".*");
  return new RegExp(`^${escaped}$`);
}
