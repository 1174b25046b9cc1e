import { describe, expect, test } from "vitest";
import { expectedShapes } from "../../src/backbone/architecture.ts";
import { forwardGraph } from "../../src/backbone/l2p-graph.ts";
import { createOnnxEngine } from "../../src/backbone/onnx-engine.ts";
import { type Normalisation, vit, type WeightSource } from "../../src/backbone/vit.ts";
import { sizeOf, type Tensor } from "../../src/kernel/tensor.ts";
import type { Graph, Value } from "../../src/onnx/graph.ts";
import { reshape, slice } from "../../src/onnx/ops/shape.ts";
import { evaluate, expectGradients, type Input } from "../support/graph-check.ts";
import { noiseImages, noiseTensor, tinyModel } from "../support/tiny-model.ts";

describe("a ViT whose weights are inputs (what distillation and the baselines train)", () => {
  const model = tinyModel({ width: 6, heads: 2, mlpWidth: 8 });
  const images = noiseImages(model, 2);
  // Pixels are given as numbers here: central differences run on float inputs only.
  const pixels: Input = {
    value: { data: Float32Array.from(images.pixels), shape: [2, 16, 16, 3] },
    dims: ["B", 16, 16, 3],
    frozen: true,
  };
  const weights = Object.fromEntries(
    [...model.weights].map(([name, value]): [string, Input] => [name, { value, dims: value.shape }]),
  );

  test.each([
    { what: "the query's CLS token", tokens: 0 },
    { what: "the mean of 3 prompt tokens", tokens: 3 },
  ])("$what: the gradient of every weight agrees with central differences", async ({ tokens }) => {
    const prompts: Input = { value: noiseTensor([2, tokens, 6], 3), dims: ["B", "T", 6], frozen: tokens === 0 };
    const inputs = { ...weights, pixels, prompts };
    const build = (g: Graph, values: Readonly<Record<string, Value>>): Value =>
      vit(
        g,
        model.architecture,
        model.manifest,
        weightsOf(g, values),
        asBytes(g, values["pixels"]!),
        values["prompts"]!,
      );
    expect((await evaluate(inputs, build)).shape).toEqual([2, 6]);
    await expectGradients(inputs, build, { tolerance: 1e-2 });
  });

  test("the standard's dialect has the same weight gradients", async () => {
    const prompts: Input = { value: noiseTensor([2, 2, 6], 3), dims: ["B", "T", 6] };
    const some = ["pos_embed", "cls_token", "blocks.1.attn.qkv.bias", "blocks.0.norm1.weight"];
    const frozen = Object.entries(weights).map(([name, input]): [string, Input] => [
      name,
      { ...input, frozen: !some.includes(name) },
    ]);
    const build = (g: Graph, values: Readonly<Record<string, Value>>): Value =>
      vit(
        g,
        model.architecture,
        model.manifest,
        weightsOf(g, values),
        asBytes(g, values["pixels"]!),
        values["prompts"]!,
      );
    await expectGradients({ ...Object.fromEntries(frozen), pixels, prompts }, build, {
      tolerance: 1e-2,
      dialect: "onnx",
    });
  });

  test("normalisation is (pixel/255 − mean)/std, a channel each", async () => {
    const grey = {
      ...pixels,
      value: { ...pixels.value, data: pixels.value.data.map((_, i) => [51, 102, 204][i % 3]!) },
    };
    const prompts: Input = { value: noiseTensor([2, 1, 6], 3), dims: ["B", "T", 6] };
    const run = async (normalisation: Normalisation, x: Input): Promise<Tensor> =>
      await evaluate({ ...weights, pixels: x, prompts }, (g, values: Readonly<Record<string, Value>>) =>
        vit(
          g,
          model.architecture,
          normalisation,
          weightsOf(g, values),
          asBytes(g, values["pixels"]!),
          values["prompts"]!,
        ),
      );
    // (0.2 − 0.1)/0.5, (0.4 − 0.2)/1, (0.8 − 0.4)/2 are all 0.2 = 51/255.
    const a = await run({ mean: [0.1, 0.2, 0.4], std: [0.5, 1, 2] }, grey);
    const b = await run(
      { mean: [0, 0, 0], std: [1, 1, 1] },
      { ...pixels, value: { ...pixels.value, data: pixels.value.data.map(() => 51) } },
    );
    a.data.forEach((value, i) => expect(value).toBeCloseTo(b.data[i]!, 5));
  });
});

describe("other sizes from the same code, by numbers alone (random weights)", () => {
  test.each([
    { name: "ViT-S/16", numbers: { width: 384, heads: 6, mlpWidth: 1536, depth: 12 }, million: 21.6 },
    { name: "ViT-B/16, at depth 2 of 12", numbers: { width: 768, heads: 12, mlpWidth: 3072, depth: 2 }, million: 14.9 },
  ])("$name runs", async ({ numbers, million }) => {
    const model = tinyModel({ imageSize: 224, patchSize: 16, ...numbers });
    const count = [...expectedShapes(model.architecture).values()].reduce((sum, shape) => sum + sizeOf(shape), 0);
    expect(count / 1e6).toBeCloseTo(million, 0);
    const engine = await createOnnxEngine({ model, head: { kind: "linear" }, provider: "cpu" });
    const query = await engine.query(noiseImages(model, 1));
    expect(query.shape).toEqual([1, model.info.queryWidth]);
    expect(query.data.every(Number.isFinite)).toBe(true);
    expect(
      (await engine.prompted(noiseImages(model, 1), noiseTensor([1, 5, numbers.width], 3))).data.every(Number.isFinite),
    ).toBe(true);
    await engine.close();
  });

  test("ViT-B/16 has 85.8 million numbers, and its graph builds with all 12 blocks", () => {
    const numbers = { imageSize: 224, patchSize: 16, width: 768, heads: 12, mlpWidth: 3072, depth: 12 };
    const { architecture } = tinyModel({ ...numbers, depth: 1 });
    const whole = { ...architecture, ...numbers };
    const count = [...expectedShapes(whole).values()].reduce((sum, shape) => sum + sizeOf(shape), 0);
    expect(count / 1e6).toBeCloseTo(85.8, 1);
    // Building needs the shapes alone: no 343 MB of numbers are made for it.
    const model = tinyModel();
    const weights = new Map(
      [...expectedShapes(whole)].map(([name, shape]) => [name, { data: new Float32Array(0), shape }]),
    );
    const graph = forwardGraph({ ...model, architecture: whole, weights }, "onnx");
    expect(graph.operators().length).toBeGreaterThan(10);
  });
});

/** timm's tensors as graph inputs, in the shapes and rows that the ViT asks for. */
function weightsOf(g: Graph, values: Readonly<Record<string, Value>>): WeightSource {
  return (name, shape, rows) => {
    const whole = values[name]!;
    if (rows === undefined) return reshape(g, whole, shape);
    return slice(g, whole, 0, rows[0], g.ints([rows[1]]), rows[1] - rows[0]);
  };
}

function asBytes(g: Graph, x: Value): Value {
  return g.emit("Cast", [x], x.shape, { attributes: { to: 2 }, type: "uint8" });
}
