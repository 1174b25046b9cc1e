import { type Dim, type Graph, type StoredConstant, type Value } from "../graph.ts";
import { add } from "./elementwise.ts";
import { matmul } from "./matmul.ts";

/** A weight in int8: numbers [in, out], whose column n stands for number · scale[n]. */
export interface QuantisedWeight {
  readonly values: StoredConstant;
  readonly scale: StoredConstant;
}

/** A frozen tensor that is stored in half precision, as float32. */
export function widened(g: Graph, name: string, value: StoredConstant): Value {
  const half = g.stored(name, value);
  return g.emit("Cast", [half], half.shape, { attributes: { to: 1 }, type: "float32" });
}

/**
 * x·W + b with W in int8. On the CPU the activations are quantised too, all of `x` by one scale and zero point
 * (DynamicQuantizeMatMul, com.microsoft); elsewhere W alone is int8. The gradient takes W as it stands for, and the
 * rounding of x as if it were none.
 * @param x [..., in]
 * @param bias [out]
 */
export function quantisedLinear(g: Graph, x: Value, name: string, weight: QuantisedWeight, bias: Value): Value {
  const values = g.stored(name, weight.values);
  const scale = g.stored(`${name}.scale`, weight.scale);
  const [, out] = values.shape as [Dim, Dim];
  const floats = (): Value =>
    g.emit("DequantizeLinear", [values, scale], values.shape, { attributes: { axis: 1 }, type: "float32" });
  if (g.dialect !== "cpu") return add(g, matmul(g, x, floats(), {}), bias);

  const none: Value = { name: "", type: "int8", shape: [] };
  const shape = [...x.shape.slice(0, -1), out];
  const domain = "com.microsoft";
  const y = g.emit("DynamicQuantizeMatMul", [x, values, scale, none, bias], shape, { domain });
  return g.record(y, [x], (dy) => [() => matmul(g, dy, floats(), { transB: true })]);
}
