import type { ChangeDetector, DetectorState } from "./detector.ts";

export interface PageHinkleySettings {
  /** Rises of the mean smaller than that are no matter. */
  readonly delta: number;
  /** λ: the sum of what is above the mean that is a change. */
  readonly threshold: number;
  /** Forgetting factor of that sum, 0…1. */
  readonly alpha: number;
  /** No change is told before so many values. */
  readonly minSamples: number;
}

/** As in River and scikit-multiflow. */
export const pageHinkleyDefaults: PageHinkleySettings = {
  delta: 0.005,
  threshold: 50,
  alpha: 0.9999,
  minSamples: 30,
};

/**
 * The Page–Hinkley test (Page 1954) for a mean that rises, in the form with a forgetting factor:
 * m = max(0, α·m + x − mean − δ), a change where m ≥ λ. O(1) in time and memory.
 */
export function pageHinkley(settings: PageHinkleySettings, saved?: DetectorState): ChangeDetector {
  const { delta, threshold, alpha, minSamples } = settings;
  // `recent`: the values since the sum was last 0, which is where the rise began.
  let [count, mean, sum, recentCount, recentTotal] = numbersOf(saved);

  return {
    update(value) {
      count += 1;
      mean += (value - mean) / count;
      sum = Math.max(0, alpha * sum + (value - mean - delta));
      recentCount = sum > 0 ? recentCount + 1 : 0;
      recentTotal = sum > 0 ? recentTotal + value : 0;
      if (count + 1 < minSamples || sum < threshold) return null;
      const after = recentTotal / recentCount;
      const earlier = count - recentCount;
      const before = earlier > 0 ? (count * mean - recentTotal) / earlier : mean;
      [count, mean, sum, recentCount, recentTotal] = numbersOf();
      return { before, after };
    },
    save: () => [[count, mean, sum, recentCount, recentTotal]],
  };
}

function numbersOf(saved: DetectorState = []): [number, number, number, number, number] {
  const [count = 0, mean = 0, sum = 0, recentCount = 0, recentTotal = 0] = saved[0] ?? [];
  return [count, mean, sum, recentCount, recentTotal];
}
