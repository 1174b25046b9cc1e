import type { Rng } from "../kernel/rng.ts";
import { dot, type Tensor } from "../kernel/tensor.ts";
import { parameter, type Parameter } from "./adam.ts";
import { norm } from "./select.ts";
import type { PoolSettings, UniformInit } from "./settings.ts";

/** The prompt pool. */
export interface Pool {
  /** [M, Lp·D] */
  readonly prompts: Parameter;
  /** [M, D] */
  readonly keys: Parameter;
}

/**
 * A fresh pool for a backbone of width D. Keys 'from first features' are normal noise until `withKeys` places them: drawn
 * now, so that a learner needs no random source later.
 */
export function createPool(settings: PoolSettings, width: number, rng: Rng): Pool {
  const { size, promptLength, promptInit, keyInit } = settings;
  const prompts = uniform(promptInit, size * promptLength * width, rng);
  const keys =
    keyInit.kind === "uniform"
      ? uniform(keyInit, size * width, rng)
      : Float32Array.from({ length: size * width }, () => rng.normal());
  return { prompts: parameter(prompts, promptLength * width), keys: parameter(keys, width) };
}

/**
 * The pool with its keys placed around the mean of the first queries (see `FirstFeaturesInit`).
 * They keep the queries' length on purpose: cosine ignores it, but Adam's steps have a fixed size, so short keys would
 * turn to whatever came last within a few batches.
 */
export function withKeys(pool: Pool, { keyInit }: PoolSettings, queries: readonly Float32Array[]): Pool {
  if (keyInit.kind !== "first-features") return pool;
  const { width, value: noise } = pool.keys;
  const mean = new Float32Array(width);
  for (const query of queries) {
    for (let i = 0; i < width; i++) mean[i]! += query[i]! / queries.length;
  }
  const length = norm(mean);
  const keys = new Float32Array(noise.length);
  for (let m = 0; m < noise.length; m += width) {
    const epsilon = noise.slice(m, m + width);
    // Across μ and of one length: all keys are equally near to μ, else the nearest would win for every image.
    const along = dot(epsilon, mean) / length ** 2;
    for (let i = 0; i < width; i++) epsilon[i]! -= along * mean[i]!;
    const scale = (keyInit.spread * length) / norm(epsilon);
    for (let i = 0; i < width; i++) keys[m + i] = mean[i]! + scale * epsilon[i]!;
  }
  return { prompts: pool.prompts, keys: parameter(keys, width) };
}

/** The selected rows of a parameter [M, width], one sample after another → [B, N·width / D, D]. */
export function gather(p: Parameter, selections: readonly (readonly number[])[], width: number): Tensor {
  const count = selections[0]?.length ?? 0;
  const data = new Float32Array(selections.length * count * p.width);
  let offset = 0;
  for (const selection of selections) {
    for (const id of selection) {
      data.set(p.value.subarray(id * p.width, (id + 1) * p.width), offset);
      offset += p.width;
    }
  }
  return { data, shape: [selections.length, (count * p.width) / width, width] };
}

function uniform(init: UniformInit, length: number, rng: Rng): Float32Array {
  return Float32Array.from({ length }, () => init.low + (init.high - init.low) * rng.uniform());
}
