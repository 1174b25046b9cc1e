import type { Graph, Value } from "../graph.ts";
import { add, mul, scale, sub } from "./elementwise.ts";

/** Exact GELU, x·Φ(x) (Hendrycks and Gimpel, 2016), not the tanh form. */
export function gelu(g: Graph, x: Value): Value {
  const y = g.emit("Gelu", [x], x.shape);
  return g.record(y, [x], (dy) => [
    () => {
      // d/dx x·Φ(x) = Φ(x) + x·φ(x) = ½·(erf(t) + 1 + t·2/√π·exp(−t²)) with t = x/√2; 2/√π goes into the exponent.
      const t = scale(g, x, Math.SQRT1_2);
      const bell = g.emit("Exp", [sub(g, g.scalar(Math.log(2 / Math.sqrt(Math.PI))), mul(g, t, t))], x.shape);
      const slope = add(g, add(g, g.emit("Erf", [t], x.shape), mul(g, t, bell)), g.scalar(1));
      return mul(g, dy, scale(g, slope, 0.5));
    },
  ]);
}
