import { dot } from "../kernel/tensor.ts";
import { cholesky, packedLength, solve } from "../learner/cholesky.ts";
import { subtractOuter } from "../learner/symmetric.ts";

/** Features of labelled images, rows of [D]. */
export interface LabelledFeatures {
  readonly features: Float32Array;
  readonly labels: readonly string[];
  readonly width: number;
}

/** Share of test images that are classified rightly, 0…1. */
export interface ProbeResult {
  /** Nearest class mean by Euclidean distance. */
  readonly nearestMean: number;
  /** Nearest class mean by cosine. */
  readonly nearestMeanCosine: number;
  /** Linear discriminant analysis with one covariance for all classes, shrunk by 1e-4. */
  readonly lda: number;
}

const shrinkage = 1e-4;

/** How well frozen features tell the classes of `test` apart by what `train` says of them, in closed form. */
export function probe(train: LabelledFeatures, test: LabelledFeatures): ProbeResult {
  const { width } = train;
  const means = classMeans(train);
  const classes = [...means.keys()];
  const covariance = new Float64Array(packedLength(width));
  train.labels.forEach((label, i) => {
    const delta = Float64Array.from(means.get(label)!, (m, d) => train.features[i * width + d]! - m);
    subtractOuter(covariance, delta, -1 / train.labels.length);
  });
  const diagonal = Array.from({ length: width }, (_, d) => packedLength(d) + d);
  const variance = diagonal.reduce((sum, at) => sum + covariance[at]! / width, 0);
  for (let at = 0; at < covariance.length; at++) covariance[at]! *= 1 - shrinkage;
  for (const at of diagonal) covariance[at]! += shrinkage * variance;
  const factor = cholesky(covariance, width);

  const linear = (weightOf: (mean: Float64Array) => Float64Array, offset: number): number => {
    const scorers = classes.map((label) => {
      const weight = weightOf(means.get(label)!);
      return { weight, bias: offset * dot(weight, means.get(label)!) };
    });
    return accuracy(test, (x) => classes[largest(scorers.map(({ weight, bias }) => dot(weight, x) + bias))]!);
  };
  return {
    nearestMean: linear((mean) => mean, -0.5),
    nearestMeanCosine: linear((mean) => mean.map((m) => m / Math.sqrt(dot(mean, mean))), 0),
    lda: linear((mean) => solve(factor, mean), -0.5),
  };
}

function classMeans({ features, labels, width }: LabelledFeatures): Map<string, Float64Array> {
  const sums = new Map<string, Float64Array>();
  const counts = new Map<string, number>();
  labels.forEach((label, i) => {
    if (!sums.has(label)) sums.set(label, new Float64Array(width));
    const sum = sums.get(label)!;
    for (let d = 0; d < width; d++) sum[d]! += features[i * width + d]!;
    counts.set(label, (counts.get(label) ?? 0) + 1);
  });
  for (const [label, sum] of sums) for (let d = 0; d < width; d++) sum[d]! /= counts.get(label)!;
  return sums;
}

function accuracy({ features, labels, width }: LabelledFeatures, classify: (x: Float32Array) => string): number {
  const right = labels.filter((label, i) => classify(features.subarray(i * width, (i + 1) * width)) === label);
  return right.length / labels.length;
}

function largest(values: readonly number[]): number {
  return values.reduce((best, value, i) => (value > values[best]! ? i : best), 0);
}
