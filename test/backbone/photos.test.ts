import { expect, test } from "vitest";
import { loadModel } from "../../src/backbone/model.ts";
import { photographsRight } from "../support/photos.ts";
import { needsSharedData, sharedData, sharedPath } from "../support/shared-data.ts";

test.skipIf(sharedData === undefined)(
  `ViT-Tiny classifies photographs with its own ImageNet head, ≥ 80 of 100 at top-1 (${needsSharedData})`,
  async () => {
    const model = await loadModel(sharedPath("models", "vit_tiny_patch16_224", "model.safetensors"));
    const { right, total } = await photographsRight(model);
    console.info(`ViT-Tiny: ${right} of ${total} photographs right at top-1`);
    expect(total).toBe(100);
    expect(right).toBeGreaterThanOrEqual(80);
  },
  180_000, // of a busy machine
);
