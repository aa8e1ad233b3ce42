/** Numbers as people read them: three digits that count. */

/** Stands at a spread that is too wide to judge by. */
export const wideMark = "‼";

export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size >= 100) return Math.round(value).toLocaleString("en");
  if (Number.isInteger(value)) return String(value);
  return value.toFixed(size >= 10 ? 1 : size >= 1 ? 2 : 3);
}

/** In the unit that suits its size; bytes become KB or MB. */
export function formatValue(value: number, unit: string): string {
  if (unit !== "bytes") return formatNumber(value);
  const size = Math.abs(value);
  return size >= 1e6 ? `${formatNumber(value / 1e6)} MB` : `${formatNumber(value / 1000)} KB`;
}

export function formatRatio(ratio: number): string {
  return `${ratio >= 100 ? Math.round(ratio) : ratio.toFixed(2)}×`;
}
