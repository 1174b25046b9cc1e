import { dot } from "../kernel/tensor.ts";

/** Classes with a covariance in common. */
export interface ClassMeans {
  /** Samples of each, [C]. */
  readonly counts: readonly number[];
  /** C of [F]. */
  readonly means: readonly Float64Array[];
  /** P·μ of each, C of [F]. */
  readonly weights: readonly Float64Array[];
}

/** The classes as seen from their common centre, in the metric of the inverse covariance P. */
export interface ClassView {
  readonly centre: Float64Array;
  /** P·centre. */
  readonly weight: Float64Array;
  /** weight·centre. */
  readonly constant: number;
  /** P·μ·centre of each class, [C]. */
  readonly products: readonly number[];
  /** Squared distance of each mean, [C]. */
  readonly squares: readonly number[];
  /** What is left of each mean's distance when it is drawn towards the centre, 0…1, [C]. */
  readonly drawn: readonly number[];
}

const rounds = 3;

/**
 * Classes are taken for draws from one distribution around a centre, and a mean over n samples errs by spread/n in square, so
 * it is drawn towards the centre by n/(n + κ) (James and Stein 1961; Efron and Morris 1973). Both are estimated from the means
 * themselves: κ ÷ spread is the inverse of how much farther apart they lie than their errors have it, and the centre weighs
 * each by n/(n + κ), so that neither a class of many samples nor the errors of those of few move it. They follow from each
 * other: a few rounds from equal weights.
 * @param classes At least one.
 * @param scale Σ⁻¹ ÷ P.
 * @param spread Mean square of a new sample's deviation from its class's mean in the metric of Σ⁻¹; 0: no mean is drawn.
 */
export function viewOf({ counts, means, weights }: ClassMeans, scale: number, spread: number): ClassView {
  const own = means.map((mean, c) => dot(weights[c]!, mean));
  const seen = (by: readonly number[]): Omit<ClassView, "drawn"> => {
    const centre = weightedSum(means, by);
    const weight = weightedSum(weights, by);
    const constant = dot(weight, centre);
    const products = means.map((mean) => dot(weight, mean));
    const squares = own.map((square, c) => square - 2 * products[c]! + constant);
    return { centre, weight, constant, products, squares };
  };
  let drawn = counts.map(() => 1);
  let parts = shares(drawn);
  let view = seen(parts);
  if (spread <= 0 || counts.length < 2) return { ...view, drawn };
  for (let round = 0; round < rounds; round++) {
    const apart = view.squares.map((square) => scale * square);
    const prior = priorSamples(apart, counts, parts, spread);
    drawn = counts.map((count) => count / (count + prior));
    parts = shares(drawn);
    view = seen(parts);
  }
  return { ...view, drawn };
}

/**
 * κ: how many samples of its own weigh as much as the centre does.
 * @param squares Of the means' distances to the centre, which is their sum by `weights`, [C], C ≥ 2.
 * @param weights Summing to 1, [C].
 * @returns > 0
 */
export function priorSamples(
  squares: readonly number[],
  counts: readonly number[],
  weights: readonly number[],
  spread: number,
): number {
  // A mean is part of its centre: of (μ_c − Σ w·μ)² that leaves so much of errors, and of distances.
  const centreError = weights.reduce((sum, w, c) => sum + (w * w) / counts[c]!, 0);
  const centreShare = weights.reduce((sum, w) => sum + w * w, 0);
  let [apart, share] = [0, 0];
  squares.forEach((square, c) => {
    const w = weights[c]!;
    apart += square - spread * ((1 - 2 * w) / counts[c]! + centreError);
    share += 1 - 2 * w + centreShare;
  });
  return (spread * share) / Math.max(apart, spread * share * Number.EPSILON);
}

function shares(of: readonly number[]): number[] {
  const total = of.reduce((a, b) => a + b, 0);
  return of.map((one) => one / total);
}

function weightedSum(rows: readonly Float64Array[], shares: readonly number[]): Float64Array {
  const sum = new Float64Array(rows[0]!.length);
  rows.forEach((row, c) => {
    for (let i = 0; i < sum.length; i++) sum[i]! += shares[c]! * row[i]!;
  });
  return sum;
}
