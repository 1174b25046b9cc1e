import { expectShape, type Graph, type Value } from "../graph.ts";
import { mul, sub } from "./elementwise.ts";
import { mean } from "./reduce.ts";

/** LayerNorm over the last axis; gamma and beta are [width]. @throws AppError `graph/shape` */
export function layerNorm(g: Graph, x: Value, gamma: Value, beta: Value, epsilon: number): Value {
  for (const part of [gamma, beta]) expectShape(part.name, part.shape, x.shape.slice(-1));
  const perRow = [...x.shape.slice(0, -1), 1];
  // Mean and 1/σ are for the gradient; without one they are left out (TensorRT's parser may not take them).
  const options = { attributes: { axis: -1, epsilon: { float: epsilon } }, required: 1 };
  const [y, rowMean, inverse] = g.emitMany("LayerNormalization", [x, gamma, beta], [x.shape, perRow, perRow], options);
  const normalised = (): Value => mul(g, sub(g, x, rowMean!), inverse!);
  return g.record(y!, [x, gamma, beta], (dy) => [
    () => {
      // With x̂ = (x − mean)/σ and h = dy·gamma: dx = (h − mean(h) − x̂ · mean(h·x̂)) / σ.
      const xHat = normalised();
      const h = mul(g, dy, gamma);
      const along = mul(g, xHat, mean(g, mul(g, h, xHat), -1));
      return mul(g, sub(g, sub(g, h, mean(g, h, -1)), along), inverse!);
    },
    () => sumRows(g, mul(g, dy, normalised()), gamma),
    () => sumRows(g, dy, beta),
  ]);
}

/** Σ over every axis but the last. */
function sumRows(g: Graph, x: Value, like: Value): Value {
  const axes = x.shape.slice(0, -1).map((_, axis) => axis);
  return g.emit("ReduceSum", [x, g.ints(axes)], like.shape, { attributes: { keepdims: 0 } });
}
