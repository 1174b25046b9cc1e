import { dot } from "../kernel/tensor.ts";
import { cholesky, forwardSolve, packedLength } from "./cholesky.ts";
import { argmax } from "./loss.ts";
import type { OwnCovarianceSettings } from "./settings.ts";
import { subtractOuter } from "./symmetric.ts";

/** Σ δδᵀ over the first k coordinates, packed, and how many are in it. */
export interface Scatter<Sums extends Float32Array | Float64Array> {
  readonly sums: Sums;
  degrees: number;
}

export interface OwnNumbers {
  /** Of all classes, around each one's mean; undefined before the first sample. */
  shared: Scatter<Float64Array> | undefined;
  /** The shared covariance as it was when it was last looked at: what own ones are mixed with and held against. */
  reference: Float64Array | undefined;
  /** Degrees at which it is looked at next. */
  next: number;
  /** Fading mean of what own covariances put right (1) and wrong (−1) of labels that were known before. */
  worth: number;
  /** Around each class's mean, [C]; single precision, for there are many. */
  readonly classes: Scatter<Float32Array>[];
}

/** While they are not used, one in so many labels judges them: a judgement may cost a factor for each likely class. */
const judgedWhileOff = 10;

/** Worth their while until the first labels say otherwise. */
const firstWorth = 0.01;

export function noOwnNumbers(): OwnNumbers {
  return { shared: undefined, reference: undefined, next: 1, worth: firstWorth, classes: [] };
}

/** k: of how many of a query's first numbers classes have a covariance of their own. */
export function ownCoordinates(settings: OwnCovarianceSettings | null, width: number): number {
  return Math.min(width, settings?.coordinates ?? 0);
}

export interface OwnGaussians {
  /**
   * Adds to the likeliest classes' scores the log ratio of own to shared density; the others get the least of these, so
   * that none overtakes. Gives the scores back as they are where own covariances are not worth it.
   */
  refine(scores: Float64Array, query: Float32Array): Float64Array;
  /** Judges them by a sample that is not learned yet, whose class turned out to be c. */
  observe(scores: Float64Array, query: Float32Array, c: number): void;
  add(c: number): void;
  learn(c: number, delta: Float64Array, grown: number): void;
  drop(c: number): void;
}

/** What the statistics head knows besides, live. */
interface Statistics {
  readonly means: readonly Float64Array[];
  readonly ridge: number;
  readonly own: OwnNumbers;
}

/** log of own density ÷ shared density at x's first k coordinates, both around the class's mean. */
type LogRatio = (x: ArrayLike<number>) => number;

/**
 * What classes have of a covariance of their own, as in a regularised discriminant analysis (Friedman 1989, eq. 15):
 * (1 − a)·shared + a·own, a = weight·n/(n + samples) for n degrees of freedom.
 *
 * Where the world changes, a class that saw the change has a wider Gaussian and takes the others' samples: on drawn parts under
 * night and new belts they cost twelve points. So they are used while they put more labels right than wrong (`worth`).
 *
 * A class's factor is made when it is asked for, k³/6 multiply-adds after each of its samples, and follows from the numbers
 * alone; all are made anew when the shared covariance has `refreshGrowth` more samples in it.
 */
export function ownGaussians(settings: OwnCovarianceSettings, width: number, numbers: Statistics): OwnGaussians {
  const { own, means } = numbers;
  const size = ownCoordinates(settings, width);
  let ratios: (LogRatio | undefined)[] = [];
  let referenceFactor: Float64Array | undefined;

  function logRatioOf(c: number): LogRatio {
    const { sums, degrees } = own.classes[c]!;
    const share = (settings.weight * degrees) / (degrees + settings.samples);
    const shared = (referenceFactor ??= cholesky(own.reference!, size));
    const mixed = own.reference!.map((value, i) => (1 - share) * value + (share / degrees) * sums[i]!);
    const factor = cholesky(mixed, size);
    const logVolumes = logScale(shared, size) - logScale(factor, size);
    const mean = means[c]!;
    return (x) => {
      const delta = Float64Array.from({ length: size }, (_, i) => x[i]! - mean[i]!);
      const [byShared, byOwn] = [forwardSolve(shared, delta), forwardSolve(factor, delta)];
      return (dot(byShared, byShared) - dot(byOwn, byOwn)) / 2 + logVolumes;
    };
  }

  function refresh(): void {
    const { sums, degrees } = own.shared!;
    own.reference = sums.map((sum) => sum / degrees);
    for (let i = 0; i < size; i++) own.reference[packedLength(i) + i]! += numbers.ridge / degrees;
    own.next = degrees + Math.max(1, Math.floor(degrees * settings.refreshGrowth));
    referenceFactor = undefined;
    ratios = [];
  }

  // A compact state has classes without a covariance.
  for (const c of means.keys()) own.classes[c] ??= emptyScatter(size);

  const ratioOf = (c: number, query: Float32Array): number => {
    if (!own.reference || own.classes[c]!.degrees < settings.leastSamples) return 0;
    return (ratios[c] ??= logRatioOf(c))(query);
  };

  function refined(scores: Float64Array, query: Float32Array): Float64Array {
    const order = [...scores.keys()].toSorted((a, b) => scores[b]! - scores[a]!);
    const likeliest = new Map(order.slice(0, settings.shortlist).map((c) => [c, ratioOf(c, query)]));
    const least = Math.min(...likeliest.values());
    return scores.map((score, c) => score + (likeliest.get(c) ?? least));
  }

  return {
    refine: (scores, query) => (own.worth > 0 ? refined(scores, query) : scores),
    observe(scores, query, c) {
      if (own.worth <= 0 && (own.shared?.degrees ?? 0) % judgedWhileOff !== 0) return;
      const [alone, together] = [scores, refined(scores, query)].map((said) => (argmax(said) === c ? 1 : 0));
      own.worth += (together! - alone! - own.worth) / settings.memorySamples;
    },
    add(c) {
      own.classes[c] = emptyScatter(size);
    },
    learn(c, delta, grown) {
      own.shared ??= { sums: new Float64Array(packedLength(size)), degrees: 0 };
      const first = delta.subarray(0, size);
      for (const scatter of [own.shared, own.classes[c]!]) {
        subtractOuter(scatter.sums, first, -grown);
        scatter.degrees += 1;
      }
      ratios[c] = undefined;
      if (own.shared.degrees >= own.next) refresh();
    },
    drop(c) {
      own.classes.splice(c, 1);
      ratios = [];
    },
  };
}

function emptyScatter(size: number): Scatter<Float32Array> {
  return { sums: new Float32Array(packedLength(size)), degrees: 0 };
}

/** Half the log of the determinant, of a factor's. */
function logScale(factor: Float64Array, size: number): number {
  let sum = 0;
  for (let i = 0; i < size; i++) sum += Math.log(factor[packedLength(i) + i]!);
  return sum;
}
