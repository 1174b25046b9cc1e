import { describe, expect, it } from "vitest";
import { asking } from "../../src/evaluate/asking.ts";
import { holdOut } from "../../src/evaluate/hold-out.ts";
import type { Said } from "../../src/evaluate/methods/method.ts";
import type { Scenario } from "../../src/evaluate/scenario.ts";
import { splitScenario } from "../../src/evaluate/scenarios/split.ts";

const stream = Array.from({ length: 1000 }, (_, image) => image);
const protocol = { labels: "asked", labelShare: 0.1, labelDelay: 0 } as const;
const said = (doubt: (place: number) => number): Map<number, Said> =>
  new Map(stream.map((place) => [place, { label: null, doubt: doubt(place) }]));

/** Ten frames at a time; @returns the places whose labels came, and after how many frames each. */
function play(one: ReturnType<typeof asking>, answers: Map<number, Said>): { place: number; after: number }[] {
  const came: { place: number; after: number }[] = [];
  for (let start = 0; start < stream.length; start += 10) {
    one.frames(stream.slice(start, start + 10), answers);
    came.push(...one.labels(false).map((place) => ({ place, after: start + 10 })));
  }
  return [...came, ...one.labels(true).map((place) => ({ place, after: stream.length }))];
}

describe("labels that are asked for", () => {
  it("are the budget's share, of the doubtful frames; by chance, as many of any", () => {
    const doubts = said((place) => (place % 4 === 0 ? 0.9 : 0.1));
    const asked = play(asking({ stream }, protocol, 1), doubts);
    const chance = play(asking({ stream }, { ...protocol, labels: "by-chance" }, 1), doubts);
    for (const labels of [asked, chance]) {
      expect(labels.length).toBeGreaterThan(90);
      expect(labels.length).toBeLessThanOrEqual(101);
    }
    const doubtful = (labels: typeof asked): number => labels.filter(({ place }) => place % 4 === 0).length;
    expect(doubtful(asked)).toBeGreaterThan(0.9 * asked.length);
    expect(doubtful(chance)).toBeLessThan(0.4 * chance.length);
  });

  it("by chance are others with another seed", () => {
    const places = (seed: number): number[] =>
      play(
        asking({ stream }, { ...protocol, labels: "by-chance" }, seed),
        said(() => 0.5),
      ).map(({ place }) => place);
    expect(places(1)).toEqual(places(1));
    expect(places(2)).not.toEqual(places(1));
  });

  it("come so many frames later, and all at the end", () => {
    const late = play(
      asking({ stream }, { ...protocol, labelDelay: 100 }, 1),
      said(() => 0.5),
    );
    expect(late.length).toBeGreaterThan(90);
    for (const { place, after } of late) {
      expect(after === stream.length || after - place > 100).toBe(true);
      expect(after - place).toBeLessThanOrEqual(111);
    }
  });

  it("never come for a frame that is held out", () => {
    const unlabelled = new Set(stream.filter((image) => image % 2 === 0));
    const came = play(
      asking({ stream, unlabelled }, protocol, 1),
      said(() => 0.5),
    );
    expect(came.length).toBeGreaterThan(0);
    expect(came.filter(({ place }) => unlabelled.has(place))).toEqual([]);
  });
});

describe("classes that are held out", () => {
  const image = (label: string): Scenario["images"][number] => ({
    label,
    identity: () => Promise.resolve(label),
    read: () => Promise.resolve(new Uint8Array(0)),
  });
  const labels = ["a", "b", "c", "d"];
  const scenario: Scenario = {
    name: "folders",
    images: [...labels, ...labels].map(image),
    stream: [0, 1, 2, 3],
    segments: [{ name: "all", end: 4 }],
    tests: labels.map((name, i) => ({ name, images: [4 + i], learnedIn: 0 })),
  };

  it("are never labelled, and are tested nowhere; their frames still come", () => {
    const { stream: frames, tests, unlabelled } = holdOut(scenario, 2, 1);
    expect(frames).toEqual(scenario.stream);
    expect(unlabelled!.size).toBe(2);
    expect(tests).toHaveLength(2);
    const out = new Set([...unlabelled!].map((index) => scenario.images[index]!.label));
    expect(tests.filter(({ name }) => out.has(name))).toEqual([]);
  });

  it("are of all tasks, not those that the same draw puts first", () => {
    const classes = Array.from({ length: 40 }, (_, i) => {
      const label = `c${String(i).padStart(2, "0")}`;
      const one = (n: number) => ({
        label,
        identity: async () => `${label}/${n}`,
        read: async () => new Uint8Array(0),
      });
      return { label, train: [one(0), one(1)], test: [one(2)] };
    });
    const split = splitScenario(classes, 4, 1);
    const { unlabelled } = holdOut(split, 20, 1);
    const tasks = split.segments.map(({ end }, i) => split.stream.slice(i === 0 ? 0 : split.segments[i - 1]!.end, end));
    for (const task of tasks) {
      const share = task.filter((index) => unlabelled!.has(index)).length / task.length;
      expect(share).toBeGreaterThan(0.1);
      expect(share).toBeLessThan(0.9);
    }
  });

  it("are the seed's, none for none, and leave at least two", () => {
    expect(holdOut(scenario, 0, 1)).toBe(scenario);
    expect(holdOut(scenario, 1, 3).unlabelled).toEqual(holdOut(scenario, 1, 3).unlabelled);
    expect(() => holdOut(scenario, 3, 1)).toThrow("leaves 1 of 4 classes");
  });
});
