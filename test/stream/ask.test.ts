import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRng } from "../../src/kernel/rng.ts";
import { asker, type Asker, doubtOf } from "../../src/stream/ask.ts";

const hourMs = 3_600_000;

/** Frames at equal distances with doubts by chance; @returns when it asked, ms. */
function play(one: Asker, frames: number, gapMs: number, doubt: (i: number) => number, from = 0): number[] {
  const times: number[] = [];
  for (let i = 0; i < frames; i++) {
    const now = from + i * gapMs;
    if (one.wants({ label: null, doubt: doubt(i) }, now)) times.push(now);
  }
  return times;
}

const random = (seed: number): ((i: number) => number) => {
  const rng = createRng(seed);
  return () => rng.uniform();
};

describe("asking for labels", () => {
  it("never asks without a budget", () => {
    expect(play(asker({ asksPerHour: 0 }), 100, 1000, () => 1)).toEqual([]);
  });

  it("asks for the first frame there is", () => {
    expect(asker({ asksPerHour: 1 }).wants({ label: "bolt", doubt: 0.2 }, 0)).toBe(true);
  });

  it.each([
    [6, 500],
    [60, 1000],
    [600, 200],
    [3600, 5000],
  ])("spends %i an hour evenly over frames every %i ms", (perHour, gapMs) => {
    const hours = 4;
    const times = play(asker({ asksPerHour: perHour }), (hours * hourMs) / gapMs, gapMs, random(1));
    // No more than one a frame.
    const budget = Math.min(perHour, hourMs / gapMs);
    for (let hour = 0; hour < hours; hour++) {
      const asked = times.filter((at) => at >= hour * hourMs && at < (hour + 1) * hourMs).length;
      expect(asked).toBeLessThanOrEqual(budget * (1 + 1 / 12) + 1);
      expect(asked).toBeGreaterThanOrEqual(budget * 0.8 - 1);
    }
  });

  it("asks for the doubtful ones", () => {
    const doubt = random(2);
    const doubts = Array.from({ length: 7200 }, (_, i) => doubt(i));
    const times = play(asker({ asksPerHour: 60 }), doubts.length, 1000, (i) => doubts[i]!);
    const asked = times.map((at) => doubts[at / 1000]!);
    expect(asked.reduce((a, b) => a + b, 0) / asked.length).toBeGreaterThan(0.8);
  });

  it("finds its limit again when all frames become surer, or less sure", () => {
    const doubt = random(3);
    const one = asker({ asksPerHour: 120 });
    const counts = [1, 0.1, 1].map((scale, part) => {
      return play(one, 3600, 1000, (i) => scale * doubt(i), part * hourMs).length;
    });
    for (const count of counts) {
      expect(count).toBeGreaterThan(100);
      expect(count).toBeLessThanOrEqual(131);
    }
  });

  it("does not spend a night's budget at once", () => {
    const one = asker({ asksPerHour: 60 });
    play(one, 3600, 1000, random(4));
    const morning = play(one, 60, 1000, random(5), 12 * hourMs);
    expect(morning.length).toBeLessThanOrEqual(7);
  });

  it("never spends more than the budget and what was saved, whatever comes when", () => {
    const frame = fc.record({
      gap: fc.integer({ min: -1000, max: 120_000 }),
      doubt: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 500 }), fc.array(frame, { maxLength: 200 }), (perHour, frames) => {
        const one = asker({ asksPerHour: perHour });
        let [now, latest, asked] = [0, 0, 0];
        for (const { gap, doubt } of frames) {
          now += gap;
          latest = Math.max(latest, now);
          if (one.wants({ label: null, doubt }, now)) asked += 1;
        }
        expect(asked).toBeLessThanOrEqual(Math.max(1, perHour / 12) + (perHour * latest) / hourMs + 1e-6);
      }),
    );
  });

  it("does not ask for the same again and again while others are in doubt as well", () => {
    const one = asker({ asksPerHour: 360 });
    const asked: string[] = [];
    for (let i = 0; i < 3600; i++) {
      const label = i % 10 === 0 ? "nut" : "bolt";
      if (one.wants({ label, doubt: label === "bolt" ? 0.8 : 0.5 }, 1000 * i)) asked.push(label);
    }
    const nuts = asked.filter((label) => label === "nut").length;
    expect(nuts).toBeGreaterThan(0.2 * asked.length);
    expect(nuts).toBeLessThan(0.8 * asked.length);
  });

  it("goes on after a restart as if nothing had happened", () => {
    const doubt = random(6);
    const doubts = Array.from({ length: 600 }, (_, i) => doubt(i));
    const one = asker({ asksPerHour: 200 });
    play(one, 300, 1000, (i) => doubts[i]!);
    const restarted = asker({ asksPerHour: 200 }, JSON.parse(JSON.stringify(one.save())) as ReturnType<Asker["save"]>);
    const rest = (of: Asker): number[] => play(of, 300, 1000, (i) => doubts[300 + i]!, 300_000);
    expect(rest(restarted)).toEqual(rest(one));
  });
});

describe("doubt", () => {
  it("is whole before anything was learned", () => {
    expect(doubtOf({ top: [] })).toBe(1);
  });

  it("is how near the runner-up is, whatever is left for labels never seen", () => {
    expect(
      doubtOf({
        top: [
          ["bolt", 0.7],
          ["nut", 0.2],
        ],
      }),
    ).toBeCloseTo(2 / 7, 12);
    expect(
      doubtOf({
        top: [
          ["bolt", 0.07],
          ["nut", 0.02],
        ],
      }),
    ).toBeCloseTo(2 / 7, 12);
    expect(
      doubtOf({
        top: [
          ["bolt", 0],
          ["nut", 0],
        ],
      }),
    ).toBe(0);
  });

  it("is whole where there is no runner-up", () => {
    expect(doubtOf({ top: [["bolt", 0.9]] })).toBe(1);
  });
});
