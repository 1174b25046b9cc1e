import { z } from "zod";
import { packedLength } from "./cholesky.ts";
import { noOwnNumbers, type OwnNumbers } from "./own-gaussians.ts";
import type { ArrayReader } from "./state-arrays.ts";
import type { StatisticsNumbers } from "./statistics.ts";
import type { StateArray } from "./types.ts";

/** The statistics' numbers that are no arrays. */
export interface StatisticsMeta {
  readonly ridge: number;
  readonly degrees: number;
  /** Degrees at which own covariances get a new reference. */
  readonly next: number;
  /** Of own covariances, −1…1. */
  readonly worth: number;
  /** Whether there is an inverse. */
  readonly begun: boolean;
}

export const statisticsMetaSchema: z.ZodType<StatisticsMeta> = z.object({
  ridge: z.number().min(0),
  degrees: z.int().min(0),
  next: z.number().min(1),
  worth: z.number().min(-1).max(1),
  begun: z.boolean(),
});

export function statisticsMeta({ ridge, degrees, inverse, own }: StatisticsNumbers): StatisticsMeta {
  return { ridge, degrees, next: own.next, worth: own.worth, begun: inverse !== undefined };
}

/** F, and k, 0 where classes have no covariance of their own. */
export interface StatisticsWidths {
  readonly width: number;
  readonly coordinates: number;
}

type Arrays = Readonly<Record<string, StateArray>>;

/** All but counts and means, which a compact state has too; nothing before the first sample. Copies. */
export function statisticsArrays(
  { weights, inverse, own }: StatisticsNumbers,
  { width, coordinates }: StatisticsWidths,
): Arrays {
  if (inverse === undefined) return {};
  return {
    inverse: { data: inverse.slice(), shape: [packedLength(width)] },
    classWeights: { data: joined(weights, width, Float64Array), shape: [weights.length, width] },
    ...(coordinates > 0 && ownArrays(own, packedLength(coordinates))),
  };
}

function ownArrays({ shared, reference, classes }: OwnNumbers, length: number): Arrays {
  const sums = classes.map((scatter) => scatter.sums);
  return {
    ownScatter: { data: joined(sums, length, Float32Array), shape: [classes.length, length] },
    ownDegrees: { data: Int32Array.from(classes, ({ degrees }) => degrees), shape: [classes.length] },
    ...(shared && { sharedScatter: { data: shared.sums.slice(), shape: [length] } }),
    ...(reference && { reference: { data: reference.slice(), shape: [length] } }),
  };
}

/**
 * @param read Of a full state; undefined for a compact one, which has no covariance.
 * @throws AppError `learner/state`
 */
export function readStatistics(
  read: ArrayReader | undefined,
  { counts, means }: Pick<StatisticsNumbers, "counts" | "means">,
  meta: StatisticsMeta,
  { width, coordinates }: StatisticsWidths,
): StatisticsNumbers {
  const { ridge, degrees, begun } = meta;
  const known = { counts, means, ridge };
  if (!read || !begun) return { ...known, degrees: 0, weights: [], inverse: undefined, own: noOwnNumbers() };
  return {
    ...known,
    degrees,
    inverse: read.float64("inverse", [packedLength(width)]),
    weights: rows(read.float64("classWeights", [means.length, width]), width),
    own: coordinates > 0 ? readOwn(read, means.length, packedLength(coordinates), meta) : noOwnNumbers(),
  };
}

function readOwn(
  read: ArrayReader,
  classes: number,
  length: number,
  { degrees, next, worth }: StatisticsMeta,
): OwnNumbers {
  const sums = read.float32("ownScatter", [classes, length]);
  const own = read.int32("ownDegrees", [classes]);
  return {
    // Both are there as soon as a class has two samples.
    shared: degrees > 0 ? { sums: read.float64("sharedScatter", [length]), degrees } : undefined,
    reference: degrees > 0 ? read.float64("reference", [length]) : undefined,
    next,
    worth,
    classes: Array.from(own, (count, c) => ({ sums: sums.slice(c * length, (c + 1) * length), degrees: count })),
  };
}

function joined<T extends Float32Array | Float64Array>(
  parts: readonly T[],
  width: number,
  of: new (length: number) => T,
): T {
  const data = new of(parts.length * width);
  parts.forEach((part, i) => data.set(part, i * width));
  return data;
}

function rows(data: Float64Array, width: number): Float64Array[] {
  return Array.from({ length: data.length / width }, (_, i) => data.slice(i * width, (i + 1) * width));
}
