import { type Normalisation, vit, type WeightSource } from "../backbone/vit.ts";
import { partName } from "../backbone/quantised.ts";
import { gradient } from "../onnx/gradient.ts";
import type { Graph, Value } from "../onnx/graph.ts";
import type { ParameterLayout } from "./parameters.ts";

/** A ViT in a graph, whose every weight is an input by its name. */
export interface TrainedVit {
  /** q(x), [B, D]. */
  readonly feature: Value;
  /** In the order of the layout. */
  readonly parameters: Value[];
}

/** Without prompts. Beside the weights its inputs are `pixels`, uint8 [B, S, S, 3], and `prompts`, [B, 0, D]. */
export function trainedVit(
  g: Graph,
  { architecture, parameters }: ParameterLayout,
  normalisation: Normalisation,
  onBlock?: (index: number, tokens: Value) => void,
): TrainedVit {
  const { imageSize, width } = architecture;
  const inputs = new Map(parameters.map(({ name, shape }) => [name, g.input(name, "float32", shape)]));
  const weight: WeightSource = (name, _shape, rows) => inputs.get(partName(name, rows))!;
  const pixels = g.input("pixels", "uint8", ["B", imageSize, imageSize, 3]);
  const prompts = g.input("prompts", "float32", ["B", "T", width]);
  return {
    feature: vit(g, architecture, normalisation, weight, pixels, prompts, onBlock),
    parameters: [...inputs.values()],
  };
}

/** Name of an input's gradient among the outputs. */
export function gradientName(input: string): string {
  return `d_${input}`;
}

/** Makes `loss` [1, 1] and its gradient by each of the inputs outputs of the graph. */
export function outputGradients(g: Graph, loss: Value, inputs: readonly Value[]): void {
  const seed = g.constant("one", { data: Float32Array.of(1), shape: [1, 1] });
  const gradients = gradient(g, loss, seed, inputs);
  g.output("loss", loss);
  inputs.forEach((input, i) => g.output(gradientName(input.name), gradients[i]!));
}
