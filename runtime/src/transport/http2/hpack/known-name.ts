import { sensitiveNames } from "./sensitive-names.js";
import { staticIndexWith, staticNames } from "./static-table.js";

/** A longer value is not remembered: memory must not follow what callers send. */
const maxRemembered = 256;

/** How many of a name's entries are looked through for a value. */
const maxEntries = 16;

const none: readonly never[] = [];

/** What an encoder knows of a name: where the tables have it, with which values, and which values it had lately. */
export class KnownName {
  readonly name: string;
  readonly isSensitive: boolean;
  /** Where the static table has it first; 0 where it does not. */
  readonly #staticIndex: number;
  /**
   * Its entries in the dynamic table, the oldest first: numbers, as `DynamicTable` counts them, and their values. Arrays
   * that are as long as they need to be: most names have one entry, and an array that grows has room for many.
   */
  #numbers: readonly number[] = none;
  #values: readonly string[] = none;
  /** Its last two values that differ: two, so that values that take turns are seen to come again. */
  #last: string | undefined;
  #beforeLast: string | undefined;
  /** It was sent before. */
  wasSent = false;

  constructor(name: string) {
    this.name = name;
    this.isSensitive = sensitiveNames.has(name);
    this.#staticIndex = staticNames.get(name) ?? 0;
  }

  /** The index of this name with this value in the static table, or 0. */
  staticIndexWith(value: string): number {
    return this.#staticIndex === 0 ? 0 : staticIndexWith(this.name, value);
  }

  /** The number of the entry with this value, of those after number `evicted`, or 0. */
  numberWith(value: string, evicted: number): number {
    this.#forgetUpTo(evicted);
    for (let i = this.#values.length - 1; i >= 0; i--) if (this.#values[i] === value) return this.#numbers[i]!;
    return 0;
  }

  /** Where the static table has the name, or 0. */
  get staticIndex(): number {
    return this.#staticIndex;
  }

  /** The number of its newest entry, which may be evicted, or 0. */
  get newestNumber(): number {
    return this.#numbers.length === 0 ? 0 : this.#numbers[this.#numbers.length - 1]!;
  }

  /** So many of its entries are in the table that another one takes the place of one of them here. */
  get isCrowded(): boolean {
    return this.#numbers.length >= maxEntries;
  }

  entered(value: string, number: number): void {
    const first = this.isCrowded ? 1 : 0;
    this.#numbers = this.#numbers.slice(first).concat(number);
    this.#values = this.#values.slice(first).concat(value);
  }

  /** Whether this is one of its last two values; remembers it as one. */
  isRecent(value: string): boolean {
    if (value === this.#last || value === this.#beforeLast) return true;
    if (value.length > maxRemembered) return false;
    this.#beforeLast = this.#last;
    this.#last = value;
    return false;
  }

  #forgetUpTo(evicted: number): void {
    let gone = 0;
    while (gone < this.#numbers.length && this.#numbers[gone]! <= evicted) gone++;
    if (gone === 0) return;
    this.#numbers = this.#numbers.slice(gone);
    this.#values = this.#values.slice(gone);
  }
}
