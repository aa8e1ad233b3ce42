/** Of samples of which some are disturbed by whatever else the machine does: nothing here is moved by a few outliers. */

/** The value below which the part `q` (0…1) of the samples lies. NaN where there are none. */
export function quantile(samples: readonly number[], q: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (sorted.length - 1) * q;
  const below = sorted[Math.floor(at)];
  const above = sorted[Math.ceil(at)];
  if (below === undefined || above === undefined) return Number.NaN;
  return below + (above - below) * (at - Math.floor(at));
}

export function median(samples: readonly number[]): number {
  return quantile(samples, 0.5);
}

/** The interquartile range as a part of the median: the middle half of the samples lies within it. */
export function spread(samples: readonly number[]): number {
  const middle = median(samples);
  if (samples.length < 2 || middle === 0) return 0;
  return Math.abs((quantile(samples, 0.75) - quantile(samples, 0.25)) / middle);
}

/** Beyond this a median says little; tables mark it. */
export const wideSpread = 0.15;

export function isWide(samples: readonly number[]): boolean {
  return spread(samples) > wideSpread;
}

/** The ratios to a baseline that took turns with it, turn by turn; one, of the medians, where the turns do not match. */
export function ratios(samples: readonly number[], baseline: readonly number[]): number[] {
  if (samples.length !== baseline.length) return [median(samples) / median(baseline)];
  return samples.map((sample, i) => sample / baseline[i]!);
}

/** The median of the ratios of each turn, so that what slowed both down in one turn cancels out. */
export function ratio(samples: readonly number[], baseline: readonly number[]): number {
  return median(ratios(samples, baseline));
}

/**
 * The knee of a closed system's load curve: the fewest callers that bring nine tenths of its most throughput. From there
 * on more callers bring hardly more of it, and only wait longer.
 */
export function knee(points: readonly { readonly callers: number; readonly throughput: number }[]): number {
  const most = Math.max(...points.map(({ throughput }) => throughput));
  const enough = points.filter(({ throughput }) => throughput >= 0.9 * most);
  return Math.min(...enough.map(({ callers }) => callers));
}
