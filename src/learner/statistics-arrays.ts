import { z } from "zod";
import { packedLength } from "./cholesky.ts";
import { noOwnNumbers, type OwnNumbers } from "./own-gaussians.ts";
import { noPrecision } from "./precision.ts";
import type { ArrayReader } from "./state-arrays.ts";
import type { StatisticsNumbers } from "./statistics.ts";
import type { StateArray } from "./types.ts";

/** The statistics' numbers that are no arrays. */
export interface StatisticsMeta {
  readonly ridge: number;
  readonly degrees: number;
  /** Absent in states of earlier versions. */
  readonly spread?: number | undefined;
  /** For earlier versions, above 0: own covariances are used. A package may be rolled back. */
  readonly worth: number;
  /** Whether there is an inverse. */
  readonly begun: boolean;
}

export const statisticsMetaSchema: z.ZodType<StatisticsMeta> = z.object({
  ridge: z.number().min(0),
  degrees: z.int().min(0),
  spread: z.number().min(0).optional(),
  worth: z.number(),
  begun: z.boolean(),
});

export function statisticsMeta({ ridge, spread, shared }: StatisticsNumbers): StatisticsMeta {
  return { ridge, spread, degrees: shared.degrees, worth: 0.01, begun: shared.inverse !== undefined };
}

/** F, and k, 0 where classes have no covariance of their own. */
export interface StatisticsWidths {
  readonly width: number;
  readonly coordinates: number;
}

type Arrays = Readonly<Record<string, StateArray>>;

/** All but counts and means, which a compact state has too; nothing before the first sample. Copies. */
export function statisticsArrays({ shared, own }: StatisticsNumbers, { width, coordinates }: StatisticsWidths): Arrays {
  if (shared.inverse === undefined) return {};
  return {
    inverse: { data: shared.inverse.slice(), shape: [packedLength(width)] },
    classWeights: { data: joined(shared.weights, width, Float64Array), shape: [shared.weights.length, width] },
    ...(coordinates > 0 && ownArrays(own, coordinates)),
  };
}

function ownArrays({ shared, classes }: OwnNumbers, size: number): Arrays {
  const length = packedLength(size);
  const sums = classes.map((scatter) => scatter.sums);
  return {
    ownInverse: { data: shared.inverse!.slice(), shape: [length] },
    ownWeights: { data: joined(shared.weights, size, Float64Array), shape: [classes.length, size] },
    ownScatter: { data: joined(sums, length, Float32Array), shape: [classes.length, length] },
    ownDegrees: { data: Int32Array.from(classes, ({ degrees }) => degrees), shape: [classes.length] },
    ownSpread: { data: Float64Array.from(classes, ({ spread }) => spread), shape: [classes.length] },
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
  if (!read || !begun) return { ...known, spread: 0, shared: noPrecision(), own: noOwnNumbers() };
  return {
    ...known,
    // F is what it comes to with many samples.
    spread: meta.spread ?? width,
    shared: {
      degrees,
      inverse: read.float64("inverse", [packedLength(width)]),
      weights: rows(read.float64("classWeights", [means.length, width]), width),
    },
    own: coordinates > 0 ? readOwn(read, means.length, coordinates, meta) : noOwnNumbers(),
  };
}

function readOwn(read: ArrayReader, classes: number, size: number, { degrees }: StatisticsMeta): OwnNumbers {
  const length = packedLength(size);
  const sums = read.float32("ownScatter", [classes, length]);
  const degreesOf = read.int32("ownDegrees", [classes]);
  const spreadOf = read.float64("ownSpread", [classes]);
  return {
    shared: {
      degrees,
      inverse: read.float64("ownInverse", [length]),
      weights: rows(read.float64("ownWeights", [classes, size]), size),
    },
    classes: Array.from({ length: classes }, (_, c) => ({
      sums: sums.slice(c * length, (c + 1) * length),
      degrees: degreesOf[c]!,
      spread: spreadOf[c]!,
    })),
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
