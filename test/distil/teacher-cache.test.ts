import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type TeacherCacheOptions, viewSet } from "../../src/distil/teacher-cache.ts";
import { openTrainingImages } from "../../src/distil/training-images.ts";
import { type LinearEngine, linearEngine } from "../support/linear-engine.ts";

let root: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "l2p-edge-teacher-"));
  for (const [n, label] of ["a", "b", "a", "b", "a"].entries()) {
    await mkdir(join(root, "images", label), { recursive: true });
    const background = { r: 50 * n, g: 20, b: 255 - 50 * n };
    const image = sharp({ create: { width: 10, height: 8, channels: 3, background } });
    await writeFile(join(root, "images", label, `${n}.png`), await image.png().toBuffer());
  }
});
afterAll(() => rm(root, { recursive: true }));

async function options(folder: string, drawings = 20): Promise<TeacherCacheOptions & { teacher: LinearEngine }> {
  return {
    folder: join(root, folder),
    images: await openTrainingImages(join(root, "images"), drawings, 1),
    teacher: linearEngine({ head: { kind: "linear" } }),
    studentSizePx: 6,
    seed: 1,
  };
}

describe("the teacher's cache", () => {
  it("has each image's pixels at the student's size and the teacher's q(x) of the same view", async () => {
    const { count, pixels, features } = await viewSet("plain", await options("plain"));
    expect(count).toBe(25);
    expect(pixels.length).toBe(25 * 6 * 6 * 3);
    expect(features.length).toBe(25 * 24);
    expect(features.every(Number.isFinite)).toBe(true);
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
    expect(await viewSet("varied", second)).toEqual(set);
    expect([first.teacher.calls.query, second.teacher.calls.query]).toEqual([2, 0]);
  });

  it("goes on where it was stopped", async () => {
    const stopped = await options("stopped");
    const onProgress = (): void => stopped.teacher.failNext(new Error("power cut"));
    await expect(viewSet("plain", { ...stopped, onProgress })).rejects.toThrow("power cut");
    const resumed = await options("stopped");
    expect(await viewSet("plain", resumed)).toEqual(await viewSet("plain", await options("whole")));
    expect(resumed.teacher.calls.query).toBe(1);
  });

  it("of other images is another", async () => {
    await viewSet("plain", await options("others", 1));
    await viewSet("plain", await options("others", 2));
    expect(await readdir(join(root, "others"))).toHaveLength(2);
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
