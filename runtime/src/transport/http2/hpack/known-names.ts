import type { KnownName } from "./known-name.js";

/** A connection's own names and those of an application's metadata are fewer; of two generations, each has so many. */
const perGeneration = 32;

/**
 * The names that were sent lately: names may come from callers, and memory must not follow them.
 *
 * Two generations: a name that is used moves to the younger one, and when that is full, the older one is dropped. So a name
 * in use stays, whatever others pass by, at the cost of one look-up.
 */
export class KnownNames {
  #younger = new Map<string, KnownName>();
  #older: Map<string, KnownName> | undefined;

  get(name: string): KnownName | undefined {
    return this.#younger.get(name) ?? this.#moved(name);
  }

  add(known: KnownName): void {
    if (this.#younger.size >= perGeneration) {
      this.#older = this.#younger;
      this.#younger = new Map();
    }
    this.#younger.set(known.name, known);
  }

  #moved(name: string): KnownName | undefined {
    const known = this.#older?.get(name);
    if (known !== undefined) this.add(known);
    return known;
  }
}
