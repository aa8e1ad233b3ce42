import { DynamicTable, defaultTableBytes } from "./dynamic-table.js";
import { EvictionCredit } from "./eviction-credit.js";
import { fieldOverhead, HeaderField } from "./field.js";
import type { KnownName } from "./known-name.js";
import { KnownNames } from "./known-names.js";
import { firstDynamicIndex } from "./static-table.js";

/** The largest value that is put into the table for the sake of its name alone. */
const maxValueForName = 64;

/** Both tables as an encoder uses them: what is where, and what is worth being put in. */
export class EncoderTable {
  readonly dynamic: DynamicTable = new DynamicTable(defaultTableBytes);
  readonly credit: EvictionCredit = new EvictionCredit();
  readonly #names = new KnownNames();

  /** Differs from before whenever an index means another field than before. */
  get generation(): number {
    return this.dynamic.inserted + this.dynamic.evicted;
  }

  known(name: string): KnownName {
    return this.#names.of(name);
  }

  /**
   * Where the whole field is: its number in the dynamic table, the negative of its index in the static one, or 0. Unlike
   * an index, this does not change when fields are put in.
   */
  numberOf(known: KnownName, value: string): number {
    return -known.staticIndexWith(value) || known.numberWith(value, this.dynamic.evicted);
  }

  /** The index of a field with that number, or 0 where there is none any more. */
  indexOfNumber(number: number): number {
    if (number < 0) return -number;
    return number > this.dynamic.evicted ? firstDynamicIndex + this.dynamic.inserted - number : 0;
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
    const isNameNew = !known.wasSent;
    known.wasSent = true;
    const isRecent = known.isRecent(value);
    if (4 * listBytes(known, value) > this.dynamic.maxBytes) return false;
    if (!isRecent && (isNameNew || value.length > maxValueForName || this.nameIndexOf(known) !== 0)) return false;
    const evictions = this.dynamic.evictionsFor(listBytes(known, value));
    // Of a name with many entries, one is given up for a new one even where there is room: values may be without end.
    return this.credit.take(evictions === 0 && known.isCrowded ? 1 : evictions);
  }

  /**
   * Whether a field that is known to repeat should be put into the table: where it fits, but in the place of others only
   * if it was just written before. Of a thousand methods, each has a path that repeats, and they must not push out what is
   * the same for all.
   */
  hasRoomForRepeated(known: KnownName, value: string): boolean {
    const bytes = listBytes(known, value);
    const evictions = this.dynamic.evictionsFor(bytes);
    if (evictions === 0) return bytes <= this.dynamic.maxBytes;
    return known.isRecent(value) && 4 * bytes <= this.dynamic.maxBytes && this.credit.take(evictions);
  }

  enter(known: KnownName, value: string): void {
    this.dynamic.insert(new HeaderField(known.name, value, false));
    known.entered(value, this.dynamic.inserted);
  }
}

function listBytes(known: KnownName, value: string): number {
  return known.name.length + value.length + fieldOverhead;
}
