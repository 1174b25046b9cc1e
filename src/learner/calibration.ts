/** What makes confidences honest: numbers about what was predicted before it was learned, no sample. JSON. */
export interface Calibration {
  /** Fading sum of the log-loss that each of `slopes` would have had, nats. */
  readonly losses: readonly number[];
  /** Fading counts: labels, and those of them that had never come before. */
  readonly labels: number;
  readonly newLabels: number;
}

export interface Calibrator {
  /** Probabilities [C] as the heads' combination has them → honest ones, summing to 1 − the chance of a label never seen. */
  apply(probabilities: Float64Array): Float64Array;
  /** @param c The class that it turned out to be; null where it was not among those that were known. */
  observe(probabilities: Float64Array, c: number | null): void;
  save(): Calibration;
}

/** Inverse temperatures, half an octave apart: from nearly flat to sharper than it came. */
const slopes: readonly number[] = Array.from({ length: 13 }, (_, k) => 2 ** (1 - k / 2));

/** Krichevsky and Trofimov's: half a label of either kind before any came. */
const pseudoCount = 0.5;

export function freshCalibration(): Calibration {
  return { losses: slopes.map(() => 0), labels: 0, newLabels: 0 };
}

/**
 * Temperature scaling (Guo et al. 2017), online and without a temperature to choose: softmax(slope · log p) is mixed over
 * all slopes, each weighted by how well it would have predicted the labels so far (Bayes, all slopes alike before the
 * first label). The mixture's log-loss is at most ln 13 nats in all behind the best slope's. With few labels flat and sharp
 * ones are mixed, so a confidence is low until it was earned; which label is likeliest never changes.
 *
 * A label that never came before has a probability as well: their share so far, as Good and Turing would have it. What the
 * known labels have is what is left.
 * @param memorySamples Labels after which one counts a third, > 1.
 */
export function calibrator(memorySamples: number, from: Calibration): Calibrator {
  const kept = 1 - 1 / memorySamples;
  let losses = [...from.losses];
  let { labels, newLabels } = from;

  return {
    apply(probabilities) {
      const least = Math.min(...losses);
      const weights = losses.map((loss) => Math.exp(least - loss));
      const total = weights.reduce((a, b) => a + b, 0);
      const known = 1 - (newLabels + pseudoCount) / (labels + 2 * pseudoCount);
      const mixed = new Float64Array(probabilities.length);
      for (const [k, slope] of slopes.entries()) {
        const share = (known * weights[k]!) / total;
        sharpened(probabilities, slope).forEach((p, c) => (mixed[c]! += share * p));
      }
      return mixed;
    },
    observe(probabilities, c) {
      labels = kept * labels + 1;
      newLabels = kept * newLabels + Number(c === null);
      // One label alone is certain at any slope.
      if (c === null || probabilities.length < 2) return;
      losses = losses.map((loss, k) => kept * loss - Math.log(sharpened(probabilities, slopes[k]!)[c]!));
    },
    save: () => ({ losses, labels, newLabels }),
  };
}

/** p^slope, summing to 1; never quite 0, so that its logarithm stays finite. */
function sharpened(probabilities: Float64Array, slope: number): Float64Array {
  const top = probabilities.reduce((a, b) => Math.max(a, b), Number.MIN_VALUE);
  const powers = probabilities.map((p) => Math.max(1e-30, (p / top) ** slope));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((p) => p / sum);
}
