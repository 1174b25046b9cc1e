/**
 * a[i][j]: accuracy 0…1 on test set j after segment i, the last row being the end. `learnedIn` says for each j the
 * segment that taught it: j for tasks, the first visit for domains that come back.
 */
export interface Matrix {
  readonly rows: readonly (readonly number[])[];
  readonly learnedIn: readonly number[];
}

/** A_T = (1/T) Σ_j a[T−1][j]. */
export function averageAccuracy({ rows }: Matrix): number {
  return mean(rows.at(-1)!);
}

/** F_T = mean of max_i a[i][j] − a[T−1][j] over all j that were learned before the last segment; null where none was. */
export function forgetting(matrix: Matrix): number | null {
  const { rows } = matrix;
  return meanOrNull(early(matrix).map((j) => Math.max(...rows.map((row) => row[j]!)) - rows.at(-1)![j]!));
}

/** Mean of a[T−1][j] − a[learned in][j] over the same j: negative where later segments did harm. */
export function backwardTransfer(matrix: Matrix): number | null {
  const { rows, learnedIn } = matrix;
  return meanOrNull(early(matrix).map((j) => rows.at(-1)![j]! - rows[learnedIn[j]!]![j]!));
}

function early({ rows, learnedIn }: Matrix): number[] {
  return learnedIn.flatMap((segment, j) => (segment < rows.length - 1 ? [j] : []));
}

/** Prequential accuracy of what was right (1) or wrong (0), frame by frame. */
export interface Prequential {
  readonly overall: number;
  readonly secondHalf: number;
  /** Of the last `windowFrames`. */
  readonly windowed: number;
  /** With a fading factor α: S = l + αS, N = 1 + αN, S/N at the end (Gama et al. 2013). */
  readonly fading: number;
}

export const windowFrames = 500;
export const fadingFactor = 0.995;

export function prequential(right: readonly number[]): Prequential {
  let [sum, count] = [0, 0];
  for (const r of right) {
    sum = r + fadingFactor * sum;
    count = 1 + fadingFactor * count;
  }
  return {
    overall: mean(right),
    secondHalf: mean(right.slice(Math.floor(right.length / 2))),
    windowed: mean(right.slice(-windowFrames)),
    fading: sum / count,
  };
}

/** One bin of a reliability diagram. */
export interface Bin {
  readonly count: number;
  readonly confidence: number;
  readonly right: number;
}

/** Bins of equal width in confidence, sums in each. */
export const calibrationBins = 15;

/** Expected calibration error (Guo et al. 2017): mean distance of confidence and accuracy over the bins; null for none. */
export function calibrationError(bins: readonly Bin[]): number | null {
  const total = bins.reduce((sum, { count }) => sum + count, 0);
  if (total === 0) return null;
  return bins.reduce((sum, { confidence, right }) => sum + Math.abs(confidence - right), 0) / total;
}

/**
 * Area under the ROC curve: how often one of `positive` is larger than one of `negative`, ties counting half
 * (Mann–Whitney); null where there are none of either.
 */
export function areaUnderRoc(positive: readonly number[], negative: readonly number[]): number | null {
  if (positive.length === 0 || negative.length === 0) return null;
  const below = negative.toSorted((a, b) => a - b);
  let wins = 0;
  let [less, notMore] = [0, 0];
  for (const score of positive.toSorted((a, b) => a - b)) {
    while (less < below.length && below[less]! < score) less += 1;
    while (notMore < below.length && below[notMore]! <= score) notMore += 1;
    wins += (less + notMore) / 2;
  }
  return wins / (positive.length * negative.length);
}

/**
 * How far tasks share prompts, 0…1: the overlap Σ_m min(p_m, q_m) of two tasks' distributions over the pool, in the mean
 * over all pairs; null for fewer than two tasks.
 * @param histograms How often each prompt was selected in each task, T of [M]; tasks without selections are left out.
 */
export function promptSharing(histograms: readonly (readonly number[])[]): number | null {
  const shares = histograms
    .map((uses) => ({ uses, total: uses.reduce((a, b) => a + b, 0) }))
    .filter(({ total }) => total > 0)
    .map(({ uses, total }) => uses.map((count) => count / total));
  const overlaps = shares.flatMap((p, i) =>
    shares.slice(i + 1).map((q) => p.reduce((sum, x, m) => sum + Math.min(x, q[m]!), 0)),
  );
  return meanOrNull(overlaps);
}

/** NaN for nothing. */
export function mean(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}

/** Sample standard deviation (n − 1); null for fewer than two. */
export function deviation(values: readonly number[]): number | null {
  if (values.length < 2) return null;
  const centre = mean(values);
  return Math.sqrt(values.reduce((sum, x) => sum + (x - centre) ** 2, 0) / (values.length - 1));
}

function meanOrNull(values: readonly number[]): number | null {
  return values.length === 0 ? null : mean(values);
}
