import { appError } from "../../kernel/errors.ts";
import type { Dim, Graph, Value } from "../graph.ts";
import { div, mul } from "./elementwise.ts";
import { dimOf, shapeOf } from "./shape.ts";

/** Σ along one axis, which stays as 1; a negative axis counts from the end. @throws AppError `graph/shape` */
export function sum(g: Graph, x: Value, axis: number): Value {
  const y = g.emit("ReduceSum", [x, g.ints([axis])], kept(x, axis), { attributes: { keepdims: 1 } });
  return g.record(y, [x], (dy) => [() => g.emit("Expand", [dy, shapeOf(g, x)], x.shape)]);
}

/** Mean along one axis, which stays as 1; a negative axis counts from the end. @throws AppError `graph/shape` */
export function mean(g: Graph, x: Value, axis: number): Value {
  const y = g.emit("ReduceMean", [x, g.ints([axis])], kept(x, axis), { attributes: { keepdims: 1 } });
  return g.record(y, [x], (dy) => [
    () => {
      const count = g.emit("Cast", [dimOf(g, x, axisOf(x, axis))], [1], {
        attributes: { to: 1 },
        type: "float32",
      });
      return g.emit("Expand", [div(g, dy, count), shapeOf(g, x)], x.shape);
    },
  ]);
}

/** log softmax over the last axis. */
export function logSoftmax(g: Graph, x: Value): Value {
  const y = g.emit("LogSoftmax", [x], x.shape, { attributes: { axis: -1 } });
  return g.record(y, [x], (dy) => [
    () => {
      const probabilities = g.emit("Exp", [y], y.shape);
      const drift = mul(g, probabilities, sum(g, dy, -1));
      return g.emit("Sub", [dy, drift], x.shape);
    },
  ]);
}

function kept(x: Value, axis: number): readonly Dim[] {
  return x.shape.with(axisOf(x, axis), 1);
}

function axisOf({ shape }: Value, axis: number): number {
  const index = axis < 0 ? shape.length + axis : axis;
  if (shape[index] === undefined) throw appError("graph/shape", `[${shape.join(",")}] has no axis ${axis}`);
  return index;
}
