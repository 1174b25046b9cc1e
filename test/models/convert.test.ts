import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromFloat32, toFloat32, type StoredTensor } from "../../src/kernel/dtype.ts";
import { AppError } from "../../src/kernel/errors.ts";
import { decodeSafetensors, encodeSafetensors } from "../../src/kernel/safetensors.ts";
import type { Tensor } from "../../src/kernel/tensor.ts";
import { convertWeights } from "../../src/models/convert.ts";
import { resamplePositions } from "../../src/models/positions.ts";
import { transformers5Names, transformersNames, wrappedNames } from "../support/foreign-names.ts";
import { noiseTensor, tinyModel } from "../support/tiny-model.ts";

const hints = { heads: 3 };
const { weights, architecture } = tinyModel();
const plain = stored([...weights]);
const headed = stored([...weights, ["head.weight", noiseTensor([7, 12], 3)], ["head.bias", noiseTensor([7], 4)]]);

function stored(tensors: readonly (readonly [string, Tensor])[]): Map<string, StoredTensor> {
  return new Map(tensors.map(([name, value]) => [name, fromFloat32(value, "F32")]));
}

function numbers(file: Uint8Array): Map<string, Tensor> {
  return new Map([...decodeSafetensors(file).tensors].map(([name, value]) => [name, toFloat32(value)]));
}

function changed(changes: Readonly<Record<string, Partial<StoredTensor> | undefined>>): Uint8Array {
  const tensors = transformersNames(headed, "vit.");
  for (const [name, change] of Object.entries(changes)) {
    if (change === undefined) tensors.delete(name);
    else
      tensors.set(name, {
        ...(tensors.get(name) ?? { dtype: "F32", shape: [1], bytes: new Uint8Array(4) }),
        ...change,
      });
  }
  return encodeSafetensors(tensors);
}

describe("weights in timm's names", () => {
  it("stay byte for byte what they are, so that their hash stays theirs", () => {
    const file = encodeSafetensors(headed, new Map([["format", "pt"]]));
    const converted = convertWeights(file, hints);
    expect(converted.file).toBe(file);
    expect(converted).toMatchObject({ architecture, changes: [] });
  });

  it("keep fp16 and bf16", () => {
    const half = new Map([...weights].map(([name, value]) => [name, fromFloat32(value, "F16")]));
    const { file } = convertWeights(encodeSafetensors(wrappedNames(half, "model.")), hints);
    expect(new Set([...decodeSafetensors(file).tensors.values()].map(({ dtype }) => dtype))).toEqual(new Set(["F16"]));
  });
});

describe("weights in other names", () => {
  it.each([
    ["ViTModel", transformersNames(headed)],
    ["ViTForImageClassification", transformersNames(headed, "vit.")],
    ["DeiT without distillation", transformersNames(headed, "deit.")],
    ["a wrapped ViTModel", transformersNames(headed, "module.model.vit.")],
    ["transformers 5", transformers5Names(headed, "vit.")],
    ["timm's, q, k, v apart", wrappedNames(headed, "")],
    ["a training wrapper's", wrappedNames(headed, "module.")],
    ["a detector's", wrappedNames(headed, "model.backbone.")],
  ])("of %s are the same numbers", (_, tensors) => {
    const converted = convertWeights(encodeSafetensors(tensors), hints);
    expect(numbers(converted.file)).toEqual(numbers(encodeSafetensors(headed)));
    expect(converted.changes.includes("names are timm's now")).toBe(!tensors.has("cls_token"));
    expect(converted.changes).toContain("q, k and v joined");
    // The same weights are the same model, whichever names they came with.
    const again = convertWeights(encodeSafetensors(transformersNames(headed, "deit.")), hints);
    expect(converted.file).toEqual(again.file);
  });

  it("may have a head or none", () => {
    const { file } = convertWeights(encodeSafetensors(transformersNames(plain)), hints);
    expect(numbers(file)).toEqual(numbers(encodeSafetensors(plain)));
  });

  it("lose what the CLS feature does not need, and say so", () => {
    const more = { bytes: new Uint8Array(48), shape: [12] };
    const { file, changes } = convertWeights(
      changed({ "vit.pooler.dense.bias": more, "vit.embeddings.mask_token": more }),
      hints,
    );
    expect(numbers(file)).toEqual(numbers(encodeSafetensors(headed)));
    expect(changes).toContain("left out vit.embeddings.mask_token, vit.pooler.dense.bias");
  });

  it("lose a head that needs a layer which is not computed here", () => {
    const tensors = new Map(headed).set("pre_logits.fc.bias", { dtype: "F32", shape: [12], bytes: new Uint8Array(48) });
    expect(numbers(convertWeights(encodeSafetensors(tensors), hints).file)).toEqual(numbers(encodeSafetensors(plain)));
  });
});

describe("another image size", () => {
  it("resamples the position embeddings and nothing else", () => {
    const {
      file,
      architecture: found,
      changes,
    } = convertWeights(encodeSafetensors(headed), { ...hints, imageSize: 40 });
    expect(found).toEqual({ ...architecture, imageSize: 40 });
    expect(changes).toEqual(["position embeddings 2×2 → 5×5 (bicubic, antialiased)"]);
    const expected = new Map([...headed].map(([name, value]) => [name, toFloat32(value)]));
    expected.set("pos_embed", resamplePositions(weights.get("pos_embed")!, 5));
    expect(numbers(file)).toEqual(expected);
  });

  it.each([0, -16, 20, 15.5, 8 * 1000, NaN])("of %d pixels is refused", (imageSize) => {
    expect(() => convertWeights(encodeSafetensors(headed), { ...hints, imageSize })).toThrow(
      expect.objectContaining({ code: "model/image-size" }),
    );
  });
});

describe("what does not fit is refused, naming the file's own tensor:", () => {
  const query = "vit.encoder.layer.1.attention.attention.query.weight";
  const fc1 = "vit.encoder.layer.0.intermediate.dense.weight";
  it.each([
    [
      "a missing key projection",
      { "vit.encoder.layer.0.attention.attention.key.bias": undefined },
      "model/tensor-missing",
      "layer.0.attention.attention.query.bias",
    ],
    ["a missing norm", { "vit.layernorm.weight": undefined }, "model/tensor-missing", '"norm.weight" [12]'],
    [
      "a query of another width",
      { [query]: { shape: [8, 12], bytes: new Uint8Array(384) } },
      "model/tensor-shape",
      "layer.1.attention.attention.key.weight",
    ],
    [
      "a hidden layer of another width",
      { [fc1]: { shape: [20, 11], bytes: new Uint8Array(880) } },
      "model/tensor-shape",
      fc1,
    ],
    ["a flat weight", { [query]: { shape: [144] } }, "model/tensor-shape", query.replace("1", "1")],
    ["integers", { [fc1]: { dtype: "I32" } }, "safetensors/dtype", fc1],
    ["quantised weights", { [fc1]: { dtype: "I8", bytes: new Uint8Array(240) } }, "safetensors/dtype", fc1],
    ["one more tensor", { "vit.surplus": {} }, "model/tensor-unknown", "vit.surplus"],
    [
      "positions of no square",
      { "vit.embeddings.position_embeddings": { shape: [1, 4, 12], bytes: new Uint8Array(192) } },
      "model/architecture",
      "4 tokens",
    ],
    [
      "two networks",
      { "model.vit.layernorm.weight": { shape: [12], bytes: new Uint8Array(48) } },
      "model/tensor-twice",
      "model.vit.layernorm.weight",
    ],
  ] as const)("%s", (_, changes, code, says) => {
    expect(() => convertWeights(changed(changes as Parameters<typeof changed>[0]), hints)).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(says) }),
    );
  });

  it.each([
    ["deit.embeddings.distillation_token", "distilled DeiT"],
    ["dist_token", "distilled DeiT"],
    ["head_dist.weight", "distilled DeiT"],
    ["distillation_classifier.weight", "distilled DeiT"],
    ["reg_token", "registers"],
    ["embeddings.register_tokens", "registers"],
    ["blocks.0.ls1.gamma", "layer scale"],
    ["encoder.layer.0.layer_scale1.lambda1", "layer scale"],
    ["norm_pre.weight", "CLIP"],
    ["vision_model.pre_layrnorm.weight", "CLIP"],
    ["visual.ln_pre.weight", "CLIP"],
    ["vision_model.embeddings.class_embedding", "CLIP"],
    ["blocks.0.attn.q_norm.weight", "queries and keys"],
    ["encoder.layer.0.attention.attention.relative_position_bias.relative_position_bias_table", "relative positions"],
    ["fc_norm.weight", "mean of the patch tokens"],
    ["attn_pool.q.weight", "SigLIP"],
    ["blocks.0.mlp.w12.weight", "SwiGLU"],
  ])("%s, by what it is part of (%s)", (name, what) => {
    expect(() => convertWeights(changed({ [name]: {} }), hints)).toThrow(
      expect.objectContaining({ code: "model/unsupported", message: expect.stringContaining(what) }),
    );
  });
});

describe("hostile bytes", () => {
  const file = encodeSafetensors(transformersNames(headed, "vit."));
  /** Undefined for a model, else what came of it. */
  const outcome = (bytes: Uint8Array): unknown => {
    try {
      convertWeights(bytes, hints);
      return undefined;
    } catch (error) {
      return error;
    }
  };
  const isCoded = (error: unknown): boolean => error === undefined || error instanceof AppError;

  it("cut anywhere are a coded error", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: file.length - 1 }), (length) => {
        expect(outcome(file.subarray(0, length))).toBeInstanceOf(AppError);
      }),
    );
  });

  it("with any bytes of the header changed are a model or a coded error", () => {
    const header = 8 + Number(new DataView(file.buffer).getBigUint64(0, true));
    const change = fc.tuple(fc.integer({ min: 0, max: header - 1 }), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        const damaged = file.slice();
        for (const [position, byte] of changes) damaged[position] = byte;
        expect(outcome(damaged)).toSatisfy(isCoded);
      }),
      { numRuns: 500 },
    );
  });

  it("with any names and shapes are a model or a coded error", () => {
    const names = fc.constantFrom(
      ...headed.keys(),
      ...transformersNames(headed).keys(),
      "__proto__",
      "constructor",
      "",
    );
    const shape = fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 4 });
    fc.assert(
      fc.property(fc.array(fc.tuple(names, shape), { maxLength: 40 }), (entries) => {
        const tensors = new Map(
          entries.map(([name, dims]) => {
            const size = dims.reduce((product, dim) => product * dim, 1);
            return [name, { dtype: "F16", shape: dims, bytes: new Uint8Array(2 * size) } satisfies StoredTensor];
          }),
        );
        expect(outcome(encodeSafetensors(tensors))).toSatisfy(isCoded);
      }),
    );
  });
});
