import { describe, expect, it } from "vitest";
import { createRng } from "../../src/kernel/rng.ts";
import { defaultDriftSettings, type Drift, driftMonitor, type DriftSettings } from "../../src/stream/drift.ts";
import { coinFlips } from "../support/changes.ts";

function monitor(settings: Partial<DriftSettings> = {}, saved?: ReturnType<ReturnType<typeof driftMonitor>["save"]>) {
  const told: Drift[] = [];
  const tell = (drift: Drift): void => void told.push(drift);
  const all = { ...defaultDriftSettings, ...settings };
  return { told, of: driftMonitor({ settings: all, maxCameras: () => 3, tell, saved }) };
}

/** Similarities of frames, with that mean and a deviation of 0.07, as the drawn parts have. */
function similarities(seed: number, count: number, mean: number): number[] {
  const rng = createRng(seed);
  return Array.from({ length: count }, () => mean + 0.07 * rng.normal());
}

describe("errors of labelled frames", () => {
  it("that become more are a drift of the node, and fewer are none", () => {
    const { told, of } = monitor();
    const rng = createRng(1);
    const errors = [...coinFlips(rng, 200, 0.9), ...coinFlips(rng, 600, 0.1), ...coinFlips(rng, 200, 0.6)];
    const places = errors.flatMap((wrong, at) => {
      const before = told.length;
      of.judged(wrong === 0, false);
      return told.length > before ? [at] : [];
    });
    expect(places).toHaveLength(1);
    expect(places[0]).toBeGreaterThan(800);
    expect(places[0]).toBeLessThan(860);
    expect(told[0]).toMatchObject({ watch: "error", camera: null });
    expect(told[0]!.after).toBeGreaterThan(told[0]!.before + 0.2);
  });

  it("of a replay are counted and not told again", () => {
    const { told, of } = monitor();
    for (let i = 0; i < 500; i++) of.judged(i < 300, true);
    expect(told).toEqual([]);
    expect(of.plasticity).toBe(1);
  });
});

describe("similarity of predicted frames", () => {
  it("is each camera's own: one whose lens gets dirty is told, with others beside it", () => {
    const { told, of } = monitor();
    const cameras = Array.from({ length: 3 }, (_, c) => `camera ${c}`);
    const frames = cameras.map((_, c) => [
      ...similarities(c, 800, 0.5 + 0.1 * c),
      ...similarities(90 + c, 200, c === 1 ? 0.47 : 0.5 + 0.1 * c),
    ]);
    const places: number[] = [];
    for (let i = 0; i < 1000; i++) {
      cameras.forEach((camera, c) => of.predicted(camera, frames[c]![i]!));
      if (told.length > places.length) places.push(i);
    }
    expect(told).toHaveLength(1);
    expect(told[0]).toMatchObject({ watch: "similarity", camera: "camera 1" });
    expect(told[0]!.before).toBeCloseTo(0.6, 1);
    expect(told[0]!.after).toBeLessThan(0.55);
    expect(places[0]! - 800).toBeLessThan(80);
  });

  it("that rises is no drift: the keys have come nearer; the next fall is told against what is usual by then", () => {
    const { told, of } = monitor();
    for (const mean of [0.45, 0.6, 0.5]) for (const one of similarities(7, 400, mean)) of.predicted("belt", one);
    expect(told).toHaveLength(1);
    expect(told[0]!.before).toBeGreaterThan(0.58);
    expect(told[0]!.after).toBeLessThan(0.54);
  });

  it("no alarm in a steady stream, nor before the first label, nor where it is off", () => {
    const steady = monitor();
    for (let seed = 0; seed < 5; seed++) for (const one of similarities(seed, 4000, 0.6)) steady.of.predicted("a", one);
    for (let i = 0; i < 500; i++) steady.of.predicted("b", null);
    const off = monitor({ similarity: { ...defaultDriftSettings.similarity, detector: "off" } });
    for (let i = 0; i < 1000; i++) off.of.predicted("a", i < 500 ? 0.9 : 0.1);
    expect([...steady.told, ...off.told]).toEqual([]);
  });

  it("a picture that stands still and then moves a little is none", () => {
    const { told, of } = monitor();
    for (let i = 0; i < 1000; i++) of.predicted("belt", i < 500 ? 0.6 : 0.602);
    expect(told).toEqual([]);
  });

  it("of more cameras than are remembered, those that were quiet longest are forgotten", () => {
    const { of } = monitor();
    for (const camera of ["a", "b", "c", "a", "d"]) of.predicted(camera, 0.5);
    expect(of.save().cameras.map(([camera]) => camera)).toEqual(["c", "a", "d"]);
  });
});

describe("plasticity", () => {
  it("is the boost after a drift, half of the excess is gone after the set labels, and in the end all", () => {
    const { told, of } = monitor({ boost: 3, boostLabels: 10 });
    for (let i = 0; told.length === 0; i++) of.judged(i < 300, false);
    expect(of.plasticity).toBe(3);
    of.learned(10, of.plasticity, false);
    expect(of.plasticity).toBe(2);
    of.learned(10, of.plasticity, false);
    expect(of.plasticity).toBe(1.5);
    for (let i = 0; i < 20; i++) of.learned(10, of.plasticity, false);
    expect(of.plasticity).toBe(1);
  });

  it("of a replay goes on from what the journal says", () => {
    const { of } = monitor({ boost: 3, boostLabels: 10 });
    of.learned(10, 3, true);
    expect(of.plasticity).toBe(2);
  });
});

it("goes on from a saved state as if nothing had happened", () => {
  const straight = monitor({ boost: 3, boostLabels: 10 });
  const feed = (of: typeof straight.of, from: number, to: number): void => {
    const frames = [...similarities(1, 500, 0.6), ...similarities(2, 300, 0.4)];
    for (let i = from; i < to; i++) {
      of.predicted("belt", frames[i]!);
      of.judged(i % 7 !== 0 && i < 600, false);
      of.learned(1, of.plasticity, false);
    }
  };
  feed(straight.of, 0, 550);
  const again = monitor({ boost: 3, boostLabels: 10 }, JSON.parse(JSON.stringify(straight.of.save())));
  const before = straight.told.length;
  feed(straight.of, 550, 800);
  feed(again.of, 550, 800);
  expect(again.told).toEqual(straight.told.slice(before));
  expect(again.told.length).toBeGreaterThan(0);
  expect(again.of.save()).toEqual(straight.of.save());
});
