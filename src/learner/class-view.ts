import { dot } from "../kernel/tensor.ts";
import type { StatisticsNumbers } from "./statistics.ts";

/** The classes as seen from the mean of all samples, in the metric of the inverse covariance P. */
export interface ClassView {
  readonly centre: Float64Array;
  /** P·centre. */
  readonly weight: Float64Array;
  /** weight·centre. */
  readonly constant: number;
  /** Of each mean μ, [C]: P·μ·centre − constant. */
  readonly offsets: readonly number[];
  /** Squared distance of each mean, [C]. */
  readonly squares: readonly number[];
}

/** @param numbers Of at least one class. */
export function viewOf({ counts, means, shared }: StatisticsNumbers): ClassView {
  const { weights } = shared;
  const samples = counts.reduce((a, b) => a + b, 0);
  const shares = counts.map((count) => count / samples);
  const centre = weightedSum(means, shares);
  const weight = weightedSum(weights, shares);
  const constant = dot(weight, centre);
  const offsets = weights.map((w) => dot(w, centre) - constant);
  const squares = means.map((mean, c) => dot(weights[c]!, mean) - 2 * dot(weight, mean) + constant);
  return { centre, weight, constant, offsets, squares };
}

/**
 * How many of its samples the mean of all is worth to a class: its own mean over n samples is drawn towards it by n/(n + this).
 * The empirical Bayes estimate (James and Stein 1961; Efron and Morris 1973): in the metric of the within-class covariance a
 * mean over n samples errs by F/n in square, so what the squared distances have beyond that is how far classes really lie
 * apart.
 * @param squares Of the means to the mean of all in that metric, [C].
 * @param spread Mean square of a sample's deviation in it: F, and less while the ridge outweighs the samples.
 * @returns 0…∞
 */
export function priorSamples(squares: readonly number[], counts: readonly number[], spread: number): number {
  const apart = squares.reduce((sum, square, c) => sum + (square - spread / counts[c]!) / squares.length, 0);
  return spread > 0 ? spread / Math.max(apart, spread * Number.EPSILON) : 0;
}

function weightedSum(rows: readonly Float64Array[], shares: readonly number[]): Float64Array {
  const sum = new Float64Array(rows[0]!.length);
  rows.forEach((row, c) => {
    for (let i = 0; i < sum.length; i++) sum[i]! += shares[c]! * row[i]!;
  });
  return sum;
}
