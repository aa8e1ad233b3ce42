import { HeaderField } from "./field.js";

/** RFC 7541, Appendix A, from index 1 on; those that have no value there have none here. */
const pairs: readonly (readonly [name: string, value?: string])[] = [
  [":authority"],
  [":method", "GET"],
  [":method", "POST"],
  [":path", "/"],
  [":path", "/index.html"],
  [":scheme", "http"],
  [":scheme", "https"],
  [":status", "200"],
  [":status", "204"],
  [":status", "206"],
  [":status", "304"],
  [":status", "400"],
  [":status", "404"],
  [":status", "500"],
  ["accept-charset"],
  ["accept-encoding", "gzip, deflate"],
  ["accept-language"],
  ["accept-ranges"],
  ["accept"],
  ["access-control-allow-origin"],
  ["age"],
  ["allow"],
  ["authorization"],
  ["cache-control"],
  ["content-disposition"],
  ["content-encoding"],
  ["content-language"],
  ["content-length"],
  ["content-location"],
  ["content-range"],
  ["content-type"],
  ["cookie"],
  ["date"],
  ["etag"],
  ["expect"],
  ["expires"],
  ["from"],
  ["host"],
  ["if-match"],
  ["if-modified-since"],
  ["if-none-match"],
  ["if-range"],
  ["if-unmodified-since"],
  ["last-modified"],
  ["link"],
  ["location"],
  ["max-forwards"],
  ["proxy-authenticate"],
  ["proxy-authorization"],
  ["range"],
  ["referer"],
  ["refresh"],
  ["retry-after"],
  ["server"],
  ["set-cookie"],
  ["strict-transport-security"],
  ["transfer-encoding"],
  ["user-agent"],
  ["vary"],
  ["via"],
  ["www-authenticate"],
];

/** By index; there is none at 0. */
export const staticFields: readonly (HeaderField | undefined)[] = [
  undefined,
  ...pairs.map(([name, value]) => new HeaderField(name, value ?? "", false)),
];

/** The index of the newest entry of the dynamic table: the first after the static ones. */
export const firstDynamicIndex = 62;

/** The first index of each name; the fields of a name are next to each other. */
export const staticNames: ReadonlyMap<string, number> = new Map(
  pairs.map(([name], at) => [name, at + 1] as const).reverse(),
);

/** The index of a name with this value, or 0. */
export function staticIndexWith(name: string, value: string): number {
  const first = staticNames.get(name);
  if (first === undefined) return 0;
  for (let index = first; staticFields[index]?.name === name; index++) {
    if (staticFields[index]!.value === value) return index;
  }
  return 0;
}
