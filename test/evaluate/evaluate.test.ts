import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createRng } from "../../src/kernel/rng.ts";
import { embeddedModelPath } from "../../src/backbone/model.ts";
import { evaluate, type EvaluateOptions } from "../../src/evaluate/evaluate.ts";
import { type CellResult, parseResult } from "../../src/evaluate/result.ts";
import { scenarioNames } from "../../src/evaluate/scenarios/names.ts";
import { tinyModel, writeModel } from "../support/tiny-model.ts";

let folder: string;
let tinyPath: string;
let data: string;

/** Two tasks of two classes, noise on a colour: quick to read, unlike drawings. */
async function writeData(): Promise<void> {
  const rng = createRng(3);
  for (const [task, label, level] of [
    ["day", "bolt", 60],
    ["day", "nut", 140],
    ["night", "bolt", 30],
    ["night", "washer", 200],
  ] as const) {
    await mkdir(join(data, task, label), { recursive: true });
    for (let i = 0; i < 10; i++) {
      const pixels = Uint8Array.from({ length: 16 * 16 * 3 }, () => level + rng.int(50));
      const image = sharp(pixels, { raw: { width: 16, height: 16, channels: 3 } });
      await image.png().toFile(join(data, task, label, `${i}.png`));
    }
  }
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "l2p-edge-evaluate-"));
  data = join(folder, "data");
  tinyPath = join(folder, "tiny");
  await mkdir(tinyPath);
  await writeModel(tinyPath, tinyModel());
  await writeData();
});
afterAll(() => rm(folder, { recursive: true }));

function optionsFor(out: string, changes: Partial<EvaluateOptions> = {}): EvaluateOptions {
  return {
    scenario: "folders",
    dataPath: data,
    modelPath: tinyPath,
    methods: ["ncm"],
    seeds: [1],
    protocol: { kind: "single-pass", batch: 16, labelShare: 1, labels: "random", labelDelay: 0, stops: 2 },
    heldOut: 0,
    perClass: undefined,
    testPerClass: undefined,
    settings: { bufferPerClass: 2 },
    cacheFolder: join(folder, "cache"),
    outFolder: join(folder, out),
    threads: 1,
    checkpointMs: 0,
    signal: new AbortController().signal,
    onProgress: () => {},
    onResult: () => {},
    ...changes,
  };
}

/** All but what differs from run to run. */
function withoutCost(result: CellResult): unknown {
  const { stateBytes, bufferImages, bufferBytes } = result.cost;
  return { ...result, cost: { stateBytes, bufferImages, bufferBytes } };
}

describe("the embedded backbone on parts", () => {
  it("learns what is drawn, in one pass, and reports all of its numbers", async () => {
    const methods = ["ncm", "stream"];
    const options = optionsFor("embedded", {
      scenario: "parts",
      dataPath: undefined,
      modelPath: embeddedModelPath,
      methods,
      perClass: 2,
      testPerClass: 1,
    });
    const [ncm, stream] = await evaluate(options);
    for (const result of [ncm!, stream!]) {
      const { metrics, points, right } = result;
      expect(right["overall"]).toHaveLength(36);
      expect(metrics.prequential.overall).toBeCloseTo(right["overall"]!.replaceAll("0", "").length / 36, 12);
      expect(points.filter(({ segment }) => segment !== null)).toHaveLength(7);
      expect(points.filter(({ stop }) => stop)).toHaveLength(2);
      // 18 types: a guess is right one time in eighteen.
      expect(metrics.averageAccuracy).toBeGreaterThan(0.1);
      expect(metrics.forgetting).toBeGreaterThanOrEqual(0);
      expect(result.stream.tests.map(({ images }) => images)).toEqual([6, 10, 10, 14, 14, 14, 18]);
      expect(result.cost.stateBytes).toBeGreaterThan(1000);
    }
    expect(ncm!.promptUse).toBeNull();
    expect(ncm!.metrics.heads).toEqual({});
    expect(Object.keys(stream!.metrics.heads).toSorted()).toEqual(["prompted", "statistics"]);
    expect(stream!.promptUse).toHaveLength(7);
    expect(stream!.metrics.promptSharing).toBeGreaterThan(0);
    expect(stream!.metrics.promptSharing).toBeLessThanOrEqual(1);
    expect(stream!.bins.reduce((sum, { count }) => sum + count, 0)).toBeGreaterThan(20);
    const file = join(options.outFolder, "parts-2-per-class-1-test-l2p-edge-vit-micro", "stream-seed1.json");
    expect(parseResult(await readFile(file, "utf8"), file)).toEqual(stream);
    // Seconds on two free cores.
  }, 180_000);
});

describe("a run", () => {
  it.each(["ncm", "er", "ewc", "stream", "l2p+er"])(
    "of %s that is stopped twice ends like one that is not",
    async (name) => {
      const kind = "single-pass" as const;
      const labels = name === "stream" ? ("asked" as const) : ("random" as const);
      const late = { kind, batch: 5, labelShare: 0.8, labels, labelDelay: 7, stops: 3 };
      const methods = [name];
      const [whole] = await evaluate(optionsFor(`whole-${name}`, { methods, protocol: late }));
      for (const stopAt of [2, 5]) {
        const stop = new AbortController();
        const onProgress = (what: string, done: number): void => {
          if (what !== "features" && done === stopAt) stop.abort();
        };
        const stopped = optionsFor(`stopped-${name}`, { methods, protocol: late, onProgress, signal: stop.signal });
        expect(await evaluate(stopped)).toEqual([]);
      }
      const turns: number[] = [];
      const resumed = optionsFor(`stopped-${name}`, {
        methods,
        protocol: late,
        onProgress: (_, done) => void turns.push(done),
      });
      const [result] = await evaluate(resumed);
      expect(turns[0]).toBe(6);
      expect(withoutCost(result!)).toEqual(withoutCost(whole!));
    },
  );

  it("that is done is not run again, features are not computed again, and results are the same", async () => {
    const [first] = await evaluate(optionsFor("done"));
    const seen: string[] = [];
    const onProgress = (what: string): void => void seen.push(what);
    expect(await evaluate(optionsFor("done", { onProgress }))).toEqual([first]);
    expect(seen).toEqual([]);
    const [again] = await evaluate(optionsFor("done-again", { onProgress }));
    expect(seen).not.toContain("features");
    expect(withoutCost(again!)).toEqual(withoutCost(first!));
  });

  it("of other images is no answer for this one", async () => {
    const options = optionsFor("other", { methods: ["ncm"] });
    await evaluate(options);
    const changed = evaluate({ ...options, protocol: { ...options.protocol, stops: 5 } });
    await expect(changed).rejects.toMatchObject({ code: "evaluate/other-cell" });
  });

  it("takes seeds, upper bounds and the paper's protocol", async () => {
    const { protocol: usual } = optionsFor("paper");
    const protocol = { ...usual, kind: "paper" as const };
    const options = optionsFor("paper", { methods: ["sequential-frozen", "joint-frozen"], seeds: [1, 2], protocol });
    const results = await evaluate(options);
    expect(results.map(({ spec }) => `${spec.method} ${spec.seed}`)).toEqual([
      "sequential-frozen 1",
      "joint-frozen 1",
      "sequential-frozen 2",
      "joint-frozen 2",
    ]);
    const [sequential, joint] = results;
    expect(joint!.metrics.forgetting).toBeNull();
    expect(joint!.points).toHaveLength(1);
    expect(joint!.metrics.averageAccuracy).toBeGreaterThan(sequential!.metrics.averageAccuracy);
  });

  it("asks for the labels that it wants, for no more than the share", async () => {
    const protocol = { ...optionsFor("asked").protocol, labelShare: 0.5, batch: 2, labels: "asked" as const };
    const [asked] = await evaluate(optionsFor("asked", { methods: ["stream-statistics"], protocol }));
    expect(asked!.metrics.labels).toBeGreaterThan(5);
    expect(asked!.metrics.labels).toBeLessThanOrEqual(17);
    expect(asked!.right["overall"]).toHaveLength(32);
    const mute = evaluate(optionsFor("mute", { methods: ["ncm"], protocol }));
    await expect(mute).rejects.toMatchObject({ code: "evaluate/options" });
  });

  it("holds classes out: their frames come, are judged for novelty, and are neither learned nor scored", async () => {
    const methods = ["stream-statistics"];
    const [result] = await evaluate(optionsFor("held-out", { methods, heldOut: 1, seeds: [3] }));
    const [whole] = await evaluate(optionsFor("held-in", { methods }));
    expect(result!.spec.heldOut).toBe(1);
    expect(result!.metrics.labels).toBeLessThan(whole!.metrics.labels!);
    expect(result!.right["overall"]).toHaveLength(result!.metrics.labels!);
    const { known, novel } = result!.metrics.unknown!;
    expect(novel).toBeGreaterThan(0);
    expect(known).toBeGreaterThan(0);
    const tooMany = evaluate(optionsFor("too-many", { methods, heldOut: 2 }));
    await expect(tooMany).rejects.toMatchObject({ code: "evaluate/options" });
  });

  it("plays folders of the user's, and says what is wrong with them", async () => {
    const options = optionsFor("folders");
    const [result] = await evaluate(options);
    expect(result!.stream.segments).toEqual([
      { name: "day", end: 16 },
      { name: "night", end: 32 },
    ]);
    expect(result!.stream.classes).toBe(3);
    expect(result!.points.filter(({ segment }) => segment !== null)[1]!.scores["overall"]!.tests[1]).toBe(1);
    const few = evaluate({ ...options, scenario: "drift", outFolder: join(folder, "few"), perClass: 1 });
    await expect(few).rejects.toMatchObject({ code: "evaluate/data" });
    const paper = { ...options.protocol, kind: "paper" as const, labelDelay: 3 };
    await expect(evaluate({ ...options, protocol: paper })).rejects.toMatchObject({ code: "evaluate/options" });
    await expect(evaluate({ ...options, methods: ["magic"] })).rejects.toMatchObject({ code: "evaluate/options" });
  });

  it("has the scenarios that its help names", async () => {
    const { evaluateCommand } = await import("../../src/cli/evaluate.ts");
    expect(evaluateCommand().registeredArguments[0]!.argChoices).toEqual([...scenarioNames]);
  });
});
