import type { Graph, Value } from "../graph.ts";
import { mul, scale } from "./elementwise.ts";

/** Exact GELU, x·Φ(x) (Hendrycks and Gimpel, 2016), not the tanh form. */
export function gelu(g: Graph, x: Value): Value {
  const y = g.emit("Gelu", [x], x.shape);
  return g.record(y, [x], (dy) => [
    () => {
      // d/dx x·Φ(x) = Φ(x) + x·φ(x), with Φ = (1 + erf(x/√2))/2 and φ = exp(−x²/2)/√(2π).
      const erf = g.emit("Erf", [scale(g, x, Math.SQRT1_2)], x.shape);
      const cdf = scale(g, g.emit("Add", [erf, g.scalar(1)], x.shape), 0.5);
      const bell = g.emit("Exp", [mul(g, x, scale(g, x, -0.5))], x.shape);
      const slope = mul(g, bell, scale(g, x, 1 / Math.sqrt(2 * Math.PI)));
      return mul(g, dy, g.emit("Add", [cdf, slope], x.shape));
    },
  ]);
}
