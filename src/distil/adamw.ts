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
 * The loop's numbers come out of an array on purpose: V8 computes a plain `const` as late as it can, and inlined in a
 * loop over tensors that is once for each weight, powers and all; the whole step then takes twelve times as long.
 */
export function adamW(
  weights: Float32Array,
  gradients: Float32Array,
  { first, second }: AdamWState,
  { offset, size }: { readonly offset: number; readonly size: number },
  { step, learningRate, weightDecay, beta1, beta2, epsilon, gradientScale }: AdamWStep,
): void {
  const numbers = Float64Array.of(
    learningRate / (1 - beta1 ** step),
    1 / (1 - beta2 ** step),
    1 - learningRate * weightDecay,
    gradientScale,
  );
  const rate = numbers[0]!;
  const secondScale = numbers[1]!;
  const keep = numbers[2]!;
  const scale = numbers[3]!;
  for (let i = offset; i < offset + size; i++) {
    const g = gradients[i]! * scale;
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
