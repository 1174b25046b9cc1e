import { mkdir, mkdtemp, readdir, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type TeacherCacheOptions, type ViewSet, viewSet } from "../../src/distil/teacher-cache.ts";
import { openTrainingImages } from "../../src/distil/training-images.ts";
import type { Teacher } from "../../src/distil/teacher.ts";
import { type LinearEngine, linearEngine } from "../support/linear-engine.ts";

let root: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "l2p-edge-teacher-"));
  for (const [folder, green] of [
    ["images", 20],
    ["other images", 21],
  ] as const) {
    for (const [n, label] of ["a", "b", "a", "b", "a"].entries()) {
      await mkdir(join(root, folder, label), { recursive: true });
      const background = { r: 50 * n, g: green, b: 255 - 50 * n };
      const image = sharp({ create: { width: 10, height: 8, channels: 3, background } });
      await writeFile(join(root, folder, label, `${n}.png`), await image.png().toBuffer());
    }
  }
});
afterAll(() => rm(root, { recursive: true }));

interface TestTeacher extends Teacher {
  readonly engine: LinearEngine;
}

/** Its tokens are its feature, twice. */
function testTeacher(): TestTeacher {
  const engine = linearEngine({ head: { kind: "linear" } });
  const { width } = engine.info;
  return {
    engine,
    info: engine.info,
    identity: "a linear one",
    tokenNumbers: 2 * width,
    look: async (pixels, count) => {
      const features = (await engine.query({ pixels, count })).data;
      const tokens = Float32Array.from({ length: 2 * features.length }, (_, i) => {
        return features[Math.floor(i / (2 * width)) * width + (i % width)]!;
      });
      return { features, tokens };
    },
    close: () => engine.close(),
  };
}

async function options(folder: string, drawings = 20): Promise<TeacherCacheOptions & { teacher: TestTeacher }> {
  return {
    folder: join(root, folder),
    images: await openTrainingImages(join(root, "images"), drawings, 1),
    teacher: testTeacher(),
    studentSizePx: 6,
    seed: 1,
  };
}

/** A set with all of its tokens read. */
function told({ tokens, ...set }: ViewSet): object {
  const all = Array.from({ length: set.count }, (_, index) => tokens.read(index));
  tokens.close();
  return { ...set, tokens: all };
}

describe("the teacher's cache", () => {
  it("has each image's pixels at the student's size and the teacher's q(x) of the same view", async () => {
    const { count, pixels, features, tokens } = await viewSet("plain", await options("plain"));
    expect(count).toBe(25);
    expect(pixels.length).toBe(25 * 6 * 6 * 3);
    expect(features.length).toBe(25 * 24);
    expect(features.every(Number.isFinite)).toBe(true);
    for (const index of [0, 13, 24]) {
      const [feature, seen] = [features.subarray(index * 24, (index + 1) * 24), tokens.read(index)];
      expect(seen).toHaveLength(48);
      expect(Math.max(...seen.map((token, i) => Math.abs(token - feature[i % 24]!)))).toBeLessThan(2e-3); // fp16
    }
    expect(() => tokens.read(25)).toThrow(RangeError);
    tokens.close();
    // The photographs are five plain colours: each pixel of an image is the same.
    for (let n = 0; n < 5; n++) {
      const reds = pixels.subarray(n * 108, (n + 1) * 108).filter((_, i) => i % 3 === 0);
      expect(new Set(reds).size).toBe(1);
    }
  });

  it("is not computed twice", async () => {
    const first = await options("twice");
    const set = await viewSet("varied", first);
    const second = await options("twice");
    expect(told(await viewSet("varied", second))).toEqual(told(set));
    expect([first.teacher.engine.calls.query, second.teacher.engine.calls.query]).toEqual([2, 0]);
  });

  it("goes on where it was stopped", async () => {
    const stopped = await options("stopped");
    const onProgress = (): void => stopped.teacher.engine.failNext(new Error("power cut"));
    await expect(viewSet("plain", { ...stopped, onProgress })).rejects.toThrow("power cut");
    const resumed = await options("stopped");
    expect(told(await viewSet("plain", resumed))).toEqual(told(await viewSet("plain", await options("whole"))));
    expect(resumed.teacher.engine.calls.query).toBe(1);
  });

  it("is computed by one at a time: two would write into the same files", async () => {
    const [first, second] = await Promise.all([options("shared"), options("shared")]);
    const set = viewSet("plain", {
      ...first,
      teacher: {
        ...first.teacher,
        look: async (...shown) => {
          // While this one computes.
          await expect(viewSet("plain", second)).rejects.toMatchObject({ code: "state/locked" });
          return first.teacher.look(...shown);
        },
      },
    });
    expect(told(await set)).toEqual(told(await viewSet("plain", await options("alone"))));
    expect(told(await viewSet("plain", second))).toEqual(told(await viewSet("plain", first)));
  });

  it("of other images, or of a teacher that answers otherwise, is another", async () => {
    const one = await options("others", 1);
    await viewSet("plain", one);
    await viewSet("plain", await options("others", 2));
    await viewSet("plain", { ...one, teacher: { ...one.teacher, identity: "the same, normalised otherwise" } });
    // As many of each class, but other pixels.
    await viewSet("plain", { ...one, images: await openTrainingImages(join(root, "other images"), 1, 1) });
    expect(await readdir(join(root, "others"))).toHaveLength(4);
  });

  it.each(["pixels", "tokens", "features"])("computes again what is missing of the %s", async (what) => {
    const cut = await options(`cut ${what}`);
    const whole = told(await viewSet("plain", cut));
    const [folder] = await readdir(cut.folder);
    await truncate(join(cut.folder, folder!, `plain.${what}`), 100);
    expect(told(await viewSet("plain", cut))).toEqual(whole);
  });

  it.each(["plain", "varied"] as const)("names the photograph that the %s views cannot show", async (kind) => {
    const { images, ...rest } = await options(`damaged ${kind}`);
    const read = async (index: number): Promise<Uint8Array> =>
      index === 20 ? Buffer.from("no image") : await images.read(index);
    const named = { ...images, read, name: (index: number) => `the ${index}th` };
    await expect(viewSet(kind, { ...rest, images: named })).rejects.toMatchObject({
      code: expect.stringMatching(/^image\/(format|damaged)$/),
      message: expect.stringMatching(/^the 20th: /),
    });
  });
});

describe("the training images", () => {
  it("are photographs in a seeded order, then drawings", async () => {
    const images = await openTrainingImages(join(root, "images"), 3, 1);
    expect([images.photographs, images.drawings]).toEqual([5, 3]);
    expect(images.labels.toSorted()).toEqual(["a", "a", "a", "b", "b"]);
    expect((await sharp(await images.read(4)).metadata()).format).toBe("png");
    const drawing = await images.read(5);
    expect((await sharp(drawing).metadata()).format).toBe("jpeg");
    expect(await images.read(5)).toEqual(drawing);
    expect(await images.read(6)).not.toEqual(drawing);
  });
});
