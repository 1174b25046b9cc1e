import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Order, planTurns, type Protocol, type Turn } from "../../src/evaluate/plan.ts";

const once: Order = { order: "stream", epochs: 1 };
const singlePass: Protocol = {
  kind: "single-pass",
  batch: 4,
  labelShare: 1,
  labels: "random",
  labelDelay: 0,
  stops: 5,
};

/** A stream of `length` images in segments of these ends. */
function streamOf(...ends: number[]): { stream: number[]; segments: { name: string; end: number }[] } {
  return {
    stream: Array.from({ length: ends.at(-1)! }, (_, i) => i),
    segments: ends.map((end, i) => ({ name: String(i), end })),
  };
}

const framesOf = (turns: readonly Turn[]): number[] => turns.flatMap(({ frames }) => frames);
const labelsOf = (turns: readonly Turn[]): number[] => turns.flatMap(({ labels }) => labels);
const numeric = (values: readonly number[]): number[] => values.toSorted((a, b) => a - b);

describe("a single pass", () => {
  it("shows each frame once, in order, with its label at once", () => {
    const turns = planTurns(streamOf(10, 20), singlePass, once, 1);
    expect(framesOf(turns)).toEqual(streamOf(20).stream);
    for (const { frames, labels } of turns) expect(labels).toEqual(frames);
  });

  it("ends batches where segments end, and stops at equal distances", () => {
    const turns = planTurns(streamOf(10, 20), singlePass, once, 1);
    expect(turns.map(({ frames }) => frames.length)).toEqual([4, 4, 2, 4, 4, 2]);
    expect(turns.map(({ endsSegment }) => endsSegment)).toEqual([null, null, 0, null, null, 1]);
    // Five stops over 20 frames: after the batch with frame 4, 8, 12, 16 and 20.
    expect(turns.map(({ stop }) => stop)).toEqual([true, true, false, true, true, true]);
  });

  it("brings each label once, none before its time, whatever the numbers", () => {
    const numbers = fc.record({
      length: fc.integer({ min: 2, max: 60 }),
      batch: fc.integer({ min: 1, max: 9 }),
      labelDelay: fc.integer({ min: 0, max: 30 }),
      labelShare: fc.double({ min: 0.01, max: 1, noNaN: true }),
      seed: fc.nat(),
    });
    fc.assert(
      fc.property(numbers, ({ length, seed, ...protocol }) => {
        const scenario = streamOf(Math.ceil(length / 2), length);
        const turns = planTurns(scenario, { ...singlePass, ...protocol }, once, seed);
        const labels = labelsOf(turns);
        expect(framesOf(turns)).toEqual(scenario.stream);
        expect(new Set(labels).size).toBe(labels.length);
        let seen = 0;
        const early: number[] = [];
        for (const turn of turns) {
          seen += turn.frames.length;
          // At the end of the stream those that are late come all at once.
          if (seen < length) early.push(...turn.labels.filter((place) => place + protocol.labelDelay >= seen));
        }
        expect(early).toEqual([]);
        expect(turns.flatMap(({ endsSegment }) => endsSegment ?? [])).toEqual([0, 1]);
        expect(turns.at(-1)).toMatchObject({ endsSegment: 1, stop: true });
        expect(planTurns(scenario, { ...singlePass, ...protocol }, once, seed)).toEqual(turns);
      }),
    );
  });

  it("brings all labels when all are asked for", () => {
    const scenario = streamOf(25, 50);
    const turns = planTurns(scenario, { ...singlePass, labelDelay: 13 }, once, 1);
    expect(numeric(labelsOf(turns))).toEqual(scenario.stream);
  });

  it("labels about the share that is asked for", () => {
    const turns = planTurns(streamOf(5000), { ...singlePass, labelShare: 0.05 }, once, 3);
    expect(labelsOf(turns).length).toBeGreaterThan(200);
    expect(labelsOf(turns).length).toBeLessThan(300);
  });
});

describe("labels", () => {
  it("come for no image that is held out", () => {
    const scenario = streamOf(25, 50);
    const unlabelled = new Set(scenario.stream.slice(10, 20));
    const turns = planTurns({ ...scenario, unlabelled }, singlePass, once, 1);
    expect(labelsOf(turns)).toHaveLength(40);
    expect(labelsOf(turns).filter((place) => unlabelled.has(scenario.stream[place]!))).toEqual([]);
  });

  it("that are asked for are not planned", () => {
    expect(labelsOf(planTurns(streamOf(25, 50), { ...singlePass, labels: "asked" }, once, 1))).toEqual([]);
  });
});

describe("the paper's protocol", () => {
  it("learns each segment so many times before the next, and scores it once", () => {
    const turns = planTurns(streamOf(6, 12), { ...singlePass, kind: "paper" }, { order: "stream", epochs: 5 }, 1);
    expect(framesOf(turns)).toEqual(streamOf(12).stream);
    const boundary = turns.findIndex(({ endsSegment }) => endsSegment === 0);
    const first = labelsOf(turns.slice(0, boundary + 1));
    expect(numeric(first)).toEqual([0, 1, 2, 3, 4, 5].flatMap((place) => [place, place, place, place, place]));
    expect(labelsOf(turns)).toHaveLength(60);
    expect(turns.filter(({ stop }) => stop)).toEqual([]);
  });

  it("shuffles each epoch anew", () => {
    const turns = planTurns(
      streamOf(40),
      { ...singlePass, kind: "paper", batch: 40 },
      { order: "stream", epochs: 3 },
      1,
    );
    const [first, second, third] = turns.map(({ labels }) => labels.join());
    expect(new Set([first, second, third]).size).toBe(3);
  });
});

describe("an upper bound's order", () => {
  it("mixes all segments and tests at the end", () => {
    const turns = planTurns(streamOf(30, 60), singlePass, { order: "shuffled", epochs: 2 }, 1);
    expect(numeric(framesOf(turns))).toEqual(streamOf(60).stream);
    expect(framesOf(turns)).not.toEqual(streamOf(60).stream);
    expect(labelsOf(turns)).toHaveLength(120);
    expect(turns.filter(({ endsSegment, stop }) => endsSegment !== null || stop)).toHaveLength(1);
  });
});
