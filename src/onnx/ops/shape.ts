import { appError } from "../../kernel/errors.ts";
import { type Dim, expectShape, type Graph, knownSize, type Value } from "../graph.ts";

/**
 * The same numbers in another shape. At most one name may be new; the others must stand where they stood.
 * @throws AppError `graph/shape`
 */
export function reshape(g: Graph, x: Value, shape: readonly Dim[]): Value {
  const known = [...x.shape, ...shape].every((dim) => typeof dim === "number");
  if (known && knownSize(x.shape) !== knownSize(shape)) {
    throw appError("graph/shape", `[${x.shape.join(",")}] cannot become [${shape.join(",")}]`);
  }
  const y = g.emit("Reshape", [x, target(g, x, shape)], shape);
  return g.record(y, [x], (dy) => [() => reshapeLike(g, dy, x)]);
}

/** x in the shape that `like` has when the graph runs. */
export function reshapeLike(g: Graph, x: Value, like: Value): Value {
  const names = like.shape.filter((dim, i) => typeof dim === "string" && dim !== x.shape[i]);
  if (names.length <= 1) return reshape(g, x, like.shape);
  const y = g.emit("Reshape", [x, shapeOf(g, like)], like.shape);
  return g.record(y, [x], (dy) => [() => reshapeLike(g, dy, x)]);
}

/** The shape of x when the graph runs, int64 [rank]. */
export function shapeOf(g: Graph, x: Value): Value {
  return g.emit("Shape", [x], [x.shape.length], { type: "int64" });
}

/** One dim of x when the graph runs, int64 [1]. */
export function dimOf(g: Graph, x: Value, axis: number): Value {
  return g.emit("Shape", [x], [1], { type: "int64", attributes: { start: axis, end: axis + 1 } });
}

/** y's axis i is x's axis perm[i]. */
export function transpose(g: Graph, x: Value, perm: readonly number[]): Value {
  const shape = perm.map((axis) => x.shape[axis]!);
  const y = g.emit("Transpose", [x], shape, { attributes: { perm } });
  const inverse = perm.map((_, axis) => perm.indexOf(axis));
  return g.record(y, [x], (dy) => [() => transpose(g, dy, inverse)]);
}

/** x[start…end) along one axis; `end` is int64 [1], known when the graph runs, and `name` is the new dim. */
export function slice(g: Graph, x: Value, axis: number, start: number, end: Value, name: Dim): Value {
  const y = g.emit("Slice", [x, g.ints([start]), end, g.ints([axis])], x.shape.with(axis, name));
  return g.record(y, [x], (dy) => [
    () => {
      const before = start > 0 ? [zeros(g, x, axis, g.ints([start]))] : [];
      const after = zeros(g, x, axis, g.emit("Sub", [dimOf(g, x, axis), end], [1]));
      // Not Pad: ONNX Runtime's CUDA kernel for it is of opset 18, and a node of opset 20 goes to the CPU.
      return g.emit("Concat", [...before, dy, after], x.shape, { attributes: { axis } });
    },
  ]);
}

/** Zeros in x's shape, but with another length (int64 [1]) along one axis. */
function zeros(g: Graph, x: Value, axis: number, length: Value): Value {
  const sizes = x.shape.map((dim, i) => {
    if (i === axis) return length;
    return typeof dim === "number" ? g.ints([dim]) : dimOf(g, x, i);
  });
  const shape = g.emit("Concat", sizes, [sizes.length], { attributes: { axis: 0 } });
  return g.emit("Expand", [g.scalar(0), shape], x.shape.with(axis, `${shape.name}_${axis}`));
}

/**
 * Joins along one axis; `name` is the joined dim when not every part's is known.
 * @throws AppError `graph/shape` unless the parts agree in every other axis.
 */
export function concat(g: Graph, parts: readonly Value[], axis: number, name?: string): Value {
  const dims = parts.map((part) => part.shape[axis]!);
  const joined = dims.every((dim) => typeof dim === "number") ? dims.reduce((a, b) => a + b, 0) : name;
  if (joined === undefined) throw appError("graph/shape", `joining [${dims.join(",")}] needs a name for the sum`);
  const first = parts[0]!;
  const shape = first.shape.map((dim, i) => (i === axis ? joined : dim));
  for (const part of parts) expectShape("a part to join", part.shape.with(axis, joined), shape);
  const y = g.emit("Concat", parts, shape, { attributes: { axis } });
  return g.record(y, parts, (dy) => {
    const lengths = parts.map((part) => dimOf(g, part, axis));
    return parts.map((part, i) => () => {
      const start =
        i === 0 ? g.ints([0]) : lengths.slice(1, i).reduce((a, b) => g.emit("Add", [a, b], [1]), lengths[0]!);
      const end = g.emit("Add", [start, lengths[i]!], [1]);
      return g.emit("Slice", [dy, start, end, g.ints([axis])], part.shape);
    });
  });
}

/** The Reshape operator's target: 0 copies a dim, −1 stands for the one that is computed. */
function target(g: Graph, x: Value, shape: readonly Dim[]): Value {
  const dims = shape.map((dim, i) => (typeof dim === "number" ? dim : dim === x.shape[i] ? 0 : -1));
  if (dims.filter((dim) => dim === -1).length > 1) {
    throw appError("graph/shape", `[${x.shape.join(",")}] to [${shape.join(",")}] has more than one unknown`);
  }
  return g.ints(dims);
}
