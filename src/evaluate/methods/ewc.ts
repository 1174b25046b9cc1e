import type { StateArray } from "../../kernel/state.ts";
import { type BufferState, type RehearsalBuffer, rehearsalBuffer } from "./buffer.ts";
import type { Remedy } from "./fine-tuning.ts";
import type { LabelledShown, MethodContext } from "./method.ts";
import { addScaled, weightKeys, type WeightTrainer } from "./weight-trainer.ts";
import type { Weights } from "./weight-session.ts";

/** λ: how firmly weights are held. */
const penaltyWeight = 1000;
/** Images of the segment from which its Fisher information is taken. */
const fisherImagesPerClass = 10;
const fisherImages = 64;

/**
 * Elastic weight consolidation (Kirkpatrick et al. 2017), with one running sum of Fisher information for all segments
 * (online EWC, Schwarz et al. 2018, γ = 1): (λ/2) Σ F (θ − θ*)² holds each weight by how much past labels depend on it.
 * It needs boundaries, and at each of them some images of the segment that ends.
 */
export function elasticWeights(context: MethodContext): (trainer: WeightTrainer) => Remedy {
  return (trainer) => {
    let fisher: Weights | undefined;
    let anchor: Weights | undefined;
    let segment = emptySegment(context);

    return {
      penalise: ({ gradients }) => {
        if (!fisher || !anchor) return;
        for (const key of weightKeys) {
          const [f, a, now, sum] = [fisher[key], anchor[key], trainer.weights[key], gradients[key]];
          // Rows of classes that came later are held by nothing.
          for (let i = 0; i < f.length; i++) sum[i]! += penaltyWeight * f[i]! * (now[i]! - a[i]!);
        }
      },
      learned: (batch) => batch.forEach((sample) => segment.add(sample)),
      boundary: async () => {
        const drawn = segment.draw(fisherImages);
        const shown = await context.recall(drawn.map(({ image }) => image));
        const samples = shown.map((image, i) => ({ ...image, label: drawn[i]!.label }));
        const found = await fisherInformation(trainer, samples);
        if (fisher) for (const key of weightKeys) addScaled(found[key], fisher[key], 1);
        fisher = found;
        anchor = copyOf(trainer.weights);
        segment = emptySegment(context);
      },
      stateBytes: () => (fisher ? 2 * 4 * weightKeys.reduce((sum, key) => sum + fisher![key].length, 0) : 0),
      bufferedImages: () => segment.stored.map(({ image }) => image),
      save: () => ({
        arrays: { ...arraysOf("fisher", fisher), ...arraysOf("anchor", anchor) },
        meta: { segment: segment.save(), consolidated: fisher !== undefined },
      }),
      restore: ({ arrays, meta }) => {
        const consolidated = meta["consolidated"] === true;
        fisher = consolidated ? weightsFrom(arrays, "fisher") : undefined;
        anchor = consolidated ? weightsFrom(arrays, "anchor") : undefined;
        segment = rehearsalBuffer(fisherImagesPerClass, meta["segment"] as BufferState);
      },
    };
  };
}

function emptySegment({ seed }: MethodContext): RehearsalBuffer {
  return rehearsalBuffer(fisherImagesPerClass, seed);
}

/** Diagonal of the empirical Fisher information: the mean of (∂ log p(label | x) / ∂θ)², one image at a time. */
export async function fisherInformation(trainer: WeightTrainer, samples: readonly LabelledShown[]): Promise<Weights> {
  const sum = mapWeights(trainer.weights, (values) => new Float32Array(values.length));
  for (const sample of samples) {
    const { gradients } = await trainer.gradient([sample]);
    for (const key of weightKeys) {
      const [total, gradient] = [sum[key], gradients[key]];
      for (let i = 0; i < total.length; i++) total[i]! += gradient[i]! ** 2 / samples.length;
    }
  }
  return sum;
}

export function copyOf(weights: Weights): Weights {
  return mapWeights(weights, (values) => values.slice());
}

export function mapWeights(weights: Weights, map: (values: Float32Array) => Float32Array): Weights {
  const { backbone, headWeight, headBias } = weights;
  return { backbone: map(backbone), headWeight: map(headWeight), headBias: map(headBias) };
}

export function arraysOf(name: string, weights: Weights | undefined): Record<string, StateArray> {
  if (!weights) return {};
  return Object.fromEntries(
    weightKeys.map((key) => [`${name}.${key}`, { data: weights[key], shape: [weights[key].length] }]),
  );
}

export function weightsFrom(arrays: Readonly<Record<string, StateArray>>, name: string): Weights {
  const read = (key: string): Float32Array => Float32Array.from(arrays[`${name}.${key}`]!.data);
  return { backbone: read("backbone"), headWeight: read("headWeight"), headBias: read("headBias") };
}
