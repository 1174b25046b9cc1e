import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { rehearsalBuffer } from "../../src/evaluate/methods/buffer.ts";
import { copyOf, elasticWeights, fisherInformation, mapWeights } from "../../src/evaluate/methods/ewc.ts";
import { linearProbe } from "../../src/evaluate/methods/linear-probe.ts";
import { nearestMean } from "../../src/evaluate/methods/ncm.ts";
import { randomProjectionRidge, ridgeSamples } from "../../src/evaluate/methods/ranpac.ts";
import { streamingLda } from "../../src/evaluate/methods/streaming-lda.ts";
import { withoutForgetting } from "../../src/evaluate/methods/lwf.ts";
import { weightKeys, type WeightTrainer, weightTrainer } from "../../src/evaluate/methods/weight-trainer.ts";
import type { Weights } from "../../src/evaluate/methods/weight-session.ts";
import type { LabelledShown } from "../../src/evaluate/methods/method.ts";
import { createRng } from "../../src/kernel/rng.ts";
import { logSoftmax } from "../../src/learner/loss.ts";
import { type MethodWorld, methodWorld } from "../support/method-world.ts";

const rng = createRng(9);
const width = 5;
const feature = (): Float32Array => Float32Array.from({ length: width }, () => rng.normal() + 0.5);
/** Two dozen features of three classes. */
const learned = Array.from({ length: 24 }, (_, i) => ({ query: feature(), c: i % 3 }));

/** x with a·x = b by Gaussian elimination with pivots: another way than the product's. */
function solveDense(a: readonly number[][], b: readonly number[]): number[] {
  const m = a.map((row, i) => [...row, b[i]!]);
  const n = m.length;
  for (let k = 0; k < n; k++) {
    const pivot = m.slice(k).reduce((best, row, i) => (Math.abs(row[k]!) > Math.abs(m[best]![k]!) ? k + i : best), k);
    [m[k], m[pivot]] = [m[pivot]!, m[k]!];
    for (let i = 0; i < n; i++) {
      if (i === k) continue;
      const factor = m[i]![k]! / m[k]![k]!;
      for (let j = k; j <= n; j++) m[i]![j]! -= factor * m[k]![j]!;
    }
  }
  return m.map((row, i) => row[n]! / row[i]!);
}

describe("nearest class mean", () => {
  it("scores the cosine to each mean, by hand", () => {
    const head = nearestMean(2);
    head.learn(Float32Array.of(1, 0), 0);
    head.learn(Float32Array.of(1, 2), 0);
    head.learn(Float32Array.of(0, 3), 1);
    // Means (1, 1) and (0, 3); the query is (0, 2).
    const [first, second] = head.scores(Float32Array.of(0, 2));
    expect(first).toBeCloseTo(Math.SQRT1_2, 12);
    expect(second).toBeCloseTo(1, 12);
  });
});

describe("ridge regression", () => {
  /** (Σ hhᵀ + λI)⁻¹ Σ h yᵀ, by other means; λ as it is documented. */
  function expectedScores(hidden: readonly (readonly number[])[], query: readonly number[]): number[] {
    const size = query.length;
    const lambda = (ridgeSamples * hidden[0]!.reduce((sum, x) => sum + x * x, 0)) / size;
    const gram = Array.from({ length: size }, (_, i) =>
      Array.from({ length: size }, (_, j) => {
        return hidden.reduce((sum, h) => sum + h[i]! * h[j]!, i === j ? lambda : 0);
      }),
    );
    return [0, 1, 2].map((c) => {
      const sums = query.map((_, i) => hidden.reduce((sum, h, n) => sum + (learned[n]!.c === c ? h[i]! : 0), 0));
      return solveDense(gram, sums).reduce((sum, w, i) => sum + w * query[i]!, 0);
    });
  }

  it.each([0, 30])("with %i random units is its closed form after every sample", (units) => {
    const head = randomProjectionRidge({ units, width, seed: 1 });
    for (const { query, c } of learned) head.learn(query, c);
    const random = createRng(1);
    const projection = Array.from({ length: units }, () => Array.from({ length: width }, () => random.normal()));
    const project = (q: Float32Array): number[] =>
      units === 0
        ? [...q]
        : projection.map((row) =>
            Math.max(
              0,
              row.reduce((sum, w, i) => sum + w * q[i]!, 0),
            ),
          );
    const query = feature();
    const expected = expectedScores(
      learned.map((sample) => project(sample.query)),
      project(query),
    );
    const scores = head.scores(query);
    expected.forEach((value, c) => expect(scores[c]).toBeCloseTo(value, 6));
  });

  it("depends on the projection's seed", () => {
    const scoresOf = (seed: number): number[] => {
      const head = randomProjectionRidge({ units: 12, width, seed });
      for (const { query, c } of learned) head.learn(query, c);
      return [...head.scores(learned[0]!.query)];
    };
    expect(scoresOf(1)).toEqual(scoresOf(1));
    expect(scoresOf(2)).not.toEqual(scoresOf(1));
  });
});

describe("streaming LDA", () => {
  it("tells Gaussians apart that a nearest mean does not", () => {
    // One direction has all the noise, another all the difference.
    const sample = (c: number): Float32Array => Float32Array.of(10 * rng.normal(), c + 0.1 * rng.normal());
    const [lda, ncm] = [streamingLda(2), nearestMean(2)];
    for (let i = 0; i < 200; i++) for (const head of [lda, ncm]) head.learn(sample(i % 2), i % 2);
    const tests = Array.from({ length: 100 }, (_, i) => ({ query: sample(i % 2), c: i % 2 }));
    const right = (head: typeof lda): number =>
      tests.filter(({ query, c }) => head.scores(query)[c]! > head.scores(query)[1 - c]!).length;
    expect(right(lda)).toBeGreaterThan(95);
    expect(right(ncm)).toBeLessThan(80);
  });
});

describe("the rehearsal buffer", () => {
  it("keeps so many of each class, each image as likely as another", () => {
    const kept = new Map<number, number>();
    const runs = 600;
    for (let seed = 0; seed < runs; seed++) {
      const buffer = rehearsalBuffer(3, seed);
      for (let image = 0; image < 12; image++) buffer.add({ image, label: "a" });
      buffer.add({ image: 99, label: "b" });
      expect(buffer.stored.filter(({ label }) => label === "a")).toHaveLength(3);
      expect(buffer.stored.filter(({ label }) => label === "b")).toHaveLength(1);
      for (const { image } of buffer.stored) kept.set(image, (kept.get(image) ?? 0) + 1);
    }
    // 3 of 12: a quarter, give or take four standard deviations.
    for (let image = 0; image < 12; image++) expect(Math.abs(kept.get(image)! / runs - 0.25)).toBeLessThan(0.071);
  });

  it("draws different images, all of them when that many are asked for", () => {
    const buffer = rehearsalBuffer(5, 1);
    for (let image = 0; image < 8; image++) buffer.add({ image, label: String(image % 2) });
    expect(new Set(buffer.draw(6).map(({ image }) => image)).size).toBe(6);
    expect(buffer.draw(100)).toHaveLength(8);
  });
});

describe("the linear probe", () => {
  it("follows the gradient of the cross-entropy", async () => {
    const probe = linearProbe(width);
    const batch = learned.map(({ query, c }, image) => ({ query, pixels: new Uint8Array(0), image, label: `${c}` }));
    const surprise = async (): Promise<number> => {
      const said = await probe.predict(batch);
      return said.reduce((sum, { label, confidence }, i) => sum + (label === batch[i]!.label ? confidence! : 0), 0);
    };
    await probe.learn(batch);
    const early = await surprise();
    for (let i = 0; i < 300; i++) await probe.learn(batch);
    expect(await surprise()).toBeGreaterThan(early + 1);
  });
});

describe("fine-tuning's gradients", () => {
  let world: MethodWorld;
  let trainer: WeightTrainer;
  let batch: readonly LabelledShown[];
  beforeAll(async () => {
    world = await methodWorld(12);
    batch = world.samples.slice(0, 5);
    trainer = weightTrainer(world.context);
    trainer.admit(batch.map(({ label }) => label));
    // Off the zeros that a head begins with.
    for (let i = 0; i < 3; i++) trainer.update((await trainer.gradient(world.samples)).gradients);
  });
  afterAll(async () => {
    await trainer.close();
    await world.close();
  });

  const shifted = (weights: Weights, key: keyof Weights, i: number, by: number): Weights => {
    const copy = copyOf(weights);
    copy[key][i]! += by;
    return copy;
  };

  /** log p(label | image) under other weights. */
  async function logLikelihood(sample: LabelledShown, weights: Weights): Promise<number> {
    const logits = await trainer.logits([sample], weights);
    return logSoftmax(Float64Array.from(logits))[trainer.labels.indexOf(sample.label)]!;
  }

  it("EWC's Fisher information is the mean square of log-likelihood slopes, by differences", async () => {
    const fisher = await fisherInformation(trainer, batch);
    const h = 3e-3;
    for (const key of weightKeys) {
      // The three weights that matter most, and one other.
      const order = [...fisher[key].keys()].toSorted((a, b) => fisher[key][b]! - fisher[key][a]!);
      for (const i of [...order.slice(0, 3), order[Math.floor(order.length / 2)]!]) {
        let square = 0;
        for (const sample of batch) {
          const up = await logLikelihood(sample, shifted(trainer.weights, key, i, h));
          const down = await logLikelihood(sample, shifted(trainer.weights, key, i, -h));
          square += ((up - down) / (2 * h)) ** 2 / batch.length;
        }
        expect(Math.abs(fisher[key][i]! - square)).toBeLessThan(0.03 * square + 1e-6);
      }
    }
  });

  it("EWC pulls back by λF(θ − θ*), and not at all for new classes", async () => {
    const remedy = elasticWeights(world.context)(trainer);
    remedy.learned!(batch);
    await remedy.boundary!();
    const anchor = copyOf(trainer.weights);
    const fisher = await fisherInformation(trainer, batch);
    trainer.update((await trainer.gradient(world.samples)).gradients);
    trainer.admit(["a new one"]);
    const zeros = mapWeights(trainer.weights, (values) => new Float32Array(values.length));
    remedy.penalise!({ logits: new Float32Array(0), gradients: zeros });
    const key = "headWeight";
    const far = fisher[key].map((f, i) => 1000 * f * (trainer.weights[key][i]! - anchor[key][i]!));
    far.forEach((pull, i) => expect(zeros[key][i]).toBeCloseTo(pull, 4));
    expect(Math.max(...far.map(Math.abs))).toBeGreaterThan(1e-4);
    expect(zeros[key].subarray(far.length).every((pull) => pull === 0)).toBe(true);
  });

  it("LwF's gradient agrees with differences of its loss", async () => {
    const remedy = withoutForgetting(trainer);
    expect(await remedy.old!(batch)).toBeUndefined();
    await remedy.boundary!();
    trainer.update((await trainer.gradient(world.samples)).gradients);
    trainer.admit(["another"]);
    const old = (await remedy.old!(batch))!;
    expect(old.known).toBe(trainer.labels.length - 1);
    const { gradients } = await trainer.gradient(batch, old);

    const classes = trainer.labels.length;
    const loss = async (weights: Weights): Promise<number> => {
      const logits = await trainer.logits(batch, weights);
      return batch.reduce((sum, { label }, b) => {
        const row = Float64Array.from(logits.subarray(b * classes, (b + 1) * classes));
        const soft = logSoftmax(row.subarray(0, old.known).map((x) => x / old.temperature));
        const targets = old.targets.subarray(b * classes, b * classes + old.known);
        const kept = soft.reduce((total, x, c) => total - targets[c]! * x, 0);
        return sum + (kept - logSoftmax(row)[trainer.labels.indexOf(label)]!) / batch.length;
      }, 0);
    };
    const h = 1e-2;
    for (const key of weightKeys) {
      const order = [...gradients[key].keys()].toSorted(
        (a, b) => Math.abs(gradients[key][b]!) - Math.abs(gradients[key][a]!),
      );
      for (const i of order.slice(0, 3)) {
        const up = await loss(shifted(trainer.weights, key, i, h));
        const down = await loss(shifted(trainer.weights, key, i, -h));
        const slope = (up - down) / (2 * h);
        expect(Math.abs(gradients[key][i]! - slope)).toBeLessThan(0.02 * Math.abs(slope) + 1e-3);
      }
    }
  });
});
