import type { ImageBatch } from "../backbone/engine.ts";
import { createRng, type Rng } from "../kernel/rng.ts";

/**
 * Seeded pictures of coloured clouds: noise in octaves, each as strong as it is coarse, which is how much photographs
 * vary at each scale (Field 1987: power falls with the square of the frequency).
 */
export function noiseImages(count: number, imageSize: number, seed: number): ImageBatch {
  const rng = createRng(seed);
  const pixels = new Uint8Array(count * imageSize ** 2 * 3);
  for (let i = 0; i < count; i++) pixels.set(clouds(imageSize, rng), i * imageSize ** 2 * 3);
  return { pixels, count };
}

/** [size, size, 3] */
function clouds(size: number, rng: Rng): Uint8Array {
  const sums = new Float64Array(size ** 2 * 3);
  for (let cells = 2; cells <= size; cells *= 2) {
    const grid = Float64Array.from({ length: (cells + 1) ** 2 * 3 }, () => rng.normal() / cells);
    for (let y = 0; y < size; y++) {
      for (let x = 0; x < size; x++) {
        for (let c = 0; c < 3; c++)
          sums[(y * size + x) * 3 + c]! += between(grid, cells, (x * cells) / size, (y * cells) / size, c);
      }
    }
  }
  return Uint8Array.from(sums, (value) => Math.max(0, Math.min(255, Math.round(128 + 100 * value))));
}

/** The grid's value between its four nearest points. */
function between(grid: Float64Array, cells: number, x: number, y: number, channel: number): number {
  const [left, top] = [Math.floor(x), Math.floor(y)];
  const at = (column: number, row: number): number => grid[(row * (cells + 1) + column) * 3 + channel]!;
  const [dx, dy] = [x - left, y - top];
  const upper = at(left, top) * (1 - dx) + at(left + 1, top) * dx;
  const lower = at(left, top + 1) * (1 - dx) + at(left + 1, top + 1) * dx;
  return upper * (1 - dy) + lower * dy;
}
