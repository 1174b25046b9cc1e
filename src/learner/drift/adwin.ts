import type { Change, ChangeDetector, DetectorState } from "./detector.ts";

export interface AdwinSettings {
  /** δ: bound on the probability of a false alarm at one look, 0…1. */
  readonly delta: number;
  /** Looks for a change at every so many values, ≥ 1. */
  readonly clock: number;
  /** M: buckets of each size before two are merged, ≥ 2. */
  readonly maxBuckets: number;
  /** Fewest values on either side of a cut, ≥ 1. */
  readonly minWindow: number;
  /** No change is looked for in so few values. */
  readonly grace: number;
}

/** As in MOA and River. */
export const adwinDefaults: AdwinSettings = { delta: 0.002, clock: 32, maxBuckets: 5, minWindow: 5, grace: 10 };

/** Buckets of 2^r values each, oldest first. */
interface Row {
  readonly totals: number[];
  /** Sums of squared deviations from the bucket's mean. */
  readonly squares: number[];
}

/**
 * ADWIN (Bifet and Gavaldà 2007, ADWIN2): a window that grows until two parts of it have means too far apart for chance,
 * kept as an exponential histogram of O(M·log n) buckets (Datar et al. 2002). Cuts are judged as in MOA, by the window's
 * variance and δ′ = δ ÷ ln n.
 *
 * At a change the paper drops the older part and goes on with the newer one; this one drops both, as River does: buckets that
 * straddle the change would tell of it again and again. A mean that fell is a change as well as one that rose.
 */
export function adwin(settings: AdwinSettings, saved?: DetectorState): ChangeDetector {
  const { clock, grace, maxBuckets } = settings;
  const [[savedTicks = 0] = [], ...pairs] = saved ?? [];
  let ticks = savedTicks;
  let rows = rowsOf(pairs);

  return {
    update(value) {
      ticks += 1;
      insert(rows, value, maxBuckets);
      if (ticks % clock !== 0) return null;
      const width = rows.reduce((sum, { totals }, r) => sum + totals.length * 2 ** r, 0);
      const change = width > grace ? widestCut(rows, width, settings) : null;
      if (change !== null) {
        ticks = 0;
        rows = rowsOf([]);
      }
      return change;
    },
    save: () => [[ticks], ...rows.flatMap(({ totals, squares }) => [[...totals], [...squares]])],
  };
}

function rowsOf(pairs: DetectorState): Row[] {
  const rows = Array.from({ length: Math.floor(pairs.length / 2) }, (_, r) => {
    return { totals: [...pairs[2 * r]!], squares: [...pairs[2 * r + 1]!] };
  });
  return rows.length > 0 ? rows : [{ totals: [], squares: [] }];
}

function insert(rows: Row[], value: number, maxBuckets: number): void {
  rows[0]!.totals.push(value);
  rows[0]!.squares.push(0);
  for (let r = 0; rows[r]!.totals.length > maxBuckets; r++) {
    const size = 2 ** r;
    const [totalA, totalB] = rows[r]!.totals.splice(0, 2);
    const [squaresA, squaresB] = rows[r]!.squares.splice(0, 2);
    const apart = (totalA! - totalB!) / size;
    const next = (rows[r + 1] ??= { totals: [], squares: [] });
    next.totals.push(totalA! + totalB!);
    // Chan et al.: two equal parts whose means are d apart add n·d²/2.
    next.squares.push(squaresA! + squaresB! + (size * apart * apart) / 2);
  }
}

/** Of the cuts between buckets that are no chance, the one that is furthest from being it. */
function widestCut(rows: readonly Row[], width: number, { delta, minWindow }: AdwinSettings): Change | null {
  const { total, variance } = moments(rows, width);
  const confidence = Math.log((2 * Math.log(width)) / delta);
  let olderCount = 0;
  let olderTotal = 0;
  let change: Change | null = null;
  let most = 1;
  for (let r = rows.length - 1; r >= 0; r--) {
    for (const bucket of rows[r]!.totals) {
      olderCount += 2 ** r;
      olderTotal += bucket;
      const newerCount = width - olderCount;
      if (olderCount < minWindow || newerCount < minWindow) continue;
      const before = olderTotal / olderCount;
      const after = (total - olderTotal) / newerCount;
      const reciprocal = 1 / (olderCount - minWindow + 1) + 1 / (newerCount - minWindow + 1);
      const chance = Math.sqrt(2 * reciprocal * variance * confidence) + (2 / 3) * confidence * reciprocal;
      const excess = Math.abs(before - after) / chance;
      if (excess > most) [most, change] = [excess, { before, after }];
    }
  }
  return change;
}

function moments(rows: readonly Row[], width: number): { readonly total: number; readonly variance: number } {
  let [total, squares] = [0, 0];
  const sums = rows.flatMap((row, r) => row.totals.map((sum, i) => ({ sum, inside: row.squares[i]!, size: 2 ** r })));
  for (const { sum } of sums) total += sum;
  const mean = total / width;
  for (const { sum, inside, size } of sums) squares += inside + size * (sum / size - mean) ** 2;
  return { total, variance: squares / width };
}
