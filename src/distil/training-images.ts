import { createHash } from "node:crypto";
import { openDataset } from "../dataset/dataset.ts";
import { createRng } from "../kernel/rng.ts";
import { randomCondition } from "../scene/condition.ts";
import { partNames } from "../scene/parts.ts";
import { render } from "../scene/render.ts";

/** Images to distil on, in a fixed order: photographs in a seeded one, then the product's own drawings. */
export interface TrainingImages {
  readonly photographs: number;
  readonly drawings: number;
  /** Class of each photograph: to watch the training by, never for the loss. */
  readonly labels: readonly string[];
  /** Hex, of all photographs and labels in their order. */
  readonly sha256: string;
  /** What to call the image with this index: the photograph's file. */
  name(index: number): string;
  /** The image file with this index, from 0. */
  read(index: number): Promise<Uint8Array>;
}

/**
 * @param path An ImageFolder tree, as a folder or a tar of one; it is held in memory as files.
 * @param drawings How many parts on a belt are drawn, each under a random condition.
 * @throws AppError `dataset/not-found`, `dataset/archive`, `dataset/no-images`
 */
export async function openTrainingImages(path: string, drawings: number, seed: number): Promise<TrainingImages> {
  const files: Uint8Array[] = [];
  const labels: string[] = [];
  const names: string[] = [];
  const hash = createHash("sha256");
  const dataset = await openDataset(path, { shuffleSeed: seed });
  for await (const { bytes, label, name } of dataset) {
    files.push(bytes);
    labels.push(label);
    names.push(name);
    hash.update(`${label}\0${bytes.length}\0`).update(bytes);
  }
  await dataset.close();

  async function draw(index: number): Promise<Uint8Array> {
    const rng = createRng(Math.imul(seed + 1, 0x85ebca6b) ^ index);
    const part = partNames[index % partNames.length]!;
    return await render({ part, condition: randomCondition(rng), rng, lensSeed: rng.int(2 ** 31), sidePx: 128 });
  }

  return {
    photographs: files.length,
    drawings,
    labels,
    sha256: hash.digest("hex"),
    name: (index) => names[index] ?? `drawing ${index - files.length}`,
    read: async (index) => files[index] ?? (await draw(index - files.length)),
  };
}
