import type { BackboneInfo } from "./engine.ts";
import { appError } from "../kernel/errors.ts";
import type { Tensor } from "../kernel/tensor.ts";

/** The numbers that say which pre-norm ViT this is: square images, square patches, one CLS token. */
export interface VitArchitecture {
  /** Pixels a side. */
  readonly imageSize: number;
  /** Pixels a side; divides `imageSize`. */
  readonly patchSize: number;
  /** D; a multiple of `heads`. */
  readonly width: number;
  /** Number of blocks. */
  readonly depth: number;
  readonly heads: number;
  /** Width of the hidden layer in a block's MLP. */
  readonly mlpWidth: number;
  readonly layerNormEps: number;
}

/** What the shapes of the weights cannot tell. */
export interface ArchitectureHints {
  /** Default: width / 64, as in every standard ViT. */
  readonly heads?: number;
  /** Default: 1e-6, as in timm. */
  readonly layerNormEps?: number;
}

/** A query is not longer than that: each class's mean, and a covariance, are of its length. */
const longestQuery = 768;

/**
 * The blocks, last first, after which the mean of the patch tokens is part of a query: the last but one and up to two
 * before it, a sixth of the depth apart; none for a width of which only q(x) itself is short enough.
 */
export function queryTaps({ depth, width }: Pick<VitArchitecture, "depth" | "width">): number[] {
  const blocks = [0, 1, 2].map((step) => depth - 2 - Math.round((step * depth) / 6)).filter((block) => block >= 0);
  return [...new Set(blocks)].slice(0, Math.max(0, Math.floor(longestQuery / width) - 1));
}

/** What the rest of the product is told of a backbone. @param modelId sha256 of its weights file */
export function backboneInfo(name: string, modelId: string, architecture: VitArchitecture): BackboneInfo {
  const { width, imageSize } = architecture;
  return { name, modelId, width, queryWidth: width * (1 + queryTaps(architecture).length), imageSize };
}

/** Number of patch tokens of one image. */
export function patchCount(architecture: VitArchitecture): number {
  return (architecture.imageSize / architecture.patchSize) ** 2;
}

/**
 * Reads the architecture off timm's tensor names and shapes, then checks every tensor against it.
 * @throws AppError `model/tensor-missing`, `model/tensor-shape`, `model/architecture`
 */
export function inferArchitecture(
  weights: ReadonlyMap<string, Tensor>,
  hints: ArchitectureHints = {},
): VitArchitecture {
  const [width, , patchSize] = shapeOf(weights, "patch_embed.proj.weight", ["D", 3, "p", "p"]);
  const [, tokens] = shapeOf(weights, "pos_embed", [1, "1+P", "D"]);
  const [mlpWidth] = shapeOf(weights, "blocks.0.mlp.fc1.weight", ["M", "D"]);
  const side = Math.round(Math.sqrt(tokens! - 1));
  if (side < 1 || side * side !== tokens! - 1) {
    throw appError("model/architecture", `pos_embed has ${tokens} tokens: 1 for CLS and no square number of patches`);
  }
  let depth = 1;
  while (weights.has(`blocks.${depth}.norm1.weight`)) depth++;

  const architecture: VitArchitecture = {
    imageSize: side * patchSize!,
    patchSize: patchSize!,
    width: width!,
    depth,
    heads: hints.heads ?? width! / 64,
    mlpWidth: mlpWidth!,
    layerNormEps: hints.layerNormEps ?? 1e-6,
  };
  checkWeights(weights, architecture);
  return architecture;
}

/**
 * Every tensor that the architecture needs is there in its shape, and no other (but `head.*`).
 * @throws AppError `model/tensor-missing`, `model/tensor-shape`, `model/tensor-unknown`, `model/architecture`
 */
export function checkWeights(weights: ReadonlyMap<string, Tensor>, architecture: VitArchitecture): void {
  checkNumbers(architecture);
  const expected = expectedShapes(architecture);
  for (const [name, shape] of expected) shapeOf(weights, name, shape);
  for (const name of weights.keys()) {
    if (!expected.has(name) && !name.startsWith("head.")) {
      throw appError("model/tensor-unknown", `"${name}" is no part of a plain pre-norm ViT`);
    }
  }
  if (weights.has("head.weight")) {
    const [classes] = shapeOf(weights, "head.weight", ["C", architecture.width]);
    if (weights.has("head.bias")) shapeOf(weights, "head.bias", [classes!]);
  }
}

/** timm's name of each tensor with its shape; linear weights are [out, in]. */
export function expectedShapes(architecture: VitArchitecture): ReadonlyMap<string, readonly number[]> {
  const { width: d, mlpWidth: m, patchSize: p, depth } = architecture;
  const shapes = new Map<string, readonly number[]>([
    ["cls_token", [1, 1, d]],
    ["pos_embed", [1, 1 + patchCount(architecture), d]],
    ["patch_embed.proj.weight", [d, 3, p, p]],
    ["patch_embed.proj.bias", [d]],
    ["norm.weight", [d]],
    ["norm.bias", [d]],
  ]);
  const linear = (name: string, out: number, inputs: number): void => {
    shapes.set(`${name}.weight`, [out, inputs]);
    shapes.set(`${name}.bias`, [out]);
  };
  for (let i = 0; i < depth; i++) {
    for (const norm of ["norm1", "norm2"]) {
      shapes.set(`blocks.${i}.${norm}.weight`, [d]);
      shapes.set(`blocks.${i}.${norm}.bias`, [d]);
    }
    linear(`blocks.${i}.attn.qkv`, 3 * d, d);
    linear(`blocks.${i}.attn.proj`, d, d);
    linear(`blocks.${i}.mlp.fc1`, m, d);
    linear(`blocks.${i}.mlp.fc2`, d, m);
  }
  return shapes;
}

function checkNumbers(architecture: VitArchitecture): void {
  const { imageSize, patchSize, width, heads, depth, mlpWidth } = architecture;
  const counts = { imageSize, patchSize, width, heads, depth, mlpWidth };
  for (const [name, value] of Object.entries(counts)) {
    if (!Number.isInteger(value) || value < 1) {
      throw appError("model/architecture", `${name} is ${value}, not a whole number of at least 1`);
    }
  }
  if (width % heads !== 0) throw appError("model/architecture", `width ${width} is no multiple of ${heads} heads`);
  if (imageSize % patchSize !== 0) {
    throw appError("model/architecture", `image size ${imageSize} is no multiple of patch size ${patchSize}`);
  }
}

/** The tensor's shape when it agrees with `expected`, where equal letters must be equal numbers. */
function shapeOf(
  weights: ReadonlyMap<string, Tensor>,
  name: string,
  expected: readonly (number | string)[],
): readonly number[] {
  const found = weights.get(name)?.shape;
  if (found === undefined) throw appError("model/tensor-missing", `there is no "${name}" [${expected.join(",")}]`);
  const letters = new Map<string, number>();
  const agrees = expected.every((dim, i) => {
    if (typeof dim === "number") return found[i] === dim;
    if (!letters.has(dim)) letters.set(dim, found[i] ?? 0);
    return letters.get(dim) === found[i];
  });
  if (!agrees || found.length !== expected.length) {
    throw appError("model/tensor-shape", `"${name}" should be [${expected.join(",")}], is [${found.join(",")}]`);
  }
  return found;
}
