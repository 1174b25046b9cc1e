import sharp from "sharp";
import { describe, expect, it } from "vitest";
import type { Scenario } from "../../src/evaluate/scenario.ts";
import { blurryScenario } from "../../src/evaluate/scenarios/blurry.ts";
import { classesOf, type Sizes } from "../../src/evaluate/scenarios/classes.ts";
import { driftScenario } from "../../src/evaluate/scenarios/drift.ts";
import { folderScenario } from "../../src/evaluate/scenarios/folders.ts";
import { gaussianDeviation, gaussianScenario } from "../../src/evaluate/scenarios/gaussian.ts";
import { openScenarios } from "../../src/evaluate/scenarios/open.ts";
import { partsScenario } from "../../src/evaluate/scenarios/parts.ts";
import { splitScenario } from "../../src/evaluate/scenarios/split.ts";
import { fakeEntries, labelled } from "../support/fake-entries.ts";

const all: Sizes = { perClass: undefined, testPerClass: undefined };
const classes = classesOf(fakeEntries(["train", "test"], labelled(20), 10), all);

const labelsOf = ({ images, stream }: Scenario): string[] => stream.map((index) => images[index]!.label);

/** What a scenario is, without its functions. */
async function shapeOf(scenario: Scenario): Promise<unknown> {
  const identities = await Promise.all(scenario.images.map((image) => image.identity()));
  return { ...scenario, images: identities };
}

/** Each segment's labels. */
function segmentLabels(scenario: Scenario): string[][] {
  const labels = labelsOf(scenario);
  return scenario.segments.map(({ end }, i) => labels.slice(scenario.segments[i - 1]?.end ?? 0, end));
}

describe("a data set's classes", () => {
  it("take the folders train and test as they are", () => {
    expect(classes).toHaveLength(20);
    expect(classes.map(({ train, test }) => [train.length, test.length])).toEqual(classes.map(() => [10, 10]));
  });

  it("hold out a fifth where there are no such folders, whatever the run's seed", async () => {
    const [first] = classesOf(fakeEntries([""], ["bolt", "nut"], 10), all);
    expect([first!.label, first!.train.length, first!.test.length]).toEqual(["bolt", 8, 2]);
    const [again] = classesOf(fakeEntries([""], ["bolt", "nut"], 10), all);
    const ids = (images: readonly { identity(): Promise<string> }[]): Promise<string[]> =>
      Promise.all(images.map((image) => image.identity()));
    expect(await ids(again!.test)).toEqual(await ids(first!.test));
  });

  it("take so many of each", () => {
    const few = classesOf(fakeEntries(["train", "test"], labelled(3), 10), { perClass: 4, testPerClass: 2 });
    expect(few.map(({ train, test }) => [train.length, test.length])).toEqual([
      [4, 2],
      [4, 2],
      [4, 2],
    ]);
  });

  it("refuse a class that has nothing to test on", () => {
    const entries = [...fakeEntries(["train", "test"], ["bolt"], 2), ...fakeEntries(["test"], ["nut"], 2)];
    expect(() => classesOf(entries, all)).toThrow(expect.objectContaining({ code: "evaluate/data" }));
  });
});

describe.each([
  ["split", (seed: number) => splitScenario(classes, 10, seed)],
  ["gaussian", (seed: number) => gaussianScenario(classes, 10, seed)],
  ["blurry", (seed: number) => blurryScenario(classes, 5, seed)],
  ["drift", (seed: number) => driftScenario(classes, seed)],
] as const)("%s", (_, build) => {
  it("shows each training image once and has a place for each", () => {
    const scenario = build(1);
    expect(scenario.stream).toHaveLength(200);
    expect(new Set(scenario.stream).size).toBe(200);
    expect(scenario.segments.at(-1)!.end).toBe(200);
    for (const { learnedIn } of scenario.tests) expect(scenario.segments[learnedIn]).toBeDefined();
  });

  it("is the same for a seed, and another for another", async () => {
    expect(await shapeOf(build(7))).toEqual(await shapeOf(build(7)));
    expect(labelsOf(build(8))).not.toEqual(labelsOf(build(7)));
  });

  it("needs enough classes", () => {
    const [one] = classes;
    const refused = expect.objectContaining({ code: "evaluate/data" });
    expect(() => splitScenario([one!], 10, 1)).toThrow(refused);
    expect(() => gaussianScenario([one!], 10, 1)).toThrow(refused);
    expect(() => blurryScenario([one!], 5, 1)).toThrow(refused);
    expect(() => driftScenario([one!], 1)).toThrow(refused);
  });
});

describe("split-cifar100", () => {
  it("deals its classes to tasks, and tests each task on its own", () => {
    const scenario = splitScenario(classes, 10, 1);
    const groups = segmentLabels(scenario).map((labels) => new Set(labels));
    expect(groups.map(({ size }) => size)).toEqual(groups.map(() => 2));
    expect(new Set(groups.flatMap((group) => [...group])).size).toBe(20);
    scenario.tests.forEach(({ images, learnedIn }, task) => {
      expect(learnedIn).toBe(task);
      expect(new Set(images.map((index) => scenario.images[index]!.label))).toEqual(groups[task]);
    });
  });
});

describe("gaussian-cifar100", () => {
  it("spreads each class around its peak as its Gaussian says", () => {
    const many = classesOf(fakeEntries(["train", "test"], labelled(20), 300), all);
    const labels = labelsOf(gaussianScenario(many, 10, 1));
    const deviations = labelled(20).map((label) => {
      const times = labels.flatMap((other, place) => (other === label ? [place / labels.length] : []));
      const centre = times.reduce((a, b) => a + b, 0) / times.length;
      return { centre, deviation: Math.sqrt(times.reduce((sum, t) => sum + (t - centre) ** 2, 0) / times.length) };
    });
    const inner = deviations.filter(({ centre }) => centre > 0.1 && centre < 0.9);
    expect(inner.length).toBeGreaterThan(12);
    for (const { deviation } of inner) expect(deviation).toBeCloseTo(gaussianDeviation, 2);
    const centres = deviations.map(({ centre }) => centre).toSorted((a, b) => a - b);
    // At equal distances: 20 classes, a twentieth of the stream each.
    centres.slice(3, -3).forEach((centre, i) => expect(centre).toBeCloseTo((i + 3.5) / 20, 1));
  });

  it("has several classes at a time, and no boundary", () => {
    const parts = segmentLabels(gaussianScenario(classes, 10, 1));
    for (const labels of parts) expect(new Set(labels).size).toBeGreaterThan(2);
  });
});

describe("blurry-cifar100", () => {
  it("has half of the classes in one task, and a tenth of the others anywhere", () => {
    const many = classesOf(fakeEntries(["train", "test"], labelled(40), 50), all);
    const parts = segmentLabels(blurryScenario(many, 5, 2));
    const tasksOf = labelled(40).map((label) => parts.map((labels) => labels.filter((l) => l === label).length));
    const disjoint = tasksOf.filter((counts) => counts.filter((count) => count > 0).length === 1);
    expect(disjoint.length).toBeGreaterThanOrEqual(20);
    expect(disjoint.length).toBeLessThan(24);
    const blurred = tasksOf.filter((counts) => counts.filter((count) => count > 0).length > 1);
    const away = blurred.reduce((sum, counts) => sum + 50 - Math.max(...counts), 0);
    // A tenth is spread over five tasks: a fifth of it falls back to where it came from.
    expect(away / (20 * 50)).toBeGreaterThan(0.05);
    expect(away / (20 * 50)).toBeLessThan(0.1);
  });
});

describe("folders", () => {
  it("are tasks one after another, or domains where they share classes", () => {
    const entries = [
      ...fakeEntries(["b/train", "b/test", "a/train", "a/test"], ["x", "y"], 4),
      ...fakeEntries(["c"], ["z"], 5),
    ];
    const scenario = folderScenario("folders", entries, all, 1);
    expect(scenario.segments).toEqual([
      { name: "a", end: 8 },
      { name: "b", end: 16 },
      { name: "c", end: 20 },
    ]);
    expect(segmentLabels(scenario).map((labels) => [...new Set(labels)].toSorted())).toEqual([
      ["x", "y"],
      ["x", "y"],
      ["z"],
    ]);
    expect(scenario.tests.map(({ images }) => images.length)).toEqual([8, 8, 1]);
  });

  it("refuse a tree without folders of tasks", () => {
    const flat = fakeEntries(["train", "test"], ["x"], 4);
    expect(() => folderScenario("folders", flat, all, 1)).toThrow(expect.objectContaining({ code: "evaluate/data" }));
  });
});

describe("drift", () => {
  it("comes back to domains that it left, and tests all domains on the same images", () => {
    const { segments, tests, images } = driftScenario(classes, 1);
    const visited = segments.map(({ name }) => name);
    expect(visited.filter((name) => name === "clean")).toHaveLength(3);
    expect(visited.filter((name) => name === "dim light")).toHaveLength(2);
    expect(new Set(visited)).toEqual(new Set(tests.map(({ name }) => name)));
    for (const { name, learnedIn } of tests) expect(visited.indexOf(name)).toBe(learnedIn);
    const labels = tests.map(({ images: own }) => own.map((index) => images[index]!.label).join());
    expect(new Set(labels).size).toBe(1);
  });

  it("changes pictures as the domain says, each time in the same way", async () => {
    const grey = await sharp({ create: { width: 32, height: 32, channels: 3, background: "#888" } })
      .png()
      .toBuffer();
    const entries = fakeEntries(["train", "test"], ["a", "b"], 40).map((entry) => ({
      ...entry,
      read: () => Promise.resolve(grey),
    }));
    const { images, tests } = driftScenario(classesOf(entries, all), 1);
    const levels = new Map<string, { mean: number[]; deviation: number }>();
    for (const { name, images: own } of tests) {
      const file = await images[own[0]!]!.read();
      expect(await images[own[0]!]!.read()).toEqual(file);
      const { channels } = await sharp(file).stats();
      levels.set(name, { mean: channels.map(({ mean }) => mean), deviation: channels[0]!.stdev });
    }
    expect(levels.get("clean")!.mean[0]).toBeCloseTo(0x88, -1);
    expect(levels.get("dim light")!.mean[0]).toBeLessThan(0.4 * 0x88);
    const [red, , blue] = levels.get("warm light")!.mean;
    expect(red! - blue!).toBeGreaterThan(50);
    expect(levels.get("noise")!.deviation).toBeGreaterThan(30);
    expect(levels.get("occlusion")!.deviation).toBeGreaterThan(5);
    expect(levels.get("clean")!.deviation).toBeLessThan(1);
  });
});

describe("parts", () => {
  it("needs no data: drawings with new types and a night shift", async () => {
    const scenario = await partsScenario({ perClass: 3, testPerClass: 1 }, 1);
    expect(scenario.stream).toHaveLength(54);
    expect(scenario.segments.map(({ name }) => name)).toContain("night shift, dirty lens");
    expect(scenario.tests.map(({ images }) => images.length)).toEqual([6, 10, 10, 14, 14, 14, 18]);
    const [image] = scenario.images;
    expect((await sharp(await image!.read()).metadata()).format).toBe("jpeg");
    expect(await image!.read()).toEqual(await image!.read());
  });

  it("is the same for a seed, and another for another", async () => {
    const build = async (seed: number): Promise<unknown> => shapeOf(await partsScenario({ perClass: 2 }, seed));
    expect(await build(3)).toEqual(await build(3));
    expect(await build(4)).not.toEqual(await build(3));
  });
});

describe("opening a scenario", () => {
  it("asks for data where it needs some", async () => {
    await expect(openScenarios("drift", undefined, all)).rejects.toMatchObject({ code: "evaluate/options" });
  });
});
