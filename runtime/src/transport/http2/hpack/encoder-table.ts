import { DynamicTable, defaultTableBytes } from "./dynamic-table.js";
import { EvictionCredit } from "./eviction-credit.js";
import { fieldOverhead, type HeaderField } from "./field.js";
import { KnownName } from "./known-name.js";
import { KnownNames } from "./known-names.js";
import { sharedField } from "./shared-fields.js";
import { firstDynamicIndex, staticIndexWith, staticNames } from "./static-table.js";

/** The largest value that is put into the table for the sake of its name alone. */
const maxValueForName = 64;

/** The dynamic table as an encoder uses it, with the static one: what is where, and what is worth being put in. */
export class EncoderTable extends DynamicTable {
  /** Made with the first eviction: most tables are never full. */
  #credit: EvictionCredit | undefined;
  /** Made with the first name that is asked for: a connection of calls without metadata needs none. */
  #names: KnownNames | undefined;

  constructor() {
    super(defaultTableBytes);
  }

  /** Differs from before whenever an index means another field than before. */
  get generation(): number {
    return this.inserted + this.evicted;
  }

  /** A block begins. */
  begin(): void {
    this.#credit?.earn();
  }

  #mayEvict(evictions: number): boolean {
    if (evictions === 0) return true;
    this.#credit ??= new EvictionCredit();
    return this.#credit.take(evictions);
  }

  known(name: string): KnownName {
    return this.#names?.get(name) ?? this.#learn(name);
  }

  /** Fields that repeat come into the table without it. */
  #learn(name: string): KnownName {
    const known = new KnownName(name);
    for (let number = this.evicted + 1; number <= this.inserted; number++) {
      const field = this.withNumber(number);
      if (field.name === name) known.entered(field.value, number);
    }
    this.#names ??= new KnownNames();
    this.#names.add(known);
    return known;
  }

  /**
   * The index of a field in either table, or 0. For fields that repeat, which are looked for only when the table has
   * changed: to go through it then costs less than to keep what is known of their names, on each connection.
   */
  indexOf(name: string, value: string): number {
    const staticIndex = staticIndexWith(name, value);
    return staticIndex === 0 ? this.#indexWhere((field) => field.name === name && field.value === value) : staticIndex;
  }

  /** The index of a field with this name, or 0. */
  indexOfName(name: string): number {
    return staticNames.get(name) ?? this.#indexWhere((field) => field.name === name);
  }

  /** The newest. */
  #indexWhere(isMeant: (field: HeaderField) => boolean): number {
    for (let number = this.inserted; number > this.evicted; number--) {
      if (isMeant(this.withNumber(number))) return this.indexOfNumber(number);
    }
    return 0;
  }

  /**
   * Where the whole field is: its number in the dynamic table, the negative of its index in the static one, or 0. Unlike
   * an index, this does not change when fields are put in.
   */
  numberOf(known: KnownName, value: string): number {
    return -known.staticIndexWith(value) || known.numberWith(value, this.evicted);
  }

  /** The index of a field with that number, or 0 where there is none any more. */
  indexOfNumber(number: number): number {
    if (number < 0) return -number;
    return number > this.evicted ? firstDynamicIndex + this.inserted - number : 0;
  }

  /** The index of a field with this name, or 0. */
  nameIndexOf(known: KnownName): number {
    if (known.staticIndex !== 0) return known.staticIndex;
    return this.indexOfNumber(known.newestNumber);
  }

  /**
   * Whether a field that no table has should be put into this one: one whose value is among the last of its name, as it
   * is likely to come again; or one whose name came before and has no index, for its name. Values that differ from call to call
   * fill the table with nothing but that. None that takes a quarter of the table.
   */
  isWorthEntering(known: KnownName, value: string): boolean {
    const bytes = listBytes(known.name, value);
    const isNameNew = !known.wasSent;
    known.wasSent = true;
    const isRecent = known.isRecent(value);
    if (4 * bytes > this.maxBytes) return false;
    if (!isRecent && (isNameNew || value.length > maxValueForName || this.nameIndexOf(known) !== 0)) return false;
    const evictions = this.evictionsFor(bytes);
    // Of a name with many entries, one is given up for a new one even where there is room: values may be without end.
    return this.#mayEvict(evictions === 0 && known.isCrowded ? 1 : evictions);
  }

  /**
   * Whether a field that is known to repeat should be put into the table: where it fits, but in the place of others only
   * if it was just written before. Of a thousand methods, each has a path that repeats, and they must not push out what is
   * the same for all.
   */
  hasRoomForRepeated(name: string, value: string): boolean {
    const bytes = listBytes(name, value);
    const evictions = this.evictionsFor(bytes);
    if (evictions === 0) return bytes <= this.maxBytes;
    return this.known(name).isRecent(value) && 4 * bytes <= this.maxBytes && this.#mayEvict(evictions);
  }

  enter(name: string, value: string): void {
    this.insert(sharedField(name, value));
    this.#names?.get(name)?.entered(value, this.inserted);
  }
}

function listBytes(name: string, value: string): number {
  return name.length + value.length + fieldOverhead;
}
