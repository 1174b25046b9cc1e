import { describe, expect, it } from "vitest";
import { checkWeights } from "../../src/backbone/architecture.ts";
import { createOnnxEngine } from "../../src/backbone/onnx-engine.ts";
import { randomParameters } from "../../src/distil/initialise.ts";
import { fromWeights, layoutOf, toWeights } from "../../src/distil/parameters.ts";
import { createTrainingSession } from "../../src/distil/training-session.ts";
import { createRng } from "../../src/kernel/rng.ts";
import { row } from "../../src/kernel/tensor.ts";
import { tinyArchitecture, tinyModel } from "../support/tiny-model.ts";

const layout = layoutOf(tinyArchitecture);

describe("the flat parameters", () => {
  it("lie one after another and are all of the ViT's", () => {
    let end = 0;
    for (const { offset, size } of layout.parameters) {
      expect(offset).toBe(end);
      end += size;
    }
    expect(end).toBe(layout.size);
    const weights = toWeights(layout, randomParameters(layout, 1));
    checkWeights(weights, tinyArchitecture);
    expect([...weights.values()].reduce((sum, { data }) => sum + data.length, 0)).toBe(layout.size);
  });

  it("join queries with keys and values as timm has them", () => {
    const flat = Float32Array.from({ length: layout.size }, (_, i) => i);
    const { data } = toWeights(layout, flat).get("blocks.1.attn.qkv.weight")!;
    const [q, kv] = ["[0:12]", "[12:36]"].map((rows) =>
      layout.parameters.find(({ name }) => name === `blocks.1.attn.qkv.weight${rows}`)!,
    );
    expect(data[0]).toBe(q!.offset);
    expect(data[12 * 12]).toBe(kv!.offset);
    expect(data.at(-1)).toBe(kv!.offset + kv!.size - 1);
  });

  it("come back from timm's weights as they were", () => {
    const flat = Float32Array.from({ length: layout.size }, (_, i) => i);
    expect(fromWeights(layout, toWeights(layout, flat))).toEqual(flat);
  });

  it("are random, cut at two deviations, the same for the same seed", () => {
    const flat = randomParameters(layout, 3);
    expect(flat).toEqual(randomParameters(layout, 3));
    expect(flat).not.toEqual(randomParameters(layout, 4));
    const of = (name: string): Float32Array => {
      const { offset, size } = layout.parameters.find((parameter) => parameter.name === name)!;
      return flat.subarray(offset, offset + size);
    };
    const fc1 = of("blocks.0.mlp.fc1.weight");
    expect(Math.max(...fc1.map(Math.abs))).toBeLessThanOrEqual(2 / Math.sqrt(12) + 1e-6);
    expect(Math.hypot(...fc1) / Math.sqrt(fc1.length)).toBeCloseTo(0.88 / Math.sqrt(12), 1);
    expect(new Set(of("blocks.1.norm2.weight"))).toEqual(new Set([1]));
    expect(new Set(of("blocks.0.attn.qkv.bias[12:36]"))).toEqual(new Set([0]));
  });

  it("mean the same ViT in the training graph as in the engine", async () => {
    const model = tinyModel();
    const flat = randomParameters(layout, 1);
    const { mean, std } = model.manifest;
    const whitening = new Float32Array(12 * 12);
    const loss = { squared: 1, cosine: 0, whitened: 0, tokens: 0 };
    const session = createTrainingSession({
      layout,
      normalisation: { mean, std },
      loss,
      whitening,
      threads: 1,
    });
    const engine = await createOnnxEngine({
      model: { ...model, weights: toWeights(layout, flat) },
      head: { kind: "linear" },
      threads: 1,
    });
    const rng = createRng(2);
    const pixels = Uint8Array.from({ length: 2 * 16 * 16 * 3 }, () => rng.int(256));
    const ours = await session.features(flat, pixels, 2);
    const theirs = await engine.query({ pixels, count: 2 });
    const { width } = model.info;
    const theirQuery = (i: number): number => row(theirs, Math.floor(i / width))[i % width]!;
    expect(Math.max(...ours.map((x, i) => Math.abs(x - theirQuery(i))))).toBeLessThan(1e-5);
    await session.close();
    await engine.close();
  });
});
