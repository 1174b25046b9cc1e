/** What AdamW remembers between steps; the arrays are updated in place. */
export interface AdamWState {
  readonly first: Float32Array;
  readonly second: Float32Array;
}

export interface AdamWStep {
  /** From 1: for the bias correction. */
  readonly step: number;
  readonly learningRate: number;
  readonly weightDecay: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** Multiplies the gradient: what clipping asks for. */
  readonly gradientScale: number;
}

/**
 * One step on `size` numbers from `offset` on, in place, with decoupled decay (Loshchilov and Hutter 2019, algorithm 2).
 * The range is an object on purpose: taken apart from an array, its loop runs twenty times slower once V8 inlines it.
 */
export function adamW(
  weights: Float32Array,
  gradients: Float32Array,
  { first, second }: AdamWState,
  { offset, size }: { readonly offset: number; readonly size: number },
  { step, learningRate, weightDecay, beta1, beta2, epsilon, gradientScale }: AdamWStep,
): void {
  const rate = learningRate / (1 - beta1 ** step);
  const secondScale = 1 / (1 - beta2 ** step);
  const keep = 1 - learningRate * weightDecay;
  for (let i = offset; i < offset + size; i++) {
    const g = gradients[i]! * gradientScale;
    const m = (first[i] = beta1 * first[i]! + (1 - beta1) * g);
    const v = (second[i] = beta2 * second[i]! + (1 - beta2) * g * g);
    weights[i] = keep * weights[i]! - (rate * m) / (Math.sqrt(v * secondScale) + epsilon);
  }
}

/** Euclidean length of all numbers together. */
export function globalNorm(values: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! * values[i]!;
  return Math.sqrt(sum);
}

/** Linear warm-up to `peak`, then half a cosine to `floor` at the last step; `step` is from 0. */
export function cosineRate(step: number, steps: number, warmUpSteps: number, peak: number, floor: number): number {
  if (step < warmUpSteps) return (peak * (step + 1)) / warmUpSteps;
  const share = Math.min(1, (step - warmUpSteps) / Math.max(1, steps - warmUpSteps));
  return floor + ((peak - floor) * (1 + Math.cos(Math.PI * share))) / 2;
}
