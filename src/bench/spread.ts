/** The middle of repeated measurements, and how far they lie apart. */
export interface Spread {
  readonly median: number;
  /** 10th and 90th percentile. */
  readonly p10: number;
  readonly p90: number;
  readonly count: number;
}

/** Of at least one number. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  return {
    median: quantile(sorted, 0.5),
    p10: quantile(sorted, 0.1),
    p90: quantile(sorted, 0.9),
    count: sorted.length,
  };
}

/** a[i] / b[i] of measurements that were taken one right after the other. */
export function ratioOf(a: readonly number[], b: readonly number[]): Spread {
  return spreadOf(a.slice(0, b.length).map((value, i) => value / b[i]!));
}

/** Linear between the two nearest. */
function quantile(sorted: readonly number[], share: number): number {
  const place = share * (sorted.length - 1);
  const below = Math.floor(place);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below]! + (place - below) * (sorted[above]! - sorted[below]!);
}
