import { describe, expect, test } from "vitest";
import { createLearner } from "../../src/learner/learner.ts";
import { paper, stream } from "../../src/learner/presets.ts";
import type { LearnerSettings } from "../../src/learner/settings.ts";
import type { LabelledSample, Learner, LearnerState, Sample } from "../../src/learner/types.ts";
import { type LinearEngine, linearEngine } from "../support/linear-engine.ts";
import { type LabelledPixels, syntheticStream } from "../support/synthetic-stream.ts";
import { learnerContract } from "./learner-contract.ts";

const { train } = syntheticStream({ classes: 4, perClass: 30, seed: 3 });
// Every third sample: three classes early on, whatever the bursts.
const samples = [...train.filter((_, i) => i % 3 === 0), ...train].slice(0, 60);

function make(settings: LearnerSettings = stream, seed = 1): { learner: Learner; engine: LinearEngine } {
  const engine = linearEngine({ head: settings.head.kind });
  return { learner: createLearner({ engine, settings, seed }), engine };
}

const withQueries = (learner: Learner, items: readonly LabelledPixels[]): Promise<LabelledSample[]> =>
  Promise.all(items.map(async (item) => ({ ...item, query: await learner.query(item.pixels) })));

async function taught(
  settings: LearnerSettings = stream,
  count = 60,
): Promise<ReturnType<typeof make> & { items: LabelledSample[] }> {
  const made = make(settings);
  const items = await withQueries(made.learner, samples.slice(0, count));
  for (let i = 0; i < items.length; i += 8) await made.learner.learn(items.slice(i, i + 8));
  return { ...made, items };
}

const only = (head: "prompted" | "statistics"): LearnerSettings => ({ ...stream, heads: [head] });
const presets: readonly (readonly [string, LearnerSettings])[] = [
  ["stream", stream],
  ["paper", paper.cifar100],
  ["prompted head alone", only("prompted")],
  ["statistics head alone", only("statistics")],
];
for (const [name, settings] of presets)
  learnerContract(name, { create: (seed) => make(settings, seed).learner, samples });
learnerContract("diverse selection, smoothed labels, prior from counts", {
  create: (seed) =>
    make(
      {
        ...stream,
        loss: { ...stream.loss, labelSmoothing: 0.1 },
        statistics: { ...stream.statistics, classPrior: "counts", ridge: 5 },
      },
      seed,
    ).learner,
  samples,
});

describe("prediction", () => {
  test("names at most topLabels, best first, with probabilities", async () => {
    const { learner, items } = await taught({ ...stream, topLabels: 2 });
    const { label, confidence, top, promptIds } = await learner.predictOne(items[0]!);
    expect(learner.labels.length).toBeGreaterThan(2);
    expect(top).toHaveLength(2);
    expect(top[0]).toEqual([label, confidence]);
    expect(top[0]![1]).toBeGreaterThanOrEqual(top[1]![1]);
    expect(new Set(promptIds).size).toBe(stream.pool.topN);
  });

  test("costs one prompted pass, learning one step a step, and a new class one pass more", async () => {
    const { learner, engine, items } = await taught();
    const before = { ...engine.calls };
    await learner.predictOne(items[0]!);
    await learner.learn(items.slice(0, 4));
    expect(engine.calls).toEqual({ query: before.query, prompted: before.prompted + 1, step: before.step + 3 });
    await learner.learnOne(items[0]!, "new");
    expect(engine.calls.prompted).toBe(before.prompted + 2);
  });

  test("without the prompted head no pass is run", async () => {
    const { learner, engine, items } = await taught(only("statistics"));
    const prediction = await learner.predictOne(items[0]!);
    expect(engine.calls).toMatchObject({ prompted: 0, step: 0 });
    expect(prediction.promptIds).toEqual([]);
    expect(prediction.heads.prompted).toBeNull();
    expect(prediction.heads.statistics).toBe(prediction.label);
    expect(learner.telemetry().combination).toEqual({ prompted: 0, statistics: 1 });
  });
});

describe("learning", () => {
  test("INVARIANT: a prompt that no sample selected keeps its row, key and moments bit for bit", async () => {
    const { learner, items } = await taught();
    const before = learner.save().arrays;
    const learned = await learner.learn(items.slice(0, 2));
    const after = learner.save().arrays;
    const uses = before["promptUses"]!.data.map((n, m) => after["promptUses"]!.data[m]! - n);
    expect(uses.some((n) => n === 0)).toBe(true);
    for (const id of learned[0]!.before.promptIds) expect(uses[id]).toBeGreaterThan(0);
    for (const name of ["prompts", "keys"].flatMap((p) => [p, `${p}.momentum`, `${p}.variance`, `${p}.steps`])) {
      const width = before[name]!.data.length / stream.pool.size;
      const moved = Array.from(uses, (_, m) => {
        const [a, b] = [before, after].map((state) => state[name]!.data.slice(m * width, (m + 1) * width));
        return !a!.every((x, i) => Object.is(x, b![i]));
      });
      expect({ name, moved }).toEqual({ name, moved: Array.from(uses, (used) => used > 0) });
    }
  });

  test("a class outside the recent labels keeps its head row", async () => {
    const settings: LearnerSettings = {
      ...stream,
      loss: { ...stream.loss, mask: { kind: "recent", samples: 8, minClasses: 2, priorStrength: 1 } },
    };
    const { learner, items } = await taught(settings);
    const [a, b] = [items[0]!, items[1]!];
    for (let i = 0; i < 3; i++)
      await learner.learn([0, 1, 2, 3].map((n) => ({ ...(n % 2 ? a : b), label: n % 2 ? "x" : "y" })));
    const row = (): unknown => learner.save().arrays["headWeight"]!.data.slice(0, 24);
    const before = row();
    await learner.learn([
      { ...a, label: "x" },
      { ...b, label: "y" },
    ]);
    expect(row()).toEqual(before);
  });

  test("one class alone moves no prompt and no head row: there is nothing to tell apart", async () => {
    const { learner } = make();
    const items = await withQueries(learner, samples.slice(0, 8));
    const first = await learner.learn(items.map((item) => ({ ...item, label: "only" })));
    expect(first.every(({ loss }) => loss === 0)).toBe(true);
    const before = learner.save().arrays;
    await learner.learn(items.map((item) => ({ ...item, label: "only" })));
    const after = learner.save().arrays;
    expect(after["prompts"]).toEqual(before["prompts"]);
    expect(after["headWeight"]).toEqual(before["headWeight"]);
    expect(after["keys"]).not.toEqual(before["keys"]);
    expect((await learner.predictOne(items[0]!)).label).toBe("only");
  });

  test("batches larger than the engine's go in chunks, with the gradient of the whole", async () => {
    const { learner, engine } = make(paper.cifar100);
    const items = await withQueries(learner, samples.slice(0, 60));
    const learned = await learner.learn([...items, ...items]);
    expect(learned).toHaveLength(120);
    expect(engine.calls.step).toBe(4);
    // The same samples twice have the same mean gradient as once; only the rate follows the batch size.
    const once = make({ ...paper.cifar100, optimiser: { ...paper.cifar100.optimiser, referenceBatch: null } });
    const twice = make({ ...paper.cifar100, optimiser: { ...paper.cifar100.optimiser, referenceBatch: null } });
    await once.learner.learn(items);
    await twice.learner.learn([...items, ...items]);
    const [a, b] = [once, twice].map((made) => made.learner.save().arrays["headWeight"]!.data);
    a!.forEach((x, i) => expect(b![i]).toBeCloseTo(x, 5));
  });

  test("when the engine fails nothing has changed, and the batch can be learned again", async () => {
    for (const label of ["class 0", "new"]) {
      const { learner, engine, items } = await taught();
      const before = learner.save();
      engine.failNext(new Error("engine is gone"));
      await expect(learner.learnOne(items[0]!, label)).rejects.toThrow("engine is gone");
      expect(learner.save()).toEqual(before);
      const [other] = [await taught()];
      await learner.learnOne(items[0]!, label);
      await other.learner.learnOne(items[0]!, label);
      expect(learner.save()).toEqual(other.learner.save());
    }
  });

  test("a gradient that is not finite is refused, and nothing has changed", async () => {
    const { learner, engine, items } = await taught();
    const before = learner.save();
    const step = engine.step.bind(engine);
    engine.step = async (input) => {
      const output = await step(input);
      output.gradients.prompts.data[0] = Number.NaN;
      return output;
    };
    await expect(learner.learn(items.slice(0, 4))).rejects.toMatchObject({ code: "learner/gradient" });
    expect(learner.save()).toEqual(before);
  });

  test("samples that do not fit, or are not finite, are refused", async () => {
    const { learner, items } = await taught();
    const good = items[0]!;
    for (const bad of [
      { ...good, pixels: new Uint8Array(3) },
      { ...good, query: new Float32Array(3) },
      { ...good, query: good.query.with(2, Number.NaN) },
    ]) {
      await expect(learner.predictOne(bad)).rejects.toMatchObject({ code: "learner/sample" });
      await expect(learner.learn([good, bad])).rejects.toMatchObject({ code: "learner/sample" });
    }
  });
});

describe("labels", () => {
  test("may be any string, also names of an object's own parts", async () => {
    const { learner } = make();
    const names = ["__proto__", "constructor", "toString", "", "日本"];
    const items = await withQueries(learner, samples.slice(0, 5));
    await learner.learn(items.map((item, i) => ({ ...item, label: names[i]! })));
    expect(learner.labels).toEqual(names);
    const { classCounts } = learner.telemetry();
    expect(Object.entries(classCounts)).toEqual(names.map((name) => [name, 1]));
    const other = make().learner;
    other.restore(structuredClone(learner.save()));
    expect(other.labels).toEqual(names);
  });

  test("forgetLabel takes a label out of every head; the others predict on", async () => {
    const { learner, items } = await taught();
    const label = learner.labels[1]!;
    learner.forgetLabel(label);
    expect(learner.labels).not.toContain(label);
    for (const item of items) {
      const said = await learner.predictOne(item);
      expect([said.label, ...Object.values(said.heads), ...said.top.map(([l]) => l)]).not.toContain(label);
    }
    const kept = items.filter((item) => item.label !== label);
    let right = 0;
    for (const item of kept) right += Number((await learner.predictOne(item)).label === item.label);
    expect(right / kept.length).toBeGreaterThan(0.8);
    await learner.learnOne(items[0]!, label);
    expect(learner.labels.at(-1)).toBe(label);
    expect(() => learner.forgetLabel("never seen")).toThrow(expect.objectContaining({ code: "learner/unknown-label" }));
  });

  test("all labels can be forgotten, and learning goes on, also over a restart", async () => {
    const { learner, items } = await taught();
    for (const label of learner.labels) learner.forgetLabel(label);
    expect((await learner.predictOne(items[0]!)).label).toBeNull();
    const other = make().learner;
    other.restore(learner.save());
    for (const each of [learner, other]) await each.learn(items.slice(0, 8));
    expect(other.save()).toEqual(learner.save());
  });

  test("renameLabel changes the name and nothing else", async () => {
    const { learner, items } = await taught();
    const [from, taken] = learner.labels as [string, string];
    const before = learner.save();
    learner.renameLabel(from, "renamed");
    expect(learner.labels[0]).toBe("renamed");
    expect(learner.save().arrays).toEqual(before.arrays);
    expect((await learner.predictOne(items.find((item) => item.label === from)!)).label).toBe("renamed");
    expect(() => learner.renameLabel("renamed", taken)).toThrow(
      expect.objectContaining({ code: "learner/label-taken" }),
    );
    expect(() => learner.renameLabel(from, "x")).toThrow(expect.objectContaining({ code: "learner/unknown-label" }));
    learner.renameLabel("renamed", "renamed");
  });
});

describe("a compact state", () => {
  test("makes the writer's prompted predictions; its statistics head is nearest class mean, then learns on", async () => {
    const { learner, items } = await taught();
    const reader = make(stream, 77).learner;
    reader.restore(structuredClone(learner.saveCompact()));
    expect(reader.labels).toEqual(learner.labels);
    expect(reader.poolVersion).toBe(learner.poolVersion);
    expect(reader.telemetry().classCounts).toEqual(learner.telemetry().classCounts);
    const share = reader.telemetry().combination.prompted;
    expect(share).toBeCloseTo(learner.telemetry().combination.prompted, 4);

    const nearestMean = (sample: Sample): string => {
      const distances = learner.labels.map((label) => {
        const own = items.filter((item) => item.label === label);
        const mean = sample.query.map((_, i) => own.reduce((sum, { query }) => sum + query[i]!, 0) / own.length);
        return sample.query.reduce((sum, x, i) => sum + (x - mean[i]!) ** 2, 0);
      });
      return learner.labels[distances.indexOf(Math.min(...distances))]!;
    };
    let right = 0;
    for (const item of items) {
      const [mine, theirs] = [await reader.predictOne(item), await learner.predictOne(item)];
      expect(mine.promptIds).toEqual(theirs.promptIds);
      expect(mine.heads.prompted).toBe(theirs.heads.prompted);
      expect(mine.heads.statistics).toBe(nearestMean(item));
      right += Number(mine.label === item.label);
    }
    expect(right / items.length).toBeGreaterThan(0.8);

    await reader.learn(items.slice(0, 8));
    expect(reader.poolVersion).toBe(learner.poolVersion + 1);
    expect((await reader.predictOne(items[0]!)).confidence).toBeGreaterThan(0);
  });

  test("holds what its name says, in numbers of 32 bits", async () => {
    const { learner } = await taught();
    const { arrays, meta } = learner.saveCompact();
    expect(new Set(Object.keys(arrays))).toEqual(
      new Set([
        "prompts",
        "keys",
        "headWeight",
        "headBias",
        "classCounts",
        "classMeans",
        "lastSeen",
        "headWeights",
        "headCurvature",
      ]),
    );
    for (const { data } of Object.values(arrays)) expect(data.BYTES_PER_ELEMENT).toBe(4);
    expect(JSON.parse(JSON.stringify(meta))).toEqual(meta);
  });
});

function without(arrays: LearnerState["arrays"], name: string): LearnerState["arrays"] {
  return Object.fromEntries(Object.entries(arrays).filter(([key]) => key !== name));
}

describe("restore", () => {
  const cases: readonly (readonly [string, (state: LearnerState) => LearnerState])[] = [
    ["meta of something else", (s) => ({ ...s, meta: { v: 7 } })],
    ["a missing array", (s) => ({ ...s, arrays: without(s.arrays, "keys") })],
    [
      "a wrong shape",
      (s) => ({ ...s, arrays: { ...s.arrays, keys: { data: s.arrays["keys"]!.data, shape: [24, 10] } } }),
    ],
    [
      "an array cut short",
      (s) => ({ ...s, arrays: { ...s.arrays, keys: { ...s.arrays["keys"]!, data: new Float32Array(3) } } }),
    ],
    [
      "numbers that are not finite",
      (s) => ({
        ...s,
        arrays: { ...s.arrays, prompts: { ...s.arrays["prompts"]!, data: s.arrays["prompts"]!.data.map(() => NaN) } },
      }),
    ],
    ["a label twice", (s) => ({ ...s, meta: { ...s.meta, labels: (s.meta["labels"] as string[]).map(() => "same") } })],
  ];
  for (const [what, spoil] of cases) {
    test(`refuses ${what} and changes nothing`, async () => {
      const { learner } = await taught(stream, 24);
      const before = learner.save();
      for (const state of [learner.save(), learner.saveCompact()]) {
        expect(() => learner.restore(spoil(state))).toThrow(expect.objectContaining({ code: "learner/state" }));
      }
      expect(learner.save()).toEqual(before);
    });
  }

  test("refuses a state of another width, pool, head or set of heads", async () => {
    const { learner } = await taught(stream, 24);
    const state = learner.save();
    const others: LearnerSettings[] = [
      { ...stream, pool: { ...stream.pool, size: 11 } },
      { ...stream, pool: { ...stream.pool, promptLength: 4 } },
      { ...stream, head: { ...stream.head, kind: { kind: "cosine", scale: 8 } } },
      only("prompted"),
    ];
    for (const settings of others) {
      expect(() => make(settings).learner.restore(state)).toThrow(expect.objectContaining({ code: "learner/state" }));
    }
    const wider = createLearner({
      engine: linearEngine({ head: stream.head.kind, width: 25 }),
      settings: stream,
      seed: 1,
    });
    expect(() => wider.restore(state)).toThrow(expect.objectContaining({ code: "learner/state" }));
  });

  test("rates and the like may differ", async () => {
    const { learner } = await taught(stream, 24);
    const other = make({ ...stream, topLabels: 1, optimiser: { ...stream.optimiser, learningRate: 0.1 } }).learner;
    other.restore(learner.save());
    expect(other.labels).toEqual(learner.labels);
  });
});

test("telemetry counts prompts, classes and the heads' weights", async () => {
  const { learner, items } = await taught();
  const before = learner.telemetry();
  const { promptIds } = await learner.predictOne(items[0]!);
  const after = learner.telemetry();
  expect(after.promptUse.map((n, m) => n - before.promptUse[m]!)).toEqual(
    after.promptUse.map((_, m) => (promptIds.includes(m) ? 1 : 0)),
  );
  expect(Object.values(after.classCounts).reduce((a, b) => a + b)).toBe(items.length);
  expect(after.combination.prompted + after.combination.statistics).toBeCloseTo(1, 12);
});
