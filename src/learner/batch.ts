import type { Engine, ImageBatch, StepOutput } from "../backbone/engine.ts";
import { row, type Tensor } from "../kernel/tensor.ts";
import type { Parameter, RowGradient } from "./adam.ts";
import type { Head } from "./head.ts";
import { targetRows } from "./loss.ts";
import { gather, type Pool } from "./pool.ts";
import type { LossSettings } from "./settings.ts";
import type { Sample } from "./types.ts";

/** The engine's largest batch; larger ones go in chunks. */
const chunkSize = 32;

export interface Batch {
  readonly samples: readonly Sample[];
  /** Each sample's class, < C. */
  readonly classIds: readonly number[];
  /** The classes in the softmax; the head's other rows do not move. */
  readonly competing: readonly number[];
  /** Added to the logits, [C]. */
  readonly offsets: Float32Array;
  /** Each sample's prompts. */
  readonly selections: readonly (readonly number[])[];
}

export interface BatchGradient {
  readonly logits: Float64Array[];
  readonly losses: number[];
  readonly gradients: Readonly<Record<"prompts" | "keys" | "weight" | "bias", RowGradient>>;
}

/** Gradient of the batch's mean loss: a prompt that several samples selected gets the sum of its copies' gradients. */
export async function batchGradient(
  engine: Engine,
  loss: LossSettings,
  { pool, head }: { readonly pool: Pool; readonly head: Head },
  { samples, classIds, competing, offsets, selections }: Batch,
): Promise<BatchGradient> {
  const width = pool.keys.width;
  const classes = head.bias.value.length;
  const used = new Set(selections.flat());
  const gradients = {
    prompts: zeroGradient(pool.prompts, used),
    keys: zeroGradient(pool.keys, used),
    weight: zeroGradient(head.weight, new Set(competing)),
    bias: zeroGradient(head.bias, new Set(competing)),
  };
  const logits: Float64Array[] = [];
  const losses: number[] = [];
  for (let start = 0; start < samples.length; start += chunkSize) {
    const chunk = samples.slice(start, start + chunkSize);
    const chosen = selections.slice(start, start + chunkSize);
    const output: StepOutput = await engine.step({
      images: joinImages(chunk),
      prompts: gather(pool.prompts, chosen, width),
      queries: joinQueries(chunk, width),
      keys: gather(pool.keys, chosen, width),
      // Copies: an engine may hand its inputs' memory to another thread.
      headWeight: { data: head.weight.value.slice(), shape: [classes, width] },
      headBias: { data: head.bias.value.slice(), shape: [classes] },
      targets: targetRows(classIds.slice(start, start + chunkSize), classes, competing, loss.labelSmoothing),
      logitMask: repeatedRows(offsets, chunk.length),
      pullWeight: loss.pullWeight,
    });
    const share = chunk.length / samples.length;
    const ids = chosen.flat();
    scatterAdd(gradients.prompts, ids, output.gradients.prompts.data, share);
    scatterAdd(gradients.keys, ids, output.gradients.keys.data, share);
    addAll(gradients.weight, output.gradients.headWeight.data, share);
    addAll(gradients.bias, output.gradients.headBias.data, share);
    for (let b = 0; b < chunk.length; b++) logits.push(Float64Array.from(row(output.logits, b)));
    losses.push(...output.losses.data);
  }
  return { logits, losses, gradients };
}

/** Mean prompt output tokens [D] of each sample, in chunks that the engine takes. */
export async function promptedFeatures(
  engine: Engine,
  pool: Pool,
  samples: readonly Sample[],
  selections: readonly (readonly number[])[],
): Promise<Float32Array[]> {
  const features: Float32Array[] = [];
  for (let start = 0; start < samples.length; start += chunkSize) {
    const chunk = samples.slice(start, start + chunkSize);
    const prompts = gather(pool.prompts, selections.slice(start, start + chunkSize), pool.keys.width);
    const output = await engine.prompted(joinImages(chunk), prompts);
    chunk.forEach((_, b) => features.push(row(output, b).slice()));
  }
  return features;
}

function joinImages(samples: readonly Sample[]): ImageBatch {
  const size = samples[0]!.pixels.length;
  const pixels = new Uint8Array(samples.length * size);
  samples.forEach((sample, b) => pixels.set(sample.pixels, b * size));
  return { pixels, count: samples.length };
}

function repeatedRows(values: Float32Array, rows: number): Tensor {
  const data = new Float32Array(rows * values.length);
  for (let b = 0; b < rows; b++) data.set(values, b * values.length);
  return { data, shape: [rows, values.length] };
}

function joinQueries(samples: readonly Sample[], width: number): Tensor {
  const data = new Float32Array(samples.length * width);
  samples.forEach((sample, b) => data.set(sample.query, b * width));
  return { data, shape: [samples.length, width] };
}

function zeroGradient(p: Parameter, rows: ReadonlySet<number>): RowGradient {
  return { values: new Float64Array(p.value.length), rows };
}

function scatterAdd({ values }: RowGradient, ids: readonly number[], copies: Float32Array, share: number): void {
  const width = copies.length / ids.length;
  ids.forEach((id, n) => {
    for (let i = 0; i < width; i++) values[id * width + i]! += share * copies[n * width + i]!;
  });
}

function addAll({ values }: RowGradient, gradient: Float32Array, share: number): void {
  for (let i = 0; i < values.length; i++) values[i]! += share * gradient[i]!;
}
