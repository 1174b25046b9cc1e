import type { Tensor } from "../kernel/tensor.ts";

/**
 * Position embeddings [1, 1+s·s, D] for another grid, [1, 1+side·side, D]: the CLS token's stays, the patches' are
 * resampled as images with D channels. As timm does it (`resample_abs_pos_embed` in timm/layers/pos_embed.py): bicubic
 * with antialiasing, pixel centres at halves.
 */
export function resamplePositions({ data, shape }: Tensor, side: number): Tensor {
  const [, tokens = 1, width = 0] = shape;
  const from = Math.round(Math.sqrt(tokens - 1));
  const taps = cubicTaps(from, side);
  const grid = data.subarray(width);
  // Along x, then along y.
  const rows = new Float64Array(from * side * width);
  for (let y = 0; y < from; y++) {
    for (const [x, { first, weights }] of taps.entries()) {
      for (const [i, weight] of weights.entries()) {
        const source = (y * from + first + i) * width;
        const target = (y * side + x) * width;
        for (let d = 0; d < width; d++) rows[target + d]! += weight * grid[source + d]!;
      }
    }
  }
  const resampled = new Float64Array(side * side * width);
  for (const [y, { first, weights }] of taps.entries()) {
    for (const [i, weight] of weights.entries()) {
      const source = (first + i) * side * width;
      const target = y * side * width;
      for (let j = 0; j < side * width; j++) resampled[target + j]! += weight * rows[source + j]!;
    }
  }
  const result = new Float32Array((1 + side * side) * width);
  result.set(data.subarray(0, width));
  result.set(resampled, width);
  return { data: result, shape: [1, 1 + side * side, width] };
}

/** What one new pixel takes of the old ones, from `first` on; the weights' sum is 1. */
interface Taps {
  readonly first: number;
  readonly weights: readonly number[];
}

/** As PyTorch's antialiased bicubic (aten/src/ATen/native/UpSample.h): support grows with the scale when shrinking. */
function cubicTaps(from: number, to: number): Taps[] {
  const scale = from / to;
  const stretch = Math.max(scale, 1);
  const support = 2 * stretch;
  return Array.from({ length: to }, (_, i) => {
    const centre = scale * (i + 0.5);
    const first = Math.max(Math.trunc(centre - support + 0.5), 0);
    const end = Math.min(Math.trunc(centre + support + 0.5), from);
    const raw = Array.from({ length: end - first }, (__, j) => cubic((j + first - centre + 0.5) / stretch));
    const sum = raw.reduce((total, weight) => total + weight, 0);
    return { first, weights: raw.map((weight) => weight / sum) };
  });
}

/** Keys' cubic convolution with a = −0.5, which PyTorch takes when it antialiases (−0.75 when it does not). */
function cubic(distance: number): number {
  const [x, a] = [Math.abs(distance), -0.5];
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}
