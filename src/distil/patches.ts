import { createRng, shuffled } from "../kernel/rng.ts";
import type { ParameterLayout } from "./parameters.ts";

/**
 * Some of an image's patches, packed as a smaller square image: a ViT does not care where patches lie, only which
 * position embeddings are added to them (PatchDropout, Liu et al. 2022). 25 of 64 patches train 2.5 times as fast.
 */
export interface KeptPatches {
  /** Square root of how many are kept. */
  readonly side: number;
  /** Their indices, row by row, ascending. */
  readonly indices: readonly number[];
}

/** `side`² of the `fullSide`² patches, by seed and step alone. */
export function choosePatches(side: number, fullSide: number, seed: number, step: number): KeptPatches {
  const rng = createRng(Math.imul(seed + 1, 0xc2b2ae35) ^ step);
  const all = Array.from({ length: fullSide ** 2 }, (_, i) => i);
  return {
    side,
    indices: shuffled(all, rng)
      .slice(0, side ** 2)
      .toSorted((a, b) => a - b),
  };
}

/** The same patches of each image: uint8 [count, S, S, 3] → [count, side·p, side·p, 3]. */
export function packPatches(pixels: Uint8Array, imageSize: number, patchSize: number, kept: KeptPatches): Uint8Array {
  const { side, indices } = kept;
  const fullSide = imageSize / patchSize;
  const rowBytes = patchSize * 3;
  const packedSize = side * patchSize;
  const count = pixels.length / (imageSize ** 2 * 3);
  const packed = new Uint8Array(count * packedSize ** 2 * 3);
  for (let n = 0; n < count; n++) {
    indices.forEach((patch, place) => {
      for (let y = 0; y < patchSize; y++) {
        const from = rowStart(n, patch, y, fullSide, imageSize, patchSize);
        const to = rowStart(n, place, y, side, packedSize, patchSize);
        packed.set(pixels.subarray(from, from + rowBytes), to);
      }
    });
  }
  return packed;
}

/** The tokens of the kept patches: [count, P, D] → [count, side², D]. */
export function takeTokens(
  tokens: Float32Array,
  patches: number,
  width: number,
  { indices }: KeptPatches,
): Float32Array {
  const count = tokens.length / (patches * width);
  const taken = new Float32Array(count * indices.length * width);
  for (let n = 0; n < count; n++) {
    indices.forEach((patch, i) => {
      const from = (n * patches + patch) * width;
      taken.set(tokens.subarray(from, from + width), (n * indices.length + i) * width);
    });
  }
  return taken;
}

/** The position embeddings [1+P, D] of CLS and the kept patches. */
export function takePositions(positions: Float32Array, width: number, { indices }: KeptPatches): Float32Array {
  const taken = new Float32Array((1 + indices.length) * width);
  taken.set(positions.subarray(0, width));
  indices.forEach((patch, i) => {
    taken.set(positions.subarray((1 + patch) * width, (2 + patch) * width), (1 + i) * width);
  });
  return taken;
}

/** Back to their rows; the other patches' rows are 0. */
export function putPositions(taken: Float32Array, positions: Float32Array, width: number, kept: KeptPatches): void {
  positions.fill(0);
  positions.set(taken.subarray(0, width));
  kept.indices.forEach((patch, i) => {
    positions.set(taken.subarray((1 + i) * width, (2 + i) * width), (1 + patch) * width);
  });
}

/** The layout of a student that sees `side`² patches: the same flat array, only the positions are fewer. */
export function layoutWithPatches(layout: ParameterLayout, side: number): ParameterLayout {
  const { architecture, parameters, size } = layout;
  const positions = [1, 1 + side ** 2, architecture.width];
  return {
    architecture: { ...architecture, imageSize: side * architecture.patchSize },
    parameters: parameters.map((p) => (p.name === "pos_embed" ? { ...p, shape: positions } : p)),
    size,
  };
}

/** Where row y of a patch begins in image n, when `side` patches lie in a row. */
function rowStart(n: number, patch: number, y: number, side: number, imageSize: number, patchSize: number): number {
  const top = Math.floor(patch / side) * patchSize + y;
  return ((n * imageSize + top) * imageSize + (patch % side) * patchSize) * 3;
}
