/**
 * Makes ts-proto find comments in time that is linear in the size of a file.
 *
 * Symptom: half the time of all messages goes into a few large files, such as google/cloud/compute/v1/compute.proto.
 * Cause: for each message, `SourceInfo.open` of ts-proto 2.18 goes through all locations of the file and copies those
 * within the message. There is no other way in: `generateFile` makes its SourceInfo by itself, from the descriptor.
 */
import { type Locations, SourceInfoClass } from "./load.js";

/** Replaces `SourceInfo.open` by one that sorts all locations at once, when it is first asked about one of them. */
export function openByIndex(): void {
  const byLocations = new WeakMap<Locations, ReadonlyMap<string, Locations>>();
  SourceInfoClass.prototype.open = function (type, index) {
    let children = byLocations.get(this.sourceCode);
    if (children === undefined) {
      children = childrenOf(this.sourceCode);
      byLocations.set(this.sourceCode, children);
    }
    return new SourceInfoClass(children.get(`${type}.${index}`) ?? {}, this.lookup(type, index));
  };
}

/** By the first two numbers of a path, the locations below: `4.0.2.1` is `2.1` of `4.0`. */
function childrenOf(locations: Locations): ReadonlyMap<string, Locations> {
  const children = new Map<string, { [path: string]: unknown }>();
  for (const [path, location] of Object.entries(locations)) {
    const end = path.indexOf(".", path.indexOf(".") + 1);
    if (end < 0) continue;
    const child = children.get(path.slice(0, end));
    if (child === undefined) children.set(path.slice(0, end), { [path.slice(end + 1)]: location });
    else child[path.slice(end + 1)] = location;
  }
  return children;
}
