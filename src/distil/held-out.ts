import { probe } from "./probe.ts";
import { standardise, type Standardisation } from "./standardise.ts";
import type { ViewSet } from "./teacher-cache.ts";
import type { LogEntry } from "./training-log.ts";
import type { TrainingSession } from "./training-session.ts";

/** Photographs that are not trained on, to watch the training by. */
export interface HeldOut {
  measure(weights: Float32Array): Promise<Pick<LogEntry, "heldOutSquared" | "heldOutCosine" | "heldOutNearestMean">>;
}

export interface HeldOutOptions {
  readonly session: TrainingSession;
  /** The plain views. */
  readonly plain: ViewSet;
  /** Class of each photograph; the images behind them have none. */
  readonly labels: readonly string[];
  readonly heldOut: ReadonlySet<number>;
  readonly standardisation: Standardisation;
}

const perClassInMean = 10;
const batchSize = 50;

/** The first `perClass` photographs of each class. */
export function chooseHeldOut(labels: readonly string[], perClass: number): Set<number> {
  return new Set(firstOfEach(labels, perClass, () => true));
}

/** The first `perClass` photographs of each class that are not held out; by default all. */
export function chooseTrainedOn(
  labels: readonly string[],
  heldOut: ReadonlySet<number>,
  perClass: number = Infinity,
): number[] {
  return firstOfEach(labels, perClass, (index) => !heldOut.has(index));
}

/** Class means come from ten photographs that are not held out, the same ones however few are trained on; the held-out ones are classified. */
export function createHeldOut(options: HeldOutOptions): HeldOut {
  const { session, plain, heldOut, standardisation } = options;
  const labels = options.labels.slice(0, plain.count);
  const width = standardisation.mean.length;
  const test = [...heldOut].filter((index) => index < plain.count);
  const train = chooseTrainedOn(labels, heldOut, perClassInMean);
  const targets = gather(plain.features, test, width);
  standardise(targets, standardisation);

  async function features(weights: Float32Array, indices: readonly number[]): Promise<Float32Array> {
    const result = new Float32Array(indices.length * width);
    for (let from = 0; from < indices.length; from += batchSize) {
      const part = indices.slice(from, from + batchSize);
      const pixels = gather(plain.pixels, part, plain.pixels.length / plain.count);
      result.set(await session.features(weights, pixels, part.length), from * width);
    }
    return result;
  }

  return {
    measure: async (weights) => {
      const found = await features(weights, test);
      const { nearestMean } = probe(
        { features: await features(weights, train), labels: train.map((index) => labels[index]!), width },
        { features: found, labels: test.map((index) => labels[index]!), width },
      );
      return { ...distance(found, targets, width), heldOutNearestMean: nearestMean };
    },
  };
}

function distance(
  found: Float32Array,
  targets: Float32Array,
  width: number,
): { heldOutSquared: number; heldOutCosine: number } {
  let squared = 0;
  let cosine = 0;
  for (let from = 0; from < found.length; from += width) {
    let [ff, ft, tt] = [0, 0, 0];
    for (let i = from; i < from + width; i++) {
      ff += found[i]! ** 2;
      ft += found[i]! * targets[i]!;
      tt += targets[i]! ** 2;
    }
    squared += (ff - 2 * ft + tt) / found.length;
    cosine += (ft / Math.sqrt(ff * tt)) * (width / found.length);
  }
  return { heldOutSquared: squared, heldOutCosine: cosine };
}

function firstOfEach(labels: readonly string[], perClass: number, allowed: (index: number) => boolean): number[] {
  const counts = new Map<string, number>();
  const chosen: number[] = [];
  labels.forEach((label, index) => {
    const count = counts.get(label) ?? 0;
    if (count >= perClass || !allowed(index)) return;
    counts.set(label, count + 1);
    chosen.push(index);
  });
  return chosen;
}

/** The rows with these indices, each of `size` numbers. */
function gather<T extends Uint8Array | Float32Array>(rows: T, indices: readonly number[], size: number): T {
  const result = (rows instanceof Uint8Array
    ? new Uint8Array(indices.length * size)
    : new Float32Array(indices.length * size)) as Uint8Array | Float32Array as T;
  indices.forEach((index, i) => result.set(rows.subarray(index * size, (index + 1) * size), i * size));
  return result;
}
