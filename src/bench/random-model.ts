import { createHash } from "node:crypto";
import { backboneInfo, expectedShapes, type VitArchitecture } from "../backbone/architecture.ts";
import type { Model } from "../backbone/model.ts";
import { createRng } from "../kernel/rng.ts";
import { sizeOf, type Tensor } from "../kernel/tensor.ts";

/** The numbers of ViT-Tiny/16 at 224×224. */
export const vitTiny: VitArchitecture = {
  imageSize: 224,
  patchSize: 16,
  width: 192,
  depth: 12,
  heads: 3,
  mlpWidth: 768,
  layerNormEps: 1e-6,
};

/** A ViT of seeded random weights: as fast as a trained one, and as good as nothing. */
export function randomModel(name: string, architecture: VitArchitecture, seed: number): Model {
  const rng = createRng(seed);
  const weights = new Map<string, Tensor>();
  for (const [key, shape] of expectedShapes(architecture)) {
    const isGain = key.includes("norm") && key.endsWith(".weight");
    const spread = 1 / Math.sqrt(shape.at(-1)!);
    const data = Float32Array.from({ length: sizeOf(shape) }, () => (isGain ? 1 : spread * (2 * rng.uniform() - 1)));
    weights.set(key, { data, shape });
  }
  const sha256 = createHash("sha256")
    .update(`${JSON.stringify(architecture)} ${seed}`)
    .digest("hex");
  const half: [number, number, number] = [0.5, 0.5, 0.5];
  return {
    manifest: {
      v: 1,
      name,
      architecture,
      sha256,
      mean: half,
      std: half,
      resize: "cover",
      kernel: "cubic",
      licence: "MIT",
      source: "random numbers",
    },
    architecture,
    info: backboneInfo(name, sha256, architecture),
    weights,
    precision: "fp32",
    weightsPath: "",
  };
}
