import { z } from "zod";
import type { BackboneInfo } from "../backbone/engine.ts";
import { appError } from "../kernel/errors.ts";
import { packedLength } from "./cholesky.ts";
import { type Calibration, calibrationSchema, freshCalibration } from "./calibration.ts";
import type { Classes } from "./classes.ts";
import type { Combination } from "./combine.ts";
import type { LearnerSettings } from "./settings.ts";
import { type Effort, effortSchema, freshEffort } from "./effort.ts";
import { ownCoordinates } from "./own-gaussians.ts";
import { arrayReader, parameterArrays, stateArray } from "./state-arrays.ts";
import {
  readStatistics,
  statisticsArrays,
  statisticsMeta,
  statisticsMetaSchema,
  type StatisticsWidths,
} from "./statistics-arrays.ts";
import type { StatisticsNumbers } from "./statistics.ts";
import type { Prompted } from "./train.ts";
import type { LearnerState, StateArray } from "./types.ts";

/** All that a learner knows. No random source is in it: chance is used up when the pool is made. */
export interface Knowledge extends Prompted {
  /** Batches learned. */
  readonly poolVersion: number;
  readonly classes: Classes;
  /** The keys still wait for the first features. */
  readonly keysPending: boolean;
  readonly statistics: StatisticsNumbers;
  readonly combination: Combination;
  readonly effort: Effort;
  readonly calibration: Calibration;
  /** Novelty of the latest labelled frames of known classes, oldest first. */
  readonly knownScores: Float64Array;
}

const whole = z.int().min(0);
const metaSchema = z.object({
  v: z.literal(1),
  kind: z.enum(["full", "compact"]),
  /** What must be equal in the learner that takes the state over, as JSON. */
  fit: z.string(),
  labels: z.array(z.string()),
  poolVersion: whole,
  samples: whole,
  keysPending: z.boolean(),
  heads: z.array(z.enum(["prompted", "statistics"])),
  statistics: statisticsMetaSchema,
  // Absent in states of earlier versions.
  calibration: calibrationSchema.optional(),
  effort: effortSchema.optional(),
});

/** `compact`: float32 and int32 arrays only, without moments, prompt uses and covariances. Arrays are copies. */
export function saveState(
  kind: "full" | "compact",
  k: Knowledge,
  settings: LearnerSettings,
  info: Widths,
): LearnerState {
  const { means } = k.statistics;
  const shapes = shapesFor(settings, info, k.classes.labels.length);
  const meta: z.infer<typeof metaSchema> = {
    v: 1,
    kind,
    fit: fit(settings, info),
    labels: [...k.classes.labels],
    poolVersion: k.poolVersion,
    samples: k.classes.samples,
    keysPending: k.keysPending,
    heads: [...settings.heads],
    statistics: statisticsMeta(k.statistics),
    calibration: k.calibration,
    effort: { ...k.effort },
  };
  const precision = kind === "full" ? Float64Array : Float32Array;
  const flatMeans = Float64Array.from(means.flatMap((mean) => [...mean]));
  const arrays: Record<string, StateArray> = {
    prompts: stateArray(k.pool.prompts.value, shapes.prompts),
    keys: stateArray(k.pool.keys.value, shapes.keys),
    headWeight: stateArray(k.head.weight.value, shapes.headWeight),
    headBias: stateArray(k.head.bias.value, shapes.headBias),
    lastSeen: stateArray(Int32Array.from(k.classes.lastSeen), shapes.classes),
    classCounts: stateArray(Int32Array.from(k.classes.counts), shapes.classes),
    classMeans: stateArray(precision.from(flatMeans), shapes.means),
    headWeights: stateArray(precision.from(k.combination.weights), shapes.heads),
    headCurvature: stateArray(precision.from(k.combination.curvature), shapes.curvature),
  };
  if (kind === "compact") return { meta, arrays };
  return {
    meta,
    arrays: {
      ...arrays,
      ...parameterArrays("prompts", k.pool.prompts, shapes.prompts),
      ...parameterArrays("keys", k.pool.keys, shapes.keys),
      ...parameterArrays("headWeight", k.head.weight, shapes.headWeight),
      ...parameterArrays("headBias", k.head.bias, shapes.headBias),
      promptUses: stateArray(k.uses, shapes.uses),
      headSpreads: stateArray(k.combination.spreads, shapes.spreads),
      knownScores: stateArray(k.knownScores, [k.knownScores.length]),
      recentCounts: stateArray(Float64Array.from(k.classes.recent), shapes.classes),
      ...statisticsArrays(k.statistics, statisticsWidths(settings, info)),
    },
  };
}

/**
 * What a compact state leaves out starts afresh: Adam's moments, prompt uses, the recent labels' frequencies, the covariances.
 * So does what was found out with covariances: the prompts' trial, and how sure the learner may be.
 * @throws AppError `learner/state`
 */
export function readState(saved: LearnerState, settings: LearnerSettings, info: Widths): Knowledge {
  const parsed = metaSchema.safeParse(saved.meta);
  if (!parsed.success) {
    const faults = parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
    throw appError("learner/state", `meta is not a learner's: ${faults.join("; ")}`);
  }
  const meta = parsed.data;
  const expected = fit(settings, info);
  if (meta.fit !== expected) throw appError("learner/state", `saved for ${meta.fit}, running ${expected}`);
  if (new Set(meta.labels).size !== meta.labels.length) throw appError("learner/state", "a label is there twice");
  if (meta.heads.join() !== settings.heads.join()) {
    throw appError(
      "learner/state",
      `saved for the heads ${meta.heads.join(", ")}, running ${settings.heads.join(", ")}`,
    );
  }

  const full = meta.kind === "full";
  const { queryWidth } = info;
  const shapes = shapesFor(settings, info, meta.labels.length);
  const read = arrayReader(saved.arrays);
  const matrix = read.float64("classMeans", shapes.means);
  const counts = [...read.int32("classCounts", shapes.classes)];
  if (counts.some((count) => count < 1)) throw appError("learner/state", "a class without samples");
  const means = counts.map((_, c) => matrix.slice(c * queryWidth, (c + 1) * queryWidth)).slice(0, shapes.means[0]);
  /** The heads are those that trial and confidences were of: a statistics head without its covariances is another. */
  const isWhole = full || !settings.heads.includes("statistics");
  const has = (name: string): boolean => full && Object.hasOwn(saved.arrays, name);
  return {
    poolVersion: meta.poolVersion,
    keysPending: meta.keysPending,
    classes: {
      labels: meta.labels,
      counts,
      lastSeen: [...read.int32("lastSeen", shapes.classes)],
      recent: full ? [...read.float64("recentCounts", shapes.classes)] : counts.map(() => 0),
      samples: meta.samples,
    },
    pool: {
      prompts: read.parameter("prompts", shapes.prompts, full),
      keys: read.parameter("keys", shapes.keys, full),
    },
    head: {
      weight: read.parameter("headWeight", shapes.headWeight, full),
      bias: read.parameter("headBias", shapes.headBias, full),
    },
    uses: full ? read.float64("promptUses", shapes.uses) : new Float64Array(settings.pool.size),
    statistics: readStatistics(
      full ? read : undefined,
      { counts: counts.slice(0, means.length), means },
      meta.statistics,
      statisticsWidths(settings, info),
    ),
    combination: {
      weights: read.float64("headWeights", shapes.heads),
      curvature: read.float64("headCurvature", shapes.curvature),
      // Absent in states of earlier versions.
      spreads: has("headSpreads") ? read.float64("headSpreads", shapes.spreads) : new Float64Array(shapes.spreads[0]!),
    },
    effort: (isWhole ? meta.effort : undefined) ?? freshEffort,
    calibration: (isWhole ? meta.calibration : undefined) ?? freshCalibration(),
    knownScores: has("knownScores")
      ? read.float64("knownScores", [saved.arrays["knownScores"]!.data.length])
      : new Float64Array(0),
  };
}

function shapesFor(settings: LearnerSettings, { width, queryWidth }: Widths, classes: number): Shapes {
  const { size, promptLength } = settings.pool;
  const rows = settings.heads.includes("prompted") ? classes : 0;
  return {
    prompts: [size, promptLength, width],
    keys: [size, width],
    headWeight: [rows, width],
    headBias: [rows],
    uses: [size],
    classes: [classes],
    means: [settings.heads.includes("statistics") ? classes : 0, queryWidth],
    heads: [settings.heads.length],
    curvature: [packedLength(settings.heads.length)],
    spreads: [2 * settings.heads.length],
  };
}

function statisticsWidths({ statistics }: LearnerSettings, { queryWidth }: Widths): StatisticsWidths {
  return { width: queryWidth, coordinates: ownCoordinates(statistics.ownCovariance, queryWidth) };
}

type Widths = Pick<BackboneInfo, "width" | "queryWidth">;

type Shapes = Readonly<
  Record<
    "prompts" | "keys" | "headWeight" | "headBias" | "uses" | "classes" | "means" | "heads" | "curvature" | "spreads",
    readonly number[]
  >
>;

/** Rates, masks and the like may change over a restart; what gives the numbers their meaning may not. */
function fit({ pool, heads, head, statistics }: LearnerSettings, { width }: Widths): string {
  const { size, promptLength } = pool;
  return JSON.stringify({
    width,
    size,
    promptLength,
    heads,
    head: head.kind,
    own: statistics.ownCovariance?.coordinates ?? null,
  });
}
