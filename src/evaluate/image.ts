import { createHash } from "node:crypto";
import type { DatasetEntry } from "../dataset/dataset.ts";

/** An image of a scenario, not yet read or drawn. */
export interface ScenarioImage {
  readonly label: string;
  /** Equal for equal pixels and different for different ones, hex: what its features are kept under. */
  identity(): Promise<string>;
  /** JPEG, PNG or WebP bytes; the same each time. */
  read(): Promise<Uint8Array>;
}

/** A change of an image file: same id, same change. */
export interface Change {
  readonly id: string;
  readonly apply: (file: Uint8Array, seed: number) => Promise<Uint8Array>;
}

/** An image of a data set, known by its content: a file that is changed or moved has the features of what it shows. */
export function fileImage(entry: DatasetEntry): ScenarioImage {
  return {
    label: entry.label,
    identity: async () => sha256(await entry.read()),
    read: () => entry.read(),
  };
}

/** The image after a change, whose seed comes from the image. */
export function changedImage(image: ScenarioImage, { id, apply }: Change): ScenarioImage {
  return {
    label: image.label,
    identity: async () => sha256(`${await image.identity()} ${id}`),
    read: async () => {
      const file = await image.read();
      return apply(file, Number.parseInt(sha256(file).slice(0, 8), 16));
    },
  };
}

export function sha256(content: Uint8Array | string): string {
  return createHash("sha256").update(content).digest("hex");
}
