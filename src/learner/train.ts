import type { Engine } from "../backbone/engine.ts";
import { appError } from "../kernel/errors.ts";
import { adamStep, cloneParameter } from "./adam.ts";
import { type Batch, batchGradient, promptedFeatures } from "./batch.ts";
import { growHead, type Head } from "./head.ts";
import type { Pool } from "./pool.ts";
import { norm, selectDiversePrompts, selectPrompts } from "./select.ts";
import type { LearnerSettings } from "./settings.ts";
import type { Sample } from "./types.ts";

/** What gradient steps change. */
export interface Prompted {
  readonly pool: Pool;
  readonly head: Head;
  /** How often each prompt was selected in learning, [M]. */
  readonly uses: Float64Array;
}

/** What the first forward of a batch found, before any update; a sample each. */
export interface FirstForward {
  readonly selections: readonly (readonly number[])[];
  /** [C], without the mask. */
  readonly logits: readonly Float64Array[];
  /** Cross-entropy, nats. */
  readonly losses: readonly number[];
}

/**
 * The settings' number of steps on one batch, at `plasticity` times their rate. Works on a copy: when the engine fails, nothing has changed.
 * @throws AppError `learner/gradient`
 */
export async function trainPrompted(
  engine: Engine,
  settings: LearnerSettings,
  from: Prompted,
  batch: Omit<Batch, "selections">,
  plasticity: number,
): Promise<Prompted & { readonly first: FirstForward }> {
  const trained = cloneWith(from);
  const { optimiser } = settings;
  const batchShare = optimiser.referenceBatch === null ? 1 : batch.samples.length / optimiser.referenceBatch;
  const rate = optimiser.learningRate * batchShare * plasticity;
  let first: FirstForward | undefined;
  for (let step = 0; step < optimiser.stepsPerBatch; step++) {
    const selections = batch.samples.map(({ query }) => select(settings, trained, query));
    const result = await batchGradient(engine, settings.loss, trained, { ...batch, selections });
    first ??= { selections, logits: result.logits, losses: result.losses };
    const { prompts, keys, weight, bias } = result.gradients;
    const updates = [
      { parameter: trained.pool.prompts, gradient: prompts, learningRate: rate },
      { parameter: trained.pool.keys, gradient: keys, learningRate: rate * optimiser.keyRate },
      { parameter: trained.head.weight, gradient: weight, learningRate: rate },
      { parameter: trained.head.bias, gradient: bias, learningRate: rate },
    ];
    const norm = adamStep(settings.head.bias ? updates : updates.slice(0, 3), optimiser);
    // Thrown before the copy is taken over: one NaN would spread to everything it touches, and stay.
    if (!Number.isFinite(norm)) throw appError("learner/gradient", `the gradient's norm is ${norm}`);
    for (const id of selections.flat()) trained.uses[id]! += 1;
  }
  return { ...trained, first: first! };
}

/**
 * The head with a row for each class from C on that the batch brings; C is the number of rows it has. An imprinted row has
 * length 1: a cosine asks for the direction alone, and Adam's steps, whose size is fixed, turn a short row and not a long one.
 */
export async function growHeadFor(
  engine: Engine,
  settings: LearnerSettings,
  { pool, head }: Prompted,
  samples: readonly Sample[],
  classIds: readonly number[],
): Promise<Head> {
  const known = head.bias.value.length;
  const fresh = samples.filter((_, b) => classIds[b]! >= known);
  const freshIds = classIds.filter((c) => c >= known);
  const rows = Array.from(new Set(freshIds), () => new Float32Array(pool.keys.width));
  if (settings.head.newClass === "imprint" && fresh.length > 0) {
    const selections = fresh.map(({ query }) => selectPrompts(query, pool.keys.value, settings.pool.topN));
    const features = await promptedFeatures(engine, pool, fresh, selections);
    features.forEach((feature, n) => {
      const row = rows[freshIds[n]! - known]!;
      const samplesOfClass = freshIds.filter((c) => c === freshIds[n]).length;
      for (let i = 0; i < row.length; i++) row[i]! += feature[i]! / samplesOfClass;
    });
  }
  for (const row of rows) scaleToUnit(row);
  return rows.reduce(growHead, head);
}

function scaleToUnit(row: Float32Array): void {
  const length = norm(row);
  if (length > 0) row.forEach((value, i) => (row[i] = value / length));
}

function select(settings: LearnerSettings, { pool, uses }: Prompted, query: Float32Array): number[] {
  const { topN, diversityPenalty } = settings.pool;
  return diversityPenalty
    ? selectDiversePrompts(query, pool.keys.value, topN, uses)
    : selectPrompts(query, pool.keys.value, topN);
}

function cloneWith({ pool, head, uses }: Prompted): Prompted {
  return {
    pool: { prompts: cloneParameter(pool.prompts), keys: cloneParameter(pool.keys) },
    head: { weight: cloneParameter(head.weight), bias: cloneParameter(head.bias) },
    uses: uses.slice(),
  };
}
