import { adamW, type AdamWState } from "../../distil/adamw.ts";

/** Numbers that Adam trains, with its moments; they may grow at their end. */
export interface Trained {
  readonly values: Float32Array;
  readonly moments: AdamWState;
}

export function trained(values: Float32Array): Trained {
  return { values, moments: { first: new Float32Array(values.length), second: new Float32Array(values.length) } };
}

/** `count` zeros more at the end; what was there stays, moments included. */
export function grow({ values, moments }: Trained, count: number): Trained {
  const longer = (from: Float32Array): Float32Array => {
    const to = new Float32Array(from.length + count);
    to.set(from);
    return to;
  };
  return { values: longer(values), moments: { first: longer(moments.first), second: longer(moments.second) } };
}

/** Adam without decay; `step` counts from 1. In place. */
export function adamStep(
  { values, moments }: Trained,
  gradient: Float32Array,
  { step, learningRate, gradientScale }: { step: number; learningRate: number; gradientScale: number },
): void {
  adamW(
    values,
    gradient,
    moments,
    { offset: 0, size: values.length },
    {
      step,
      learningRate,
      gradientScale,
      weightDecay: 0,
      beta1: 0.9,
      beta2: 0.999,
      epsilon: 1e-8,
    },
  );
}

/** One-hot rows [B, C]. */
export function oneHot(classIds: readonly number[], classes: number): Float32Array {
  const rows = new Float32Array(classIds.length * classes);
  classIds.forEach((c, b) => (rows[b * classes + c] = 1));
  return rows;
}
