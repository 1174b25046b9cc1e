import type { OptimiserSettings } from "./settings.ts";

/** A trainable matrix whose rows move one by one, with Adam's moments. */
export interface Parameter {
  /** Numbers a row. */
  readonly width: number;
  /** [rows, width] */
  readonly value: Float32Array;
  /** First moment, [rows, width]. */
  readonly momentum: Float32Array;
  /** Second moment, [rows, width]. */
  readonly variance: Float32Array;
  /** How many updates each row has had, [rows]. */
  readonly steps: Int32Array;
}

/** Gradient of some rows of a parameter. */
export interface RowGradient {
  /** [rows, width]; only `rows` are read. */
  readonly values: Float64Array;
  readonly rows: ReadonlySet<number>;
}

export interface Update {
  readonly parameter: Parameter;
  readonly gradient: RowGradient;
  readonly learningRate: number;
}

export function parameter(value: Float32Array, width: number): Parameter {
  const steps = new Int32Array(value.length / width);
  return {
    width,
    value,
    momentum: new Float32Array(value.length),
    variance: new Float32Array(value.length),
    steps,
  };
}

export function cloneParameter(p: Parameter): Parameter {
  return {
    width: p.width,
    value: p.value.slice(),
    momentum: p.momentum.slice(),
    variance: p.variance.slice(),
    steps: p.steps.slice(),
  };
}

/**
 * One Adam step (Kingma and Ba 2015, algorithm 1) in place, after clipping the gradient of all updates together to
 * `clipNorm`.
 *
 * INVARIANT: a row that is not in `gradient.rows` keeps its value, its moments and its step count, bit for bit.
 * So the moments of a rarely selected prompt do not decay while it rests, and its bias correction counts its own steps:
 * with one count for all, a row first selected at step 1,000 would start with (1 − β₁)/√(1 − β₂) ≈ 3 times the rate.
 * A dense Adam (the official code's) differs in just this: there, momentum moves resting rows on.
 *
 * @returns the gradient's norm before clipping.
 */
export function adamStep(updates: readonly Update[], settings: OptimiserSettings): number {
  const norm = globalNorm(updates);
  const scale = norm > settings.clipNorm ? settings.clipNorm / norm : 1;
  for (const { parameter, gradient, learningRate } of updates) {
    for (const row of gradient.rows) moveRow(parameter, row, gradient.values, scale, learningRate, settings);
  }
  return norm;
}

function moveRow(
  { width, value, momentum, variance, steps }: Parameter,
  row: number,
  gradient: Float64Array,
  scale: number,
  learningRate: number,
  { beta1, beta2, epsilon }: OptimiserSettings,
): void {
  const step = steps[row]! + 1;
  steps[row] = step;
  const correction1 = 1 - beta1 ** step;
  const correction2 = 1 - beta2 ** step;
  for (let i = row * width; i < (row + 1) * width; i++) {
    const g = scale * gradient[i]!;
    momentum[i] = beta1 * momentum[i]! + (1 - beta1) * g;
    variance[i] = beta2 * variance[i]! + (1 - beta2) * g * g;
    const denominator = Math.sqrt(variance[i]! / correction2) + epsilon;
    value[i] = value[i]! - (learningRate * (momentum[i]! / correction1)) / denominator;
  }
}

function globalNorm(updates: readonly Update[]): number {
  let sum = 0;
  for (const { parameter, gradient } of updates) {
    for (const row of gradient.rows) {
      for (let i = row * parameter.width; i < (row + 1) * parameter.width; i++) sum += gradient.values[i]! ** 2;
    }
  }
  return Math.sqrt(sum);
}
