import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadModel } from "../../src/backbone/model.ts";
import { compareModels } from "../../src/distil/compare.ts";
import { distil, type DistilOptions } from "../../src/distil/distil.ts";
import { embeddedRecipe } from "../../src/distil/recipe.ts";
import { createRng } from "../../src/kernel/rng.ts";
import { tinyArchitecture, tinyModel, writeModel } from "../support/tiny-model.ts";

let root: string;
const colours = { red: [220, 40, 40], blue: [40, 40, 220], green: [40, 200, 60] } as const;

/** Noisy images of one colour a class. */
async function writeImages(folder: string, perClass: number, seed: number): Promise<void> {
  const rng = createRng(seed);
  for (const [label, colour] of Object.entries(colours)) {
    await mkdir(join(folder, label), { recursive: true });
    for (let n = 0; n < perClass; n++) {
      const pixels = Uint8Array.from({ length: 24 * 24 * 3 }, (_, i) => colour[i % 3]! + rng.int(36));
      const image = sharp(pixels, { raw: { width: 24, height: 24, channels: 3 } });
      await writeFile(join(folder, label, `${n}.png`), await image.png().toBuffer());
    }
  }
}

function options(architecture = tinyArchitecture): DistilOptions {
  const recipe = embeddedRecipe({ viewsSeen: 320, seed: 1 });
  return {
    recipe: {
      ...recipe,
      name: "tiny-student",
      architecture,
      drawings: 4,
      heldOutPerClass: 1,
      train: { ...recipe.train, keptSide: 1 },
    },
    teacherPath: join(root, "teacher"),
    imagesPath: join(root, "photographs"),
    imagesNote: "plain colours",
    workFolder: join(root, "work"),
    outFolder: join(root, "student"),
    threads: 1,
  };
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "l2p-edge-distil-"));
  await mkdir(join(root, "teacher"));
  await writeModel(join(root, "teacher"), tinyModel());
  await writeImages(join(root, "photographs"), 6, 1);
  await writeImages(join(root, "data", "train"), 5, 2);
  await writeImages(join(root, "data", "test"), 3, 3);
});
afterAll(() => rm(root, { recursive: true }));

describe("distilling", () => {
  it("makes a model folder that says what it was made from, the same for the same seed", async () => {
    const manifest = await distil(options());
    expect((await loadModel(join(root, "student"))).manifest).toEqual(manifest);
    expect(manifest.distilledFrom).toBe("tiny_random");
    expect(manifest.trainedOn).toBe(
      "15 photographs of photographs (plain colours) and 4 parts drawn by l2p-edge; 2 views of each, mirrored at random, without labels.",
    );
    const again = await distil({ ...options(), workFolder: join(root, "other work") });
    expect(again.sha256).toBe(manifest.sha256);
  });

  it("takes as many photographs of each class as the recipe says, from the same looks of the teacher", async () => {
    const { recipe, ...rest } = options();
    const looks: string[] = [];
    const manifest = await distil({
      ...rest,
      recipe: { ...recipe, photographsPerClass: 2 },
      outFolder: join(root, "of few"),
      onTeacher: (kind) => looks.push(kind),
    });
    expect(manifest.trainedOn).toMatch(/^6 photographs /);
    expect(looks).toEqual([]);
  });

  it("trains anew from another start, though it lies in the same place", async () => {
    const { recipe, ...rest } = options();
    const startPath = join(root, "start");
    const train = (seed: number): ReturnType<typeof distil> =>
      distil({ ...rest, recipe: { ...recipe, train: { ...recipe.train, seed } }, outFolder: startPath });
    const on = (): ReturnType<typeof distil> => distil({ ...rest, recipe, startPath, outFolder: join(root, "on") });
    await train(1);
    const first = await on();
    await train(2);
    expect((await on()).sha256).not.toBe(first.sha256);
  });

  it("refuses images of which none is left to train on, before the teacher looks at them", async () => {
    const { recipe, ...rest } = options();
    const looks: string[] = [];
    const onTeacher = (kind: string): number => looks.push(kind);
    const few = distil({ ...rest, recipe: { ...recipe, heldOutPerClass: 6 }, onTeacher });
    await expect(few).rejects.toMatchObject({ code: "distil/images" });
    expect(looks).toEqual([]);
  });

  it("refuses a teacher of another width", async () => {
    const wider = distil(options({ ...tinyArchitecture, width: 24 }));
    await expect(wider).rejects.toMatchObject({ code: "distil/teacher" });
  });
});

describe("comparing models", () => {
  it("tells what each one's features are worth on the same images", async () => {
    const seen: string[] = [];
    const results = await compareModels({
      models: [join(root, "teacher"), join(root, "student")],
      dataPath: join(root, "data"),
      trainPerClass: 4,
      testPerClass: 3,
      threads: 1,
      onProgress: (model, split, done, of) => seen.push(`${model} ${split} ${done}/${of}`),
    });
    expect(results.map(({ model }) => model)).toEqual(["tiny_random", "tiny-student"]);
    expect(results[0]).toMatchObject({ imageSizePx: 16, trainImages: 12, testImages: 9, nearestMean: 1 });
    expect(seen).toContain("tiny_random train 12/12");
    expect(seen.at(-1)).toBe("tiny-student test 9/9");
  });
});
