import { createRng, shuffled } from "../kernel/rng.ts";
import { standardise, type Standardisation } from "./standardise.ts";
import type { ViewSet } from "./teacher-cache.ts";
import type { TrainingBatch } from "./training-session.ts";

/** What is trained on: the views of the chosen photographs and of all drawings. */
export interface Samples {
  /**
   * The batch of this step, by seed and step alone, half of it mirrored. Each place shows the next of the photographs or of
   * the drawings, each shuffled anew in each epoch; what the other takes is passed over, so an epoch is all of them by chance.
   */
  batch(step: number, batchSize: number): TrainingBatch;
}

export interface SamplesOptions {
  readonly sets: readonly ViewSet[];
  /** Indices of the photographs that are trained on. */
  readonly photographs: readonly number[];
  /** Images from this index on are drawings; those before are photographs. */
  readonly firstDrawing: number;
  /** Share of each batch that shows drawings, 0…1. */
  readonly drawingShare: number;
  readonly standardisation: Standardisation;
  /** For each tap. */
  readonly tokenStandardisation: readonly Standardisation[];
  /** P: patches of the student. */
  readonly patches: number;
  readonly studentSizePx: number;
  readonly seed: number;
}

interface Sample {
  readonly set: ViewSet;
  readonly index: number;
}

export function createSamples(options: SamplesOptions): Samples {
  const { sets, firstDrawing, drawingShare, seed } = options;
  const { standardisation, tokenStandardisation, patches, studentSizePx } = options;
  const width = standardisation.mean.length;
  const pixelBytes = studentSizePx ** 2 * 3;
  const photographs = epochs(
    sets.flatMap((set) => options.photographs.map((index) => ({ set, index }))),
    seed,
  );
  const drawings = epochs(
    sets.flatMap((set) =>
      Array.from({ length: set.count - firstDrawing }, (_, i) => ({ set, index: firstDrawing + i })),
    ),
    seed + 1,
  );

  /** For each tap, [P, D]. */
  function tokensOf({ set, index }: Sample, isMirrored: boolean): readonly Float32Array[] {
    const all = set.tokens.read(index);
    return tokenStandardisation.map((ofToken, tap) => {
      const ofTap = all.subarray(tap * patches * width, (tap + 1) * patches * width);
      standardise(ofTap, ofToken);
      return isMirrored ? mirroredTokens(ofTap, width) : ofTap;
    });
  }

  return {
    batch: (step, count) => {
      const pixels = new Uint8Array(count * pixelBytes);
      const targets = new Float32Array(count * width);
      const tokens = tokenStandardisation.map(() => new Float32Array(count * patches * width));
      const rng = createRng(Math.imul(seed + 1, 0x85ebca6b) ^ step);
      for (let i = 0; i < count; i++) {
        const sample = (rng.uniform() < drawingShare ? drawings : photographs)(step * count + i);
        const { set, index } = sample;
        const image = set.pixels.subarray(index * pixelBytes, (index + 1) * pixelBytes);
        const place = pixels.subarray(i * pixelBytes, (i + 1) * pixelBytes);
        const isMirrored = rng.uniform() < 0.5;
        if (isMirrored) mirror(image, place, studentSizePx);
        else place.set(image);
        tokensOf(sample, isMirrored).forEach((ofTap, tap) => tokens[tap]!.set(ofTap, i * patches * width));
        targets.set(set.features.subarray(index * width, (index + 1) * width), i * width);
      }
      standardise(targets, standardisation);
      return { pixels, targets, tokens, count };
    },
  };
}

/** The sample at a position in an endless row of epochs, each shuffled anew. */
function epochs(samples: readonly Sample[], seed: number): (position: number) => Sample {
  let epoch = -1;
  let order = samples;
  return (position) => {
    const wanted = Math.floor(position / samples.length);
    if (wanted !== epoch) order = shuffled(samples, createRng(Math.imul(seed + 1, 0x9e3779b1) ^ wanted));
    epoch = wanted;
    return order[position % samples.length]!;
  };
}

/** Left to right, [side, side, D]. */
function mirroredTokens(tokens: Float32Array, width: number): Float32Array {
  const side = Math.sqrt(tokens.length / width);
  const result = new Float32Array(tokens.length);
  for (let row = 0; row < side; row++) {
    for (let column = 0; column < side; column++) {
      const from = (row * side + column) * width;
      result.set(tokens.subarray(from, from + width), (row * side + side - 1 - column) * width);
    }
  }
  return result;
}

/** Left to right, [size, size, 3]. */
export function mirror(from: Uint8Array, to: Uint8Array, size: number): void {
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const source = (y * size + x) * 3;
      const target = (y * size + size - 1 - x) * 3;
      to[target] = from[source]!;
      to[target + 1] = from[source + 1]!;
      to[target + 2] = from[source + 2]!;
    }
  }
}
