import { fromWeights, layoutOf } from "../../distil/parameters.ts";
import { globalNorm } from "../../distil/adamw.ts";
import type { LearnerState } from "../../kernel/state.ts";
import { argmax, softmax } from "../../learner/loss.ts";
import { adamStep, grow, oneHot, type Trained, trained } from "./class-weights.ts";
import type { LabelledShown, MethodContext, Said, Shown } from "./method.ts";
import { type Weights, type WeightSession, weightSession } from "./weight-session.ts";

/** Adam's rates for pre-trained weights and for a head that starts at zeros. */
const backboneRate = 1e-4;
const headRate = 1e-3;
const clipNorm = 1;
/** Activations of all weights' gradients are large: images that are differentiated at a time. */
const chunkSize = 16;

/** Softened outputs of an older model for a batch, with the classes that it knew (see `weightStepGraph`). */
export interface OldOutputs {
  /** [B, C], weighted; zeros for classes from `known` on. */
  readonly targets: Float32Array;
  readonly known: number;
  readonly temperature: number;
}

export interface BatchGradient {
  /** Before the update, [B, C]. */
  readonly logits: Float32Array;
  /** Of the batch's mean loss. */
  readonly gradients: Weights;
}

/** A whole ViT with a linear head that grows with the labels, trained by Adam. */
export interface WeightTrainer {
  readonly labels: readonly string[];
  /** Live: they move with `update`. */
  readonly weights: Weights;
  /** Head rows for labels that are new. */
  admit(labels: readonly string[]): void;
  /** [B, C]; with other weights than its own where given. */
  logits(batch: readonly Shown[], weights?: Weights): Promise<Float32Array>;
  /** The labels must have been admitted. */
  gradient(batch: readonly LabelledShown[], old?: OldOutputs): Promise<BatchGradient>;
  update(gradients: Weights): void;
  /** What row b of logits says, over the first `known` classes. */
  say(logits: Float32Array, b: number, known?: number): Said;
  stateBytes(): number;
  save(): LearnerState;
  restore(state: LearnerState): void;
  close(): Promise<void>;
}

export function weightTrainer({ model, threads }: Pick<MethodContext, "model" | "threads">): WeightTrainer {
  const layout = layoutOf(model.architecture);
  const { width } = model.architecture;
  const session: WeightSession = weightSession({ layout, normalisation: model.manifest, threads });
  let labels: string[] = [];
  let backbone = trained(fromWeights(layout, model.weights));
  let headWeight = trained(new Float32Array(0));
  let headBias = trained(new Float32Array(0));
  let steps = 0;

  const weights = (): Weights => ({
    backbone: backbone.values,
    headWeight: headWeight.values,
    headBias: headBias.values,
  });

  return {
    get labels() {
      return labels;
    },
    get weights() {
      return weights();
    },
    admit: (more) => {
      const fresh = [...new Set(more)].filter((label) => !labels.includes(label));
      labels = [...labels, ...fresh];
      headWeight = grow(headWeight, fresh.length * width);
      headBias = grow(headBias, fresh.length);
    },
    logits: async (batch, other = weights()) => {
      const rows: Float32Array[] = [];
      for (const part of chunks(batch)) rows.push(await session.logits(other, join(part), part.length));
      return concat(rows);
    },
    gradient: async (batch, old) => {
      const classes = labels.length;
      const targets = oneHot(
        batch.map(({ label }) => labels.indexOf(label)),
        classes,
      );
      const total: Weights = {
        backbone: new Float32Array(layout.size),
        headWeight: new Float32Array(headWeight.values.length),
        headBias: new Float32Array(classes),
      };
      const logits: Float32Array[] = [];
      let start = 0;
      for (const part of chunks(batch)) {
        const range = [start * classes, (start + part.length) * classes] as const;
        const result = await session.step(weights(), {
          pixels: join(part),
          count: part.length,
          targets: targets.subarray(...range),
          ...(old && { old: { ...old, targets: old.targets.subarray(...range), mask: maskFrom(old.known, classes) } }),
        });
        logits.push(result.logits);
        for (const key of weightKeys) addScaled(total[key], result.gradients[key], part.length / batch.length);
        start += part.length;
      }
      return { logits: concat(logits), gradients: total };
    },
    update: (gradients) => {
      const norm = Math.hypot(...weightKeys.map((key) => globalNorm(gradients[key])));
      const step = { step: ++steps, gradientScale: Math.min(1, clipNorm / (norm + 1e-12)) };
      adamStep(backbone, gradients.backbone, { ...step, learningRate: backboneRate });
      adamStep(headWeight, gradients.headWeight, { ...step, learningRate: headRate });
      adamStep(headBias, gradients.headBias, { ...step, learningRate: headRate });
    },
    say: (logits, b, known = labels.length) => {
      if (known === 0) return { label: null };
      const classes = labels.length;
      const p = softmax(Float64Array.from(logits.subarray(b * classes, b * classes + known)));
      const best = argmax(p);
      return { label: labels[best]!, confidence: p[best]! };
    },
    // Weights and both of Adam's moments.
    stateBytes: () => 3 * 4 * (backbone.values.length + headWeight.values.length + headBias.values.length),
    save: () => ({
      arrays: Object.fromEntries(
        Object.entries({ backbone, headWeight, headBias }).flatMap(([name, numbers]) => trainedArrays(name, numbers)),
      ),
      meta: { labels: [...labels], steps },
    }),
    restore: ({ arrays, meta }) => {
      labels = [...(meta["labels"] as string[])];
      steps = meta["steps"] as number;
      backbone = trainedFrom(arrays, "backbone");
      headWeight = trainedFrom(arrays, "headWeight");
      headBias = trainedFrom(arrays, "headBias");
    },
    close: () => session.close(),
  };
}

export const weightKeys = ["backbone", "headWeight", "headBias"] as const;

export function addScaled(sum: Float32Array, values: Float32Array, scale: number): void {
  for (let i = 0; i < values.length; i++) sum[i]! += scale * values[i]!;
}

/** Takes the classes from `known` on out of a softmax. */
function maskFrom(known: number, classes: number): Float32Array {
  return new Float32Array(classes).fill(-1e4, known);
}

function trainedArrays(name: string, { values, moments }: Trained): [string, LearnerState["arrays"][string]][] {
  const parts = { "": values, ".first": moments.first, ".second": moments.second };
  return Object.entries(parts).map(([part, data]) => [name + part, { data: data.slice(), shape: [data.length] }]);
}

function trainedFrom(arrays: LearnerState["arrays"], name: string): Trained {
  const [values, first, second] = ["", ".first", ".second"].map((part) => Float32Array.from(arrays[name + part]!.data));
  return { values: values!, moments: { first: first!, second: second! } };
}

function chunks<T>(items: readonly T[]): T[][] {
  const count = Math.ceil(items.length / chunkSize);
  return Array.from({ length: count }, (_, i) => items.slice(i * chunkSize, (i + 1) * chunkSize));
}

function join(batch: readonly Shown[]): Uint8Array {
  return Buffer.concat(batch.map(({ pixels }) => pixels));
}

function concat(parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
