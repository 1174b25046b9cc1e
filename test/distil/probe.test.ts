import { describe, expect, it } from "vitest";
import { type LabelledFeatures, probe } from "../../src/distil/probe.ts";
import { createRng } from "../../src/kernel/rng.ts";

/** Two classes that differ a little along one axis, and vary much along another that says nothing. */
function draw(perClass: number, seed: number, shuffledLabels = false): LabelledFeatures {
  const rng = createRng(seed);
  const labels = Array.from({ length: 2 * perClass }, (_, i) => (i % 2 === 0 ? "a" : "b"));
  const features = new Float32Array(labels.length * 2);
  labels.forEach((label, i) => {
    const loud = 10 * rng.normal();
    features.set([loud, loud + (label === "a" ? 1 : -1) + 0.3 * rng.normal()], 2 * i);
  });
  return { features, labels: shuffledLabels ? labels.map(() => (rng.uniform() < 0.5 ? "a" : "b")) : labels, width: 2 };
}

describe("the probe", () => {
  const train = draw(500, 1);
  const test = draw(500, 2);

  it("finds by LDA what class means alone cannot see through the noise", () => {
    const { nearestMean, lda } = probe(train, test);
    expect(lda).toBeGreaterThan(0.98);
    expect(nearestMean).toBeLessThan(0.75);
  });

  it("is at chance where labels mean nothing", () => {
    const { nearestMean, nearestMeanCosine, lda } = probe(draw(500, 3, true), draw(500, 4, true));
    for (const accuracy of [nearestMean, nearestMeanCosine, lda]) expect(Math.abs(accuracy - 0.5)).toBeLessThan(0.07);
  });

  it("compares directions by cosine and places by distance", () => {
    const near: LabelledFeatures = {
      features: Float32Array.of(1, 0, 1.1, 0.1, 0, 9, 0.1, 9.1),
      labels: ["a", "a", "b", "b"],
      width: 2,
    };
    // Nearer to a's mean, but in b's direction.
    const far: LabelledFeatures = { features: Float32Array.of(0.1, 1), labels: ["b"], width: 2 };
    expect(probe(near, far)).toMatchObject({ nearestMean: 0, nearestMeanCosine: 1 });
  });
});
