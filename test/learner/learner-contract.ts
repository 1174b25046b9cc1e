import { beforeAll, describe, expect, test } from "vitest";
import type { Learner, LearnerState, LabelledSample } from "../../src/learner/types.ts";
import type { LabelledPixels } from "../support/synthetic-stream.ts";

export interface LearnerContractOptions {
  /** A learner that knows nothing. */
  readonly create: (seed: number) => Promise<Learner> | Learner;
  /** At least 24 samples of at least three labels. */
  readonly samples: readonly LabelledPixels[];
}

/** What every learner promises, whatever engine and settings it runs on. */
export function learnerContract(name: string, { create, samples }: LearnerContractOptions): void {
  describe(`learner contract: ${name}`, () => {
    let batches: LabelledSample[][];
    const learnAll = async (learner: Learner, from = 0, to = batches.length): Promise<Learner> => {
      for (const batch of batches.slice(from, to)) await learner.learn(batch);
      return learner;
    };

    beforeAll(async () => {
      const learner = await create(1);
      const all: LabelledSample[] = [];
      for (const { pixels, label } of samples) all.push({ pixels, label, query: await learner.query(pixels) });
      // Batches of unlike sizes, one of a single sample.
      batches = [all.slice(0, 1), all.slice(1, 6), all.slice(6, 8), all.slice(8, 16), all.slice(16, 24)];
    });

    test("before the first label there is no prediction, and no confidence", async () => {
      const learner = await create(1);
      const prediction = await learner.predictOne(batches[0]![0]!);
      expect(prediction).toMatchObject({ label: null, confidence: 0, top: [], poolVersion: 0 });
      expect(prediction.heads).toEqual({ prompted: null, statistics: null });
      expect(learner.labels).toEqual([]);
    });

    test("purity: samples, frozen ones too, are left as they were", async () => {
      const learner = await create(1);
      for (const batch of batches) {
        const frozen = batch.map((sample) => Object.freeze({ ...sample }));
        const copies = structuredClone(batch);
        await learner.learn(Object.freeze(frozen));
        await learner.predictOne(frozen[0]!);
        await learner.query(frozen[0]!.pixels);
        expect(frozen).toEqual(copies);
      }
    });

    test("prediction changes nothing that is saved", async () => {
      const learner = await learnAll(await create(1));
      const before = learner.save();
      for (const sample of batches[3]!) await learner.predictOne(sample);
      expect(learner.save()).toEqual(before);
    });

    test("seeding: same seed and batches give bit-equal states, another seed another state", async () => {
      const [a, b, c] = [
        await learnAll(await create(5)),
        await learnAll(await create(5)),
        await learnAll(await create(6)),
      ];
      expect(a.save()).toEqual(b.save());
      expect(a.save()).not.toEqual(c.save());
    });

    for (const [how, copy] of [
      ["structuredClone", structuredClone<LearnerState>],
      ["JSON", throughJson],
    ] as const) {
      test(`serialisation: saved, through ${how}, restored, it goes on bit-equal`, async () => {
        const straight = await create(5);
        await learnAll(straight, 0, 3);
        const saved = straight.save();
        const restored = await create(9);
        restored.restore(copy(saved));
        expect(restored.save()).toEqual(saved);
        await learnAll(straight, 3);
        await learnAll(restored, 3);
        expect(restored.save()).toEqual(straight.save());
        const sample = batches[0]![0]!;
        expect(await restored.predictOne(sample)).toEqual(await straight.predictOne(sample));
      });
    }

    test("a saved state is a copy", async () => {
      const learner = await learnAll(await create(5), 0, 3);
      const saved = learner.save();
      const kept = structuredClone(saved);
      await learnAll(learner, 3);
      expect(saved).toEqual(kept);
      const other = await create(1);
      other.restore(saved);
      await learnAll(other, 3);
      expect(saved).toEqual(kept);
    });

    test("growth: labels appear in the order they came, versions count batches", async () => {
      const learner = await create(1);
      const seen: string[] = [];
      for (const [i, batch] of batches.entries()) {
        const learned = await learner.learn(batch);
        for (const { label } of batch) if (!seen.includes(label)) seen.push(label);
        expect(learner.labels).toEqual(seen);
        expect(learner.poolVersion).toBe(i + 1);
        expect(learned.map(({ label }) => label)).toEqual(batch.map(({ label }) => label));
        for (const { before, poolVersion, loss } of learned) {
          expect(before.poolVersion).toBe(i);
          expect(poolVersion).toBe(i + 1);
          expect(Number.isFinite(loss)).toBe(true);
        }
      }
    });

    test("what was predicted before learning is what predictOne says then", async () => {
      const learner = await create(1);
      await learnAll(learner, 0, 3);
      const published = await learner.predictOne(batches[3]![0]!);
      const [learned] = await learner.learn(batches[3]!);
      expect(learned!.before.label).toBe(published.label);
      expect(learned!.before.promptIds).toEqual(published.promptIds);
      expect(learned!.before.heads).toEqual(published.heads);
      expect(learned!.before.confidence).toBeCloseTo(published.confidence, 3);
    });

    test("an empty batch is refused", async () => {
      await expect((await create(1)).learn([])).rejects.toMatchObject({ code: "learner/empty-batch" });
    });
  });
}

/** As a codec would: numbers as text, and back into their arrays. */
function throughJson(state: LearnerState): LearnerState {
  const arrays = Object.entries(state.arrays).map(([name, { data, shape }]) => [
    name,
    { type: data.constructor.name, data: [...data], shape },
  ]);
  const parsed = JSON.parse(JSON.stringify({ meta: state.meta, arrays: Object.fromEntries(arrays) }));
  const types: Record<string, Float32ArrayConstructor | Float64ArrayConstructor | Int32ArrayConstructor> = {
    Float32Array,
    Float64Array,
    Int32Array,
  };
  for (const array of Object.values<{ type: string; data: unknown }>(parsed.arrays)) {
    array.data = types[array.type]!.from(array.data as number[]);
  }
  return parsed;
}
