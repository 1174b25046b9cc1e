import { appError } from "../../kernel/errors.ts";
import type { Dim, Graph, Value } from "../graph.ts";

/** a + b, broadcast as NumPy does. */
export function add(g: Graph, a: Value, b: Value): Value {
  const y = g.emit("Add", [a, b], broadcast(a, b));
  return g.record(y, [a, b], (dy) => [() => unbroadcast(g, dy, a), () => unbroadcast(g, dy, b)]);
}

/** a − b, broadcast. */
export function sub(g: Graph, a: Value, b: Value): Value {
  const y = g.emit("Sub", [a, b], broadcast(a, b));
  return g.record(y, [a, b], (dy) => [
    () => unbroadcast(g, dy, a),
    () => unbroadcast(g, g.emit("Neg", [dy], dy.shape), b),
  ]);
}

/** a · b element by element, broadcast. */
export function mul(g: Graph, a: Value, b: Value): Value {
  const y = g.emit("Mul", [a, b], broadcast(a, b));
  return g.record(y, [a, b], (dy) => [() => unbroadcast(g, mul(g, dy, b), a), () => unbroadcast(g, mul(g, dy, a), b)]);
}

/** a / b element by element, broadcast. */
export function div(g: Graph, a: Value, b: Value): Value {
  const y = g.emit("Div", [a, b], broadcast(a, b));
  return g.record(y, [a, b], (dy) => [
    () => unbroadcast(g, div(g, dy, b), a),
    () => unbroadcast(g, g.emit("Neg", [div(g, mul(g, dy, y), b)], dy.shape), b),
  ]);
}

export function scale(g: Graph, x: Value, factor: number): Value {
  return mul(g, x, g.scalar(factor));
}

export function sqrt(g: Graph, x: Value): Value {
  const y = g.emit("Sqrt", [x], x.shape);
  return g.record(y, [x], (dy) => [() => scale(g, div(g, dy, y), 0.5)]);
}

/** max(x, floor); the gradient stops where the floor holds. */
export function atLeast(g: Graph, x: Value, floor: number): Value {
  const limit = g.scalar(floor);
  const y = g.emit("Max", [x, limit], x.shape);
  return g.record(y, [x], (dy) => [
    () => {
      const open = g.emit("Cast", [g.emit("Greater", [x, limit], x.shape, { type: "bool" })], x.shape, {
        attributes: { to: 1 },
        type: "float32",
      });
      return mul(g, dy, open);
    },
  ]);
}

/** @throws AppError `graph/shape` when two dims differ and neither is 1. */
function broadcast(a: Value, b: Value): readonly Dim[] {
  const rank = Math.max(a.shape.length, b.shape.length);
  return Array.from({ length: rank }, (_, i) => {
    const x = a.shape[a.shape.length - rank + i] ?? 1;
    const y = b.shape[b.shape.length - rank + i] ?? 1;
    if (x === y || y === 1) return x;
    if (x === 1) return y;
    throw appError("graph/shape", `[${a.shape.join(",")}] and [${b.shape.join(",")}] do not broadcast`);
  });
}

/** Sums a cotangent over the axes along which `like` was broadcast. */
function unbroadcast(g: Graph, dy: Value, like: Value): Value {
  const lead = dy.shape.length - like.shape.length;
  const stretched = like.shape.flatMap((dim, i) => (dim === 1 && dy.shape[lead + i] !== 1 ? [lead + i] : []));
  const leading = Array.from({ length: lead }, (_, i) => i);
  let sum = dy;
  if (stretched.length > 0) {
    const shape = dy.shape.map((dim, i) => (stretched.includes(i) ? 1 : dim));
    sum = g.emit("ReduceSum", [sum, g.ints(stretched)], shape, { attributes: { keepdims: 1 } });
  }
  if (lead > 0) sum = g.emit("ReduceSum", [sum, g.ints(leading)], like.shape, { attributes: { keepdims: 0 } });
  return sum;
}
