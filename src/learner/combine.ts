import type { Classes } from "./classes.ts";
import { logSoftmax } from "./loss.ts";
import type { CombineSettings } from "./settings.ts";
import type { HeadName } from "./types.ts";

/** Each head's scores: logits, or log posteriors up to a constant, [C]. */
export type Scores = ReadonlyMap<HeadName, Float64Array>;

/** What is remembered of a head. */
export interface HeadRecord {
  /** Log of the exponent (inverse temperature) on the head's scores. */
  logExponent: number;
  /** Fading mean of the exponent's squared gradient, and how much of it is filled, 0…1. */
  squaredGradient: number;
  filled: number;
  /** For each class the fading mean of the calibrated head's log-loss, nats, and how much of it is filled. */
  readonly losses: number[];
  readonly evidence: number[];
}

export interface Combiner {
  /** Σ weight·softmax(exponent·scores) → [C], summing to 1. Heads whose scores are not finite are left out. */
  combine(scores: Scores, classes: Classes): Float64Array;
  /**
   * Learns, in place, from what the heads said about a sample whose class turned out to be c (c < C).
   * @param gap How many samples ago class c came before, ≥ 1.
   */
  observe(scores: Scores, c: number, gap: number): void;
  /** Share of each head, summing to 1. */
  weights(classes: Classes): ReadonlyMap<HeadName, number>;
  /** Forgets class c; later classes move up by one. */
  drop(c: number): void;
  /** Live: copy them to keep them. */
  records(): ReadonlyMap<HeadName, HeadRecord>;
}

export function freshRecord(): HeadRecord {
  return { logExponent: 0, squaredGradient: 0, filled: 0, losses: [], evidence: [] };
}

/** Heads trained by gradient forget what does not come back; closed-form ones do not. */
const forgets: ReadonlySet<HeadName> = new Set(["prompted"]);

/** Exponents stay within e^±8: far beyond use, and far from overflow. */
const largestLogExponent = 8;

/**
 * Mixes heads by how well they predicted. Two things are fitted online, from predictions made before learning:
 *
 * An exponent for each head, so that one that is too sure of itself (a Gaussian in hundreds of dimensions) is softened to
 * what it is worth: gradient steps on its log-loss, divided by their own fading size, so that they need no scale.
 *
 * Weights ∝ exp(−sharpness · mean over ALL classes of the head's fading log-loss). Recent performance alone is a trap where
 * labels come in bursts or classes come one after another: a head that repeats the latest classes looks best just when it
 * has forgotten the rest. Hence a mean over classes; a sample counts by the gap since its label came before (its mean is
 * 1 ÷ the label's rate), so the length of a burst does not matter; and what a forgetting head once knew of a class counts
 * for less with every sample since, towards chance. A young head is at chance, and loses to any that knows more.
 */
export function combiner(settings: CombineSettings, from: ReadonlyMap<HeadName, HeadRecord>): Combiner {
  const records = from;

  const weights = ({ lastSeen, samples }: Classes): ReadonlyMap<HeadName, number> => {
    const chance = Math.log(Math.max(2, lastSeen.length));
    const meanLoss = (name: HeadName, { losses, evidence }: HeadRecord): number => {
      let sum = 0;
      for (let c = 0; c < lastSeen.length; c++) {
        const age = forgets.has(name) ? (samples - lastSeen[c]!) / settings.evidenceSamples : 0;
        const trust = (evidence[c] ?? 0) > 0 ? Math.exp(-age) : 0;
        const loss = trust > 0 ? losses[c]! / evidence[c]! : chance;
        sum += trust * loss + (1 - trust) * Math.max(chance, loss);
      }
      return sum / Math.max(1, lastSeen.length);
    };
    const all = [...records].map(([name, record]) => [name, meanLoss(name, record)] as const);
    const least = Math.min(...all.map(([, loss]) => loss));
    const shares = all.map(([name, loss]) => [name, Math.exp(-settings.sharpness * (loss - least))] as const);
    const total = shares.reduce((sum, [, share]) => sum + share, 0);
    return new Map(shares.map(([name, share]) => [name, share / total]));
  };

  return {
    weights,
    records: () => records,
    combine(scores, classes) {
      const shares = weights(classes);
      const usable = [...scores].filter(([, s]) => s.every(Number.isFinite));
      const total = usable.reduce((sum, [name]) => sum + shares.get(name)!, 0);
      const count = classes.labels.length;
      if (total === 0) return new Float64Array(count).fill(1 / count);
      const result = new Float64Array(count);
      for (const [name, s] of usable) {
        const log = calibrated(records.get(name)!, s);
        const share = shares.get(name)! / total;
        for (let i = 0; i < count; i++) result[i]! += share * Math.exp(log[i]!);
      }
      return result;
    },
    observe(scores, c, gap) {
      for (const [name, s] of scores) {
        if (s.length < 2 || !s.every(Number.isFinite)) continue;
        const record = records.get(name)!;
        const log = calibrated(record, s);
        const importance = Math.min(1, gap / (fullGap * s.length));
        const classShare = importance / settings.memoryPerClass;
        for (let k = record.losses.length; k < s.length; k++) record.losses[k] = record.evidence[k] = 0;
        record.losses[c] = (1 - classShare) * record.losses[c]! - classShare * log[c]!;
        record.evidence[c] = (1 - classShare) * record.evidence[c]! + classShare;

        // d(log-loss)/d(exponent) = E_p[score] − score of the true class. Its size does not shrink with the exponent.
        const expected = log.reduce((sum, x, i) => sum + Math.exp(x) * s[i]!, 0);
        const gradient = expected - s[c]!;
        const share = importance / gradientMemory;
        record.squaredGradient = (1 - share) * record.squaredGradient + share * gradient ** 2;
        record.filled = (1 - share) * record.filled + share;
        const size = Math.sqrt(record.squaredGradient / record.filled);
        if (size === 0) continue;
        // Larger steps at first: the scale of a head's scores is anyone's guess.
        const rate = settings.rate === 0 ? 0 : settings.rate + 1 / (1 + gradientMemory * record.filled);
        const moved = record.logExponent - rate * importance * (gradient / size);
        record.logExponent = Math.max(-largestLogExponent, Math.min(largestLogExponent, moved));
      }
    },
    drop(c) {
      for (const { losses, evidence } of records.values()) {
        losses.splice(c, 1);
        evidence.splice(c, 1);
      }
    },
  };
}

/** A sample counts in full where its label's gap is this many times the number of classes. */
const fullGap = 4;

/** Samples over which the size of the exponent's gradient is averaged. */
const gradientMemory = 100;

function calibrated(record: HeadRecord, scores: Float64Array): Float64Array {
  const exponent = Math.exp(record.logExponent);
  return logSoftmax(scores.map((score) => exponent * score));
}
