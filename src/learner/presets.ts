import type { LearnerSettings, PoolSettings } from "./settings.ts";

const adam = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, clipNorm: 1 } as const;

const judgement = {
  unknown: { falseAlarmShare: 0.05, memorySamples: 500 },
  calibration: { memorySamples: 500 },
} as const;

/** What all official configurations have in common (google-research/l2p, `configs/*_l2p.py`; L2P, section 5.1). */
const official: LearnerSettings = {
  heads: ["prompted"],
  pool: {
    size: 10,
    promptLength: 10,
    topN: 4,
    // flax's `initializers.uniform()`: its default scale is 0.01.
    promptInit: { kind: "uniform", low: 0, high: 0.01 },
    keyInit: { kind: "uniform", low: 0, high: 0.01 },
    diversityPenalty: false,
  },
  // `models/vit.py`: kernel_init zeros. New rows are zeros too, so a head grown by class equals one made at full size.
  head: { kind: { kind: "linear" }, bias: true, newClass: "zeros" },
  loss: { pullWeight: 1, labelSmoothing: 0, mask: { kind: "none" } },
  // learning_rate 0.03 for 256 samples, optim adam, grad_clip_max_norm 1.0, weight_decay 0.
  optimiser: { ...adam, learningRate: 0.03, referenceBatch: 256, keyRate: 1, stepsPerBatch: 1 },
  statistics: { ridge: 30, drawMeans: false, classPrior: "uniform", ownCovariance: null },
  combine: { prior: { prompted: 1, statistics: 1 }, priorStrength: 4, memorySamples: 200 },
  effort: null,
  ...judgement,
  topLabels: 5,
};

function officialWith(pool: Partial<PoolSettings>, pullWeight: number): LearnerSettings {
  return { ...official, pool: { ...official.pool, ...pool }, loss: { ...official.loss, pullWeight } };
}

export type PaperVariant = "cifar100" | "cifar100FirstRelease" | "cifar100Ports" | "fiveDatasets" | "core50";

/**
 * L2P as published, without what needs task ids: no mask to the task's classes (`continual.train_mask`), no vote of the
 * batch (`batchwise_prompt`), no new optimiser at a boundary (`reinit_optimizer`).
 */
export const paper: Readonly<Record<PaperVariant, LearnerSettings>> = {
  /** `configs/cifar100_l2p.py` of the newest code. */
  cifar100: official,
  /** The first release of the same file (8cfb210); L2P, section 5.1, Split CIFAR-100. */
  cifar100FirstRelease: officialWith({ promptLength: 5, topN: 5 }, 0.1),
  /** As in the PyTorch ports: the first release's numbers, prompts and keys uniform in (−1, 1). */
  cifar100Ports: officialWith(
    {
      promptLength: 5,
      topN: 5,
      promptInit: { kind: "uniform", low: -1, high: 1 },
      keyInit: { kind: "uniform", low: -1, high: 1 },
    },
    0.1,
  ),
  /** `configs/five_datasets_l2p.py`. */
  fiveDatasets: officialWith({ size: 20 }, 0.5),
  /** `configs/core50_l2p.py`, where the backbone is trained too (and by SGD); here it stays frozen. */
  core50: officialWith({ promptLength: 5 }, 1),
};

/** For one pass over unbalanced labels that come in bursts. */
export const stream: LearnerSettings = {
  heads: ["prompted", "statistics"],
  pool: {
    size: 10,
    promptLength: 5,
    topN: 4,
    promptInit: { kind: "uniform", low: -1, high: 1 },
    keyInit: { kind: "first-features", spread: 0.5 },
    diversityPenalty: false,
  },
  head: { kind: { kind: "cosine", scale: 16 }, bias: false, newClass: "imprint" },
  loss: { pullWeight: 0.1, labelSmoothing: 0, mask: { kind: "recent", samples: 64, minClasses: 2, priorStrength: 1 } },
  optimiser: { ...adam, learningRate: 0.003, referenceBatch: null, keyRate: 1, stepsPerBatch: 3 },
  statistics: {
    ridge: 60,
    drawMeans: true,
    classPrior: "uniform",
    ownCovariance: {
      weight: 0.05,
      samples: 40,
      leastSamples: 10,
      coordinates: 364,
      shortlist: 16,
    },
  },
  combine: { prior: { prompted: 0.5, statistics: 4 }, priorStrength: 20, memorySamples: 200 },
  effort: { trialLabels: 200, restLabels: 5000 },
  ...judgement,
  topLabels: 5,
};
