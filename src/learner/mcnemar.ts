/**
 * Whether one of two classifiers is right more often on the same samples, by one standard deviation of such a difference
 * (McNemar 1947): only samples on which they differ count.
 * @param better Samples that it alone puts right, and `worse` that the other alone does; whole or fading counts, ≥ 0.
 */
export function isRightMoreOften(better: number, worse: number): boolean {
  return better - worse > Math.sqrt(better + worse);
}
