import { packedLength } from "./cholesky.ts";
import { emptyOwnScatter, type OwnScatter } from "./own-covariance.ts";
import type { ArrayReader } from "./state-arrays.ts";
import type { StateArray } from "./types.ts";

/** The classes' own scatters, [C, k(k + 1)/2], and their degrees, [C]; nothing where there are none. */
export function ownArrays(own: readonly OwnScatter[]): Readonly<Record<string, StateArray>> {
  const [first] = own;
  if (first === undefined) return {};
  const length = first.sums.length;
  const sums = new Float32Array(own.length * length);
  own.forEach((scatter, c) => sums.set(scatter.sums, c * length));
  const degrees = Int32Array.from(own, (scatter) => scatter.degrees);
  return {
    ownScatter: { data: sums, shape: [own.length, length] },
    ownDegrees: { data: degrees, shape: [own.length] },
  };
}

/**
 * @param read Undefined for a state that was saved without them: each class's own scatter begins anew.
 * @param coordinates k; 0 where classes have none.
 * @throws AppError `learner/state`
 */
export function readOwn(read: ArrayReader | undefined, classes: number, coordinates: number): OwnScatter[] {
  if (coordinates === 0 || classes === 0) return [];
  if (!read) return Array.from({ length: classes }, () => emptyOwnScatter(coordinates));
  const length = packedLength(coordinates);
  const sums = read.float32("ownScatter", [classes, length]);
  const degrees = read.int32("ownDegrees", [classes]);
  return Array.from(degrees, (count, c) => ({ sums: sums.slice(c * length, (c + 1) * length), degrees: count }));
}
