import { expect, test } from "vitest";
import {
  checkWeights,
  expectedShapes,
  inferArchitecture,
  patchCount,
  type VitArchitecture,
} from "../../src/backbone/architecture.ts";
import { sizeOf, type Tensor } from "../../src/kernel/tensor.ts";
import { tinyArchitecture, tinyModel } from "../support/tiny-model.ts";

/** Shapes without numbers: enough to tell an architecture. */
function shapesOnly(architecture: VitArchitecture): Map<string, Tensor> {
  const data = new Float32Array(0);
  return new Map([...expectedShapes(architecture)].map(([name, shape]) => [name, { data, shape }]));
}

const vit = (width: number, heads: number, imageSize = 224, patchSize = 16): VitArchitecture => ({
  imageSize,
  patchSize,
  width,
  depth: 12,
  heads,
  mlpWidth: 4 * width,
  layerNormEps: 1e-6,
});

test.each([
  ["ViT-Ti/16", vit(192, 3), 5_717_416 - 193_000],
  ["ViT-S/16", vit(384, 6), 22_050_664 - 385_000],
  ["ViT-B/16", vit(768, 12), 86_567_656 - 769_000],
  ["ViT-B/8", vit(768, 12, 224, 8), 86_576_872 - 769_000],
  ["ViT-S/16 at 384", vit(384, 6, 384), 22_196_584 - 385_000],
])("%s is told by its numbers, and has timm's count of them", (_, architecture, numbers) => {
  const weights = shapesOnly(architecture);
  expect(inferArchitecture(weights)).toEqual(architecture);
  // timm's published parameter counts, less the 1000-way head.
  expect([...weights.values()].reduce((sum, { shape }) => sum + sizeOf(shape), 0)).toBe(numbers);
});

test("what shapes cannot tell is taken from hints", () => {
  const { weights } = tinyModel();
  expect(inferArchitecture(weights, { heads: 3 })).toEqual(tinyArchitecture);
  expect(inferArchitecture(weights, { heads: 2, layerNormEps: 1e-5 })).toMatchObject({ heads: 2, layerNormEps: 1e-5 });
  expect(patchCount(tinyArchitecture)).toBe(4);
});

test.each([
  ["patch_embed.proj.weight", [12, 3, 8, 4], "not square"],
  ["patch_embed.proj.weight", [12, 1, 8, 8], "of one channel"],
  ["patch_embed.proj.weight", [12], "of one axis"],
  ["pos_embed", [1, 5, 13], "of another width"],
  ["cls_token", [1, 2, 12], "of two tokens"],
  ["blocks.1.attn.qkv.weight", [12, 36], "transposed"],
  ["blocks.1.mlp.fc2.bias", [13], "too long"],
  ["norm.weight", [12, 1], "of one axis too many"],
])("%s %j (%s) is refused by name, with both shapes", (name, shape) => {
  const weights = new Map(tinyModel().weights).set(name, { data: new Float32Array(0), shape });
  expect(() => inferArchitecture(weights, { heads: 3 })).toThrow(
    expect.objectContaining({ code: "model/tensor-shape", message: expect.stringContaining(`"${name}" should be [`) }),
  );
  expect(() => inferArchitecture(weights, { heads: 3 })).toThrow(`is [${shape.join(",")}]`);
});

test.each(["patch_embed.proj.weight", "pos_embed", "cls_token", "blocks.0.mlp.fc1.weight", "blocks.1.norm2.bias"])(
  "without %s it is refused by name",
  (name) => {
    const weights = new Map(tinyModel().weights);
    weights.delete(name);
    expect(() => inferArchitecture(weights, { heads: 3 })).toThrow(
      expect.objectContaining({ code: "model/tensor-missing", message: expect.stringContaining(name) }),
    );
  },
);

test.each(["blocks.0.ls1.gamma", "dist_token", "reg_token", "blocks.2.attn.qkv.weight"])(
  "a part that is not computed, %s, is refused by name",
  (name) => {
    const weights = new Map(tinyModel().weights).set(name, { data: new Float32Array(1), shape: [1] });
    expect(() => inferArchitecture(weights, { heads: 3 })).toThrow(
      expect.objectContaining({ code: "model/tensor-unknown", message: expect.stringContaining(name) }),
    );
  },
);

test("positions that fill no square, and heads that do not divide the width, are refused", () => {
  const weights = new Map(tinyModel().weights).set("pos_embed", { data: new Float32Array(0), shape: [1, 7, 12] });
  expect(() => inferArchitecture(weights)).toThrow(expect.objectContaining({ code: "model/architecture" }));
  for (const heads of [5, 0, 1.5]) {
    expect(() => inferArchitecture(tinyModel().weights, { heads })).toThrow(
      expect.objectContaining({ code: "model/architecture" }),
    );
  }
  // Width 12 has no heads of 64.
  expect(() => inferArchitecture(tinyModel().weights)).toThrow(expect.objectContaining({ code: "model/architecture" }));
});

test("a classifier may be there, and must fit when it is", () => {
  const weights = shapesOnly(tinyArchitecture).set("head.weight", { data: new Float32Array(0), shape: [7, 12] });
  expect(() => checkWeights(weights, tinyArchitecture)).not.toThrow();
  weights.set("head.weight", { data: new Float32Array(0), shape: [7, 11] });
  expect(() => checkWeights(weights, tinyArchitecture)).toThrow(
    expect.objectContaining({ code: "model/tensor-shape" }),
  );
});
