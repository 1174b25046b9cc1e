import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import "../onnx/no-telemetry.ts";
import type { Model } from "../backbone/model.ts";
import { partName } from "../backbone/quantised.ts";
import { frozenWeights, vit, type WeightSource } from "../backbone/vit.ts";
import { createGraph, type Graph, type Value } from "../onnx/graph.ts";
import { div, mul, sqrt, sub } from "../onnx/ops/elementwise.ts";
import { linear } from "../onnx/ops/matmul.ts";
import { mean, sum } from "../onnx/ops/reduce.ts";
import { type QuantisedWeight, quantisedLinear } from "../onnx/ops/stored.ts";
import { noiseImages } from "./noise-images.ts";

const images = 4;

/** Is told how much of the work is done; what is quick tells nothing. */
export type OnRounded = (done: number, total: number) => void;

/**
 * How far each product is off when it alone is computed in int8: length of the error by length of the result, a token
 * at a time, in the mean over the tokens of a few pictures. One activation a hundred times its neighbours, as some
 * layers have, leaves these none of the 256 steps, and shows here.
 * @param quantised By part (see quantised.ts).
 * @param onProgress Is told of each picture.
 */
export async function productErrors(
  model: Model,
  quantised: ReadonlyMap<string, QuantisedWeight>,
  onProgress?: OnRounded,
): Promise<ReadonlyMap<string, number>> {
  const { architecture, manifest, mappable, info } = model;
  const g = createGraph("product_errors", "cpu");
  const floats = frozenWeights(g, model.weights, mappable?.tensors);
  const errors = new Map<string, Value>();
  const product: WeightSource["product"] = (x, name, bias, rows) => {
    const part = partName(name, rows);
    const weight = quantised.get(part);
    if (weight === undefined) return undefined;
    const [outputs] = bias.shape as [number];
    const y = linear(g, x, floats(name, [outputs, Number(x.shape.at(-1))], rows), bias);
    // The first block's prompts come before its patches; there are none here.
    errors.set(part, relativeError(g, y, quantisedLinear(g, x, `${part} in int8`, weight, bias)));
    return y;
  };
  const weight = Object.assign<WeightSource, Pick<WeightSource, "product">>((...wanted) => floats(...wanted), {
    product,
  });
  const { imageSize, width } = architecture;
  const pixels = g.input("pixels", "uint8", ["B", imageSize, imageSize, 3]);
  const prompts = g.input("prompts", "float32", ["B", "T", width]);
  g.output("features", vit(g, architecture, manifest, weight, pixels, prompts));
  for (const [part, error] of errors) g.output(errorName(part), error);

  const session = await InferenceSession.create(g.build(), {
    executionProviders: ["cpu"],
    logSeverityLevel: 3,
    extra: {
      session: { x64quantprecision: "1", model_external_initializers_file_folder_path: mappable?.folder ?? "" },
    },
  });
  const sums = new Map<string, number>([...errors.keys()].map((part) => [part, 0]));
  for (let i = 0; i < images; i++) {
    const image = noiseImages(1, info.imageSize, i + 1);
    const results = await session.run({
      pixels: new OrtTensor("uint8", image.pixels, [1, imageSize, imageSize, 3]),
      prompts: new OrtTensor("float32", new Float32Array(0), [1, 0, width]),
    });
    for (const part of errors.keys()) {
      const [error] = results[errorName(part)]!.data as Float32Array;
      sums.set(part, sums.get(part)! + error! / images);
    }
    onProgress?.(i + 1, images);
  }
  await session.release();
  return sums;
}

function errorName(part: string): string {
  return `error ${part}`;
}

/** Mean over the tokens of |wrong − right| / |right|, of values [1, N, out]. */
function relativeError(g: Graph, right: Value, wrong: Value): Value {
  const error = sub(g, wrong, right);
  const ratio = div(g, sum(g, mul(g, error, error), -1), sum(g, mul(g, right, right), -1));
  return mean(g, sqrt(g, ratio), 1);
}
