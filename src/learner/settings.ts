import type { HeadKind } from "../backbone/engine.ts";
import { appError } from "../kernel/errors.ts";
import type { HeadName } from "./types.ts";

/** Everything that shapes a learner. The presets are plain values: spread one to change a part of it. */
export interface LearnerSettings {
  /** The heads that learn and predict, at least one. Without `prompted` no engine step is ever run. */
  readonly heads: readonly HeadName[];
  readonly pool: PoolSettings;
  readonly head: HeadSettings;
  readonly loss: LossSettings;
  readonly optimiser: OptimiserSettings;
  readonly statistics: StatisticsSettings;
  readonly combine: CombineSettings;
  /** When prompts that do not pay rest; null: never. With one head there is nothing to compare, and they never do. */
  readonly effort: EffortSettings | null;
  readonly unknown: UnknownSettings;
  readonly calibration: CalibrationSettings;
  /** Most labels in a prediction's `top`, ≥ 1. */
  readonly topLabels: number;
}

export interface PoolSettings {
  /** M: prompts in the pool. */
  readonly size: number;
  /** Lp: tokens in a prompt. */
  readonly promptLength: number;
  /** N: prompts selected for a sample, ≤ M. */
  readonly topN: number;
  readonly promptInit: UniformInit;
  readonly keyInit: UniformInit | FirstFeaturesInit;
  /**
   * Multiplies a prompt's distance by its normalised use count while learning (L2P, section 4.1, "optionally
   * diversifying prompt-selection").
   */
  readonly diversityPenalty: boolean;
}

/** Uniform in [low, high). */
export interface UniformInit {
  readonly kind: "uniform";
  readonly low: number;
  readonly high: number;
}

/**
 * Keys around the mean μ of the first batch's queries: μ plus spread·‖μ‖ in a random direction across μ. All features of a
 * ViT share a large common part; to keys drawn around 0 that part is nearly all there is, and the same few prompts win for
 * every image. Around μ the ranking depends on what tells features apart, in random directions, so that later classes are
 * spread as well.
 */
export interface FirstFeaturesInit {
  readonly kind: "first-features";
  /** Length of the random part against that of μ, > 0. */
  readonly spread: number;
}

export interface HeadSettings {
  readonly kind: HeadKind;
  /** False keeps the bias at 0: a bias learns how often a label came lately, the first thing to go wrong in bursts. */
  readonly bias: boolean;
  /** Row of a new class: zeros (official), or the mean prompted feature of its first samples (weight imprinting, Qi et al. 2018). */
  readonly newClass: "zeros" | "imprint";
}

export interface LossSettings {
  /** λ of L2P's eq. 5. */
  readonly pullWeight: number;
  /** 0: one-hot targets. */
  readonly labelSmoothing: number;
  readonly mask: MaskSettings;
}

/** Which classes compete in the cross-entropy. Label ids only: no task id, no sample is kept. */
export type MaskSettings =
  | { readonly kind: "none" }
  | {
      readonly kind: "recent";
      /** A class competes when it was among the last `samples` labels… */
      readonly samples: number;
      /** …or is one of the `minClasses` last seen: one class alone would leave one logit, and no gradient. */
      readonly minClasses: number;
      /** Weight of the recent labels' log frequency in the softmax while training, 0…1 (see `trainingOffsets`). */
      readonly priorStrength: number;
    };

export interface OptimiserSettings {
  readonly learningRate: number;
  /** The batch size `learningRate` is meant for: it is scaled in proportion to the real one. null: never scaled. */
  readonly referenceBatch: number | null;
  /** The keys' rate as a share of the others'. */
  readonly keyRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** Largest norm of the whole gradient, pool and head together. */
  readonly clipNorm: number;
  readonly stepsPerBatch: number;
}

export interface StatisticsSettings {
  /** λ of the shared covariance, in samples: that many times the first one's mean square, > 0. */
  readonly ridge: number;
  /** Draws class means towards their centre, by how far apart classes are seen to lie. */
  readonly drawMeans: boolean;
  /** `counts`: labels that came often are likelier before the image is seen. */
  readonly classPrior: "uniform" | "counts";
  /** What each class has of a covariance of its own; null: all share one. */
  readonly ownCovariance: OwnCovarianceSettings | null;
}

/** Part of a class's covariance that is its own: weight·n/(n + samples), n being its samples less one. */
export interface OwnCovarianceSettings {
  /** 0…1, what it comes to with many samples. */
  readonly weight: number;
  /** > 0: at so many samples it is half of that. */
  readonly samples: number;
  /** Below so many it has none of its own, ≥ 1. */
  readonly leastSamples: number;
  /** k: a class's own covariance is of the query's first k numbers, ≥ 1; 2·k² bytes a class. */
  readonly coordinates: number;
  /** The likeliest classes by the shared covariance that are told apart by their own, ≥ 1. */
  readonly shortlist: number;
}

export interface EffortSettings {
  /** Labels of one trial, ≥ 1. */
  readonly trialLabels: number;
  /** Labels after which resting prompts are tried again, ≥ 1. */
  readonly restLabels: number;
}

export interface CombineSettings {
  /** Weight of each head before anything was seen, > 0. */
  readonly prior: Readonly<Record<HeadName, number>>;
  /** How firmly the weights start there: curvature of the log-loss, about 1 for 2 to 4 samples, > 0. */
  readonly priorStrength: number;
  /** Samples that the fit remembers, > 1: how fast the weights follow drift. */
  readonly memorySamples: number;
}

/** When a frame is said to be unlike anything learned; needs the statistics head. */
export interface UnknownSettings {
  /** Share of frames of known classes that may be called unknown, 0…1; 0: nothing is ever unknown. */
  readonly falseAlarmShare: number;
  /** The latest labelled frames whose novelty sets the limit, ≥ 1. */
  readonly memorySamples: number;
}

export interface CalibrationSettings {
  /** Labels that confidences are fitted to, > 1. */
  readonly memorySamples: number;
}

/** @throws AppError `learner/settings`, naming every fault. */
export function checkSettings(settings: LearnerSettings): void {
  const { heads, pool, head, loss, optimiser, statistics, combine, effort, unknown, calibration, topLabels } = settings;
  const { mask } = loss;
  const { ownCovariance: own } = statistics;
  const rules: readonly (readonly [holds: boolean, rule: string])[] = [
    [heads.length > 0 && new Set(heads).size === heads.length, "heads must name at least one head, each once"],
    [isCount(pool.size), "pool.size must be a whole number ≥ 1"],
    [isCount(pool.promptLength), "pool.promptLength must be a whole number ≥ 1"],
    [isCount(pool.topN) && pool.topN <= pool.size, "pool.topN must be a whole number from 1 to pool.size"],
    [pool.keyInit.kind !== "first-features" || pool.keyInit.spread > 0, "pool.keyInit.spread must be > 0"],
    // A row of zeros has no direction: its cosine has no gradient to speak of.
    [head.kind.kind === "linear" || head.newClass === "imprint", "a cosine head needs head.newClass: imprint"],
    [head.kind.kind === "linear" || head.kind.scale > 0, "head.kind.scale must be > 0"],
    [loss.pullWeight >= 0, "loss.pullWeight must be ≥ 0"],
    [loss.labelSmoothing >= 0 && loss.labelSmoothing < 1, "loss.labelSmoothing must be in 0…1, without 1"],
    [
      mask.kind === "none" || (isCount(mask.samples) && mask.samples > 1),
      "loss.mask.samples must be a whole number ≥ 2",
    ],
    [
      mask.kind === "none" || (mask.priorStrength >= 0 && mask.priorStrength <= 1),
      "loss.mask.priorStrength must be 0…1",
    ],
    [mask.kind === "none" || isCount(mask.minClasses), "loss.mask.minClasses must be a whole number ≥ 1"],
    [optimiser.learningRate > 0, "optimiser.learningRate must be > 0"],
    [optimiser.referenceBatch === null || optimiser.referenceBatch > 0, "optimiser.referenceBatch must be > 0 or null"],
    [optimiser.keyRate >= 0, "optimiser.keyRate must be ≥ 0"],
    [optimiser.clipNorm > 0, "optimiser.clipNorm must be > 0"],
    [isCount(optimiser.stepsPerBatch), "optimiser.stepsPerBatch must be a whole number ≥ 1"],
    [statistics.ridge > 0, "statistics.ridge must be > 0"],
    [own === null || (own.weight >= 0 && own.weight <= 1), "statistics.ownCovariance.weight must be 0…1"],
    [own === null || own.samples > 0, "statistics.ownCovariance.samples must be > 0"],
    [
      own === null || [own.leastSamples, own.coordinates, own.shortlist].every(isCount),
      "statistics.ownCovariance.leastSamples, coordinates and shortlist must be whole numbers ≥ 1",
    ],
    [heads.every((name) => combine.prior[name] > 0), "combine.prior must be > 0"],
    [combine.priorStrength > 0, "combine.priorStrength must be > 0"],
    [combine.memorySamples > 1, "combine.memorySamples must be > 1"],
    [unknown.falseAlarmShare >= 0 && unknown.falseAlarmShare <= 1, "unknown.falseAlarmShare must be 0…1"],
    [isCount(unknown.memorySamples), "unknown.memorySamples must be a whole number ≥ 1"],
    [calibration.memorySamples > 1, "calibration.memorySamples must be > 1"],
    [
      effort === null || (isCount(effort.trialLabels) && isCount(effort.restLabels)),
      "effort.trialLabels and restLabels must be whole numbers ≥ 1",
    ],
    [isCount(topLabels), "topLabels must be a whole number ≥ 1"],
  ];
  const broken = rules.filter(([holds]) => !holds).map(([, rule]) => rule);
  if (broken.length > 0) throw appError("learner/settings", broken.join("; "));
}

function isCount(value: number): boolean {
  return Number.isInteger(value) && value >= 1;
}
