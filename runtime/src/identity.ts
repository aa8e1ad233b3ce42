/** Shared by all copies of this package in an isolate, which share connections as well: their numbers must not differ. */
const place = Symbol.for("trunkline.identities");
const shared = globalThis as { [place]?: { readonly numbers: WeakMap<object, number>; last: number } };

shared[place] ??= { numbers: new WeakMap(), last: 0 };

const identities = shared[place];

/** A number for an object or a function: the same for the same one, another for every other. */
export function identityOf(one: object): number {
  let identity = identities.numbers.get(one);
  if (identity === undefined) {
    identity = ++identities.last;
    identities.numbers.set(one, identity);
  }
  return identity;
}
