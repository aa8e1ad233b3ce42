import { HeaderField } from "./field.js";
import { sensitiveNames } from "./sensitive-names.js";

/** A power of two: some times as many as the fields that a service and its callers repeat. */
const slotCount = 512;

/** What is longer is not shared: memory must not follow what peers send. */
const longestName = 64;
const longestValue = 128;

const slots: (HeaderField | undefined)[] = new Array(slotCount).fill(undefined);

/**
 * A field for a table. Connections of a process mostly say the same: a field that another table has, or had lately, is
 * that object, so that a connection that is idle holds none of its own. A field has one slot, and a later one with the same
 * slot takes its place.
 */
export function sharedField(name: string, value: string): HeaderField {
  if (name.length > longestName || value.length > longestValue || sensitiveNames.has(name)) {
    return new HeaderField(name, value, false);
  }
  const slot = slotOf(name, value);
  const known = slots[slot];
  if (known !== undefined && known.name === name && known.value === value) return known;
  const field = new HeaderField(name, value, false);
  slots[slot] = field;
  return field;
}

/** By some of the characters: of most fields that differ, one of these does. */
function slotOf(name: string, value: string): number {
  let hash = name.length * 31 + value.length;
  for (let i = 0; i < name.length; i += 3) hash = (hash * 31 + name.charCodeAt(i)) | 0;
  for (let i = value.length - 1; i >= 0; i -= 4) hash = (hash * 31 + value.charCodeAt(i)) | 0;
  return (hash ^ (hash >>> 9)) & (slotCount - 1);
}
