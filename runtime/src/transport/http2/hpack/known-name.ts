import { staticFields, staticNames } from "./static-table.js";

/**
 * Names whose values no table must hold, here or on the way (RFC 7541, section 7.1.3): who may add fields to the same
 * connection could find out a value that is in a table, by guessing it and looking at the length.
 */
const sensitiveNames: ReadonlySet<string> = new Set(["authorization", "proxy-authorization", "cookie", "set-cookie"]);

/** A longer value is not remembered: memory must not follow what callers send. */
const maxRemembered = 256;

/** How many of a name's entries are looked through for a value. */
const maxEntries = 16;

/** What an encoder knows of a name: where the tables have it, with which values, and which values it had lately. */
export class KnownName {
  readonly name: string;
  readonly isSensitive: boolean;
  /** Where the static table has it first; 0 where it does not. */
  readonly #staticIndex: number;
  /** Its entries in the dynamic table, the oldest first: numbers, as `DynamicTable` counts them, and their values. */
  readonly #numbers: number[] = [];
  readonly #values: string[] = [];
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
    if (this.#staticIndex === 0) return 0;
    for (let index = this.#staticIndex; staticFields[index]?.name === this.name; index++) {
      if (staticFields[index]!.value === value) return index;
    }
    return 0;
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
    if (this.isCrowded) {
      this.#numbers.shift();
      this.#values.shift();
    }
    this.#numbers.push(number);
    this.#values.push(value);
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
    while (this.#numbers.length > 0 && this.#numbers[0]! <= evicted) {
      this.#numbers.shift();
      this.#values.shift();
    }
  }
}
