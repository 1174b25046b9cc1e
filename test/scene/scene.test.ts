import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { isAppError } from "../../src/kernel/errors.ts";
import { createRng } from "../../src/kernel/rng.ts";
import { beltNames } from "../../src/scene/belt.ts";
import { dayShift, mix, nightShift, randomCondition } from "../../src/scene/condition.ts";
import { partNames } from "../../src/scene/parts.ts";
import { render } from "../../src/scene/render.ts";
import { createScene } from "../../src/scene/scene.ts";
import { type Schedule, demoSchedule, momentAt } from "../../src/scene/schedule.ts";

const twoPhases: Schedule = {
  phases: [
    { name: "day", frames: 4, parts: ["bolt", "nut"], condition: dayShift },
    { name: "night", frames: 6, parts: ["gear"], condition: nightShift, fadeFrames: 4 },
  ],
};

/** Mean of red, green, blue. */
async function colour(jpeg: Uint8Array): Promise<number[]> {
  const { channels } = await sharp(jpeg).stats();
  return channels.map((channel) => channel.mean);
}

function sum(numbers: number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}

async function firstThree(seed: number): Promise<string[]> {
  const scene = createScene({ seed, schedule: twoPhases });
  const frames = [await scene.next(), await scene.next(), await scene.next()];
  return frames.map((frame) => Buffer.from(frame.jpeg).toString("base64"));
}

describe("render", () => {
  test.each(partNames)("draws a %s that stands out from its belt", async (part) => {
    const jpeg = await render({ part, condition: dayShift, rng: createRng(1), lensSeed: 1, sidePx: 128 });
    const { data, info } = await sharp(jpeg).greyscale().raw().toBuffer({ resolveWithObject: true });
    expect([info.width, info.height]).toEqual([128, 128]);
    // Metal is lighter than the green belt: at least 3 % of the picture, and never all of it.
    const bright = data.filter((value) => value > 120).length / data.length;
    expect(bright).toBeGreaterThan(0.015);
    expect(bright).toBeLessThan(0.6);
  });

  test("every belt draws", async () => {
    const colours = await Promise.all(
      beltNames.map(async (belt) =>
        colour(
          await render({ part: "nut", condition: { ...dayShift, belt }, rng: createRng(2), lensSeed: 1, sidePx: 64 }),
        ),
      ),
    );
    expect(new Set(colours.map(String)).size).toBe(beltNames.length);
  });

  test("the night shift is darker and yellower", async () => {
    const [day, night] = await Promise.all(
      [dayShift, nightShift].map(async (condition) =>
        colour(await render({ part: "flange", condition, rng: createRng(3), lensSeed: 1, sidePx: 128 })),
      ),
    );
    expect(sum(night!)).toBeLessThan(sum(day!) * 0.8);
    expect(night![2]! / night![0]!).toBeLessThan((day![2]! / day![0]!) * 0.7);
  });
});

describe("createScene", () => {
  test("same seed, same bytes; another seed, others", async () => {
    const first = await firstThree(7);
    expect(await firstThree(7)).toEqual(first);
    expect(await firstThree(8)).not.toEqual(first);
    expect(new Set(first).size).toBe(3);
  });

  test("a frame does not depend on those before it", async () => {
    const scene = createScene({ seed: 1, schedule: twoPhases });
    const fifth = await scene.frame(5);
    for (let i = 0; i < 5; i++) await scene.next();
    expect(await scene.next()).toEqual(fifth);
  });

  test("shows only the parts of its phase, all of them", async () => {
    const scene = createScene({ seed: 3, schedule: demoSchedule(200), sidePx: 32 });
    const seen = new Set<string>();
    for (let i = 0; i < 36; i++) seen.add((await scene.next()).label);
    expect([...seen].toSorted()).toEqual(["bolt", "gear", "nut", "washer"]);
  });

  test("a burst repeats one type", async () => {
    const scene = createScene({ seed: 3, schedule: { ...demoSchedule(400), burst: 5 }, sidePx: 32 });
    const labels = await Promise.all(Array.from({ length: 40 }, async (_, i) => (await scene.frame(i)).label));
    for (let i = 0; i < 40; i += 5) expect(new Set(labels.slice(i, i + 5)).size).toBe(1);
    expect(new Set(labels).size).toBeGreaterThan(1);
  });

  test("a phase without parts is refused", () => {
    const schedule: Schedule = { phases: [{ name: "void", frames: 1, parts: [], condition: dayShift }] };
    expect(() => createScene({ seed: 1, schedule })).toThrow(
      expect.toSatisfy((error) => isAppError(error, "scene/no-parts")),
    );
  });
});

describe("momentAt", () => {
  test("moves through the phases and stays in the last", () => {
    expect([0, 3, 4, 9, 10, 999].map((i) => momentAt(twoPhases, i).phase.name)).toEqual([
      "day",
      "day",
      "night",
      "night",
      "night",
      "night",
    ]);
  });

  test("fades from the condition before", () => {
    const light = [3, 4, 5, 6, 7, 8].map((i) => momentAt(twoPhases, i).condition.light);
    expect(light[0]).toBe(dayShift.light);
    for (let i = 1; i < 5; i++) expect(light[i]).toBeLessThan(light[i - 1]!);
    expect(light.slice(4)).toEqual([nightShift.light, nightShift.light]);
  });

  test("the demo's night comes at once", () => {
    const schedule = demoSchedule(1000);
    const conditions = Array.from({ length: 1000 }, (_, i) => momentAt(schedule, i).condition);
    const fall = conditions.findIndex((condition) => condition === nightShift);
    expect(conditions[fall - 1]).toBe(dayShift);
    expect(conditions.at(-1)!.belt).toBe("blue");
  });
});

test("a mixed condition lies between its two", () => {
  expect(mix(dayShift, nightShift, 0)).toEqual(dayShift);
  expect(mix(dayShift, nightShift, 1)).toEqual(nightShift);
  expect(mix(dayShift, { ...dayShift, belt: "blue" }, 0.6).belt).toBe("blue");
});

test("random conditions stay inside the stated ranges", () => {
  const rng = createRng(5);
  for (let i = 0; i < 500; i++) {
    const { light, temperatureK, blur, smudge, noise, litter, zoom } = randomCondition(rng);
    expect(light).toBeGreaterThanOrEqual(0.2);
    expect(light).toBeLessThanOrEqual(1.4);
    expect(temperatureK).toBeGreaterThanOrEqual(2200);
    expect(temperatureK).toBeLessThanOrEqual(9500);
    expect(blur).toBeLessThanOrEqual(3);
    expect(noise).toBeLessThanOrEqual(30);
    expect(zoom).toBeLessThanOrEqual(1.2);
    for (const share of [smudge, litter]) {
      expect(share).toBeGreaterThanOrEqual(0);
      expect(share).toBeLessThanOrEqual(1);
    }
  }
});
