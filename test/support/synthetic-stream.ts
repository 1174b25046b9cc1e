import { createRng, type Rng, shuffled } from "../../src/kernel/rng.ts";

export interface LabelledPixels {
  readonly pixels: Uint8Array;
  readonly label: string;
}

export interface SyntheticStreamOptions {
  readonly classes: number;
  /** Samples of the most frequent class; the rarest has a third of them. */
  readonly perClass: number;
  readonly seed: number;
  /** Standard deviation of the pixel noise, in bytes; default 40. */
  readonly noise?: number;
  readonly imageSize?: number;
}

/**
 * One pass over classes that come one after another in bursts, each burst one label, unbalanced, two classes taking turns:
 * the order that makes gradient learners forget. Each class has two prototypes, so one mean does not tell it all.
 */
export function syntheticStream(options: SyntheticStreamOptions): { train: LabelledPixels[]; test: LabelledPixels[] } {
  const { classes, perClass, seed, noise = 40, imageSize = 4 } = options;
  const rng = createRng(seed);
  const length = imageSize * imageSize * 3;
  const prototypes = Array.from({ length: classes * 2 }, () =>
    Float64Array.from({ length }, () => 64 + 128 * rng.uniform()),
  );
  const draw = (c: number): LabelledPixels => {
    const prototype = prototypes[2 * c + rng.int(2)]!;
    const pixels = Uint8Array.from(prototype, (x) => Math.max(0, Math.min(255, Math.round(x + noise * rng.normal()))));
    return { pixels, label: `class ${c}` };
  };
  const train: LabelledPixels[] = [];
  for (let pair = 0; pair < classes; pair += 2) {
    const bursts = [pair, pair + 1].filter((c) => c < classes).flatMap((c) => burstsOf(c, perClass, rng));
    for (const { c, count } of shuffled(bursts, rng)) for (let i = 0; i < count; i++) train.push(draw(c));
  }
  const test = Array.from({ length: classes * 40 }, (_, i) => draw(i % classes));
  return { train, test };
}

function burstsOf(c: number, perClass: number, rng: Rng): { c: number; count: number }[] {
  const total = Math.round(perClass / (1 + (c % 3)));
  const bursts: { c: number; count: number }[] = [];
  for (let left = total; left > 0;) {
    const count = Math.min(left, 4 + rng.int(12));
    bursts.push({ c, count });
    left -= count;
  }
  return bursts;
}
