import { isIPv6 } from "node:net";

/**
 * IPv6 and IPv4 in turn, beginning with the family of the first (RFC 8305, section 4): where one of them leads nowhere,
 * the other is tried soon.
 */
export function familiesInTurn<T>(list: readonly T[], hostOf: (one: T) => string): T[] {
  const [first] = list;
  const isLeading = (one: T) => isIPv6(hostOf(one)) === isIPv6(hostOf(first!));
  const leading = list.filter(isLeading);
  const others = list.filter((one) => !isLeading(one));
  const longer = Math.max(leading.length, others.length);
  return Array.from({ length: longer }, (_, i) => [...leading.slice(i, i + 1), ...others.slice(i, i + 1)]).flat();
}
