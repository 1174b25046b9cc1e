/**
 * Whether one of two classifiers is clearly right more often on the same samples (McNemar 1947): only those on which they differ
 * count, and the lead must exceed its own standard deviation. That is no proof, but enough for a choice that can be undone.
 * @param better Samples that it alone puts right, and `worse` that the other alone does, ≥ 0.
 */
export function isRightMoreOften(better: number, worse: number): boolean {
  return better - worse > Math.sqrt(better + worse);
}
