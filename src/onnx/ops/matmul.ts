import { appError } from "../../kernel/errors.ts";
import { type Dim, type Graph, type Value } from "../graph.ts";
import { add, scale } from "./elementwise.ts";
import { transpose } from "./shape.ts";

export interface MatmulOptions {
  /** Takes the last two axes of a (of b) as swapped. */
  readonly transA?: boolean;
  readonly transB?: boolean;
  readonly alpha?: number;
}

/**
 * alpha · a · b over the last two axes; leading axes are equal, or b has none (a weight; a is not transposed then).
 * @throws AppError `graph/shape`
 */
export function matmul(g: Graph, a: Value, b: Value, options: MatmulOptions = {}): Value {
  const { transA = false, transB = false, alpha = 1 } = options;
  const y = emitProduct(g, a, b, { transA, transB, alpha });
  const sameRank = a.shape.length === b.shape.length;
  return g.record(y, [a, b], (dy) => [
    () =>
      transA ? matmul(g, b, dy, { transA: transB, transB: true, alpha }) : matmul(g, dy, b, { transB: !transB, alpha }),
    () => {
      if (!sameRank) return weightGradient(g, a, dy, transB, alpha);
      return transB
        ? matmul(g, dy, a, { transA: true, transB: transA, alpha })
        : matmul(g, a, dy, { transA: !transA, alpha });
    },
  ]);
}

/** x·Wᵀ + b on the last axis, W [out, in] as PyTorch stores it, b [out]. */
export function linear(g: Graph, x: Value, weight: Value, bias: Value): Value {
  return add(g, matmul(g, x, weight, { transB: true }), bias);
}

/** Σ over all leading axes of aᵀ·dy (or dyᵀ·a): the leading axes become rows. */
function weightGradient(g: Graph, a: Value, dy: Value, transB: boolean, alpha: number): Value {
  const [rowsA, rowsY] = [a, dy].map((value) => {
    const flat = [`rows_of_${a.name}`, value.shape.at(-1)!];
    return g.emit("Reshape", [value, g.ints([-1, Number(value.shape.at(-1))])], flat);
  });
  return transB
    ? matmul(g, rowsY!, rowsA!, { transA: true, alpha })
    : matmul(g, rowsA!, rowsY!, { transA: true, alpha });
}

function emitProduct(g: Graph, a: Value, b: Value, { transA, transB, alpha }: Required<MatmulOptions>): Value {
  const [rows, innerA] = lastTwo(a, transA);
  const [innerB, columns] = lastTwo(b, transB);
  const lead = a.shape.slice(0, -2);
  const leadB = b.shape.slice(0, -2);
  const isWeight = leadB.length === 0 && lead.length > 0;
  if (innerA !== innerB || (isWeight ? transA : leadB.join() !== lead.join())) {
    throw appError("graph/shape", `cannot multiply ${mark(a, transA)} by ${mark(b, transB)}`);
  }
  const shape = [...lead, rows, columns];
  if (!transA && !transB && alpha === 1) return g.emit("MatMul", [a, b], shape);
  if (g.dialect !== "onnx") {
    const attributes = { transA: Number(transA), transB: Number(transB), alpha: { float: alpha } };
    return g.emit("FusedMatMul", [a, b], shape, { attributes, domain: "com.microsoft" });
  }
  const product = g.emit("MatMul", [transA ? swap(g, a) : a, transB ? swap(g, b) : b], shape);
  return alpha === 1 ? product : scale(g, product, alpha);
}

function mark({ shape }: Value, trans: boolean): string {
  return `[${shape.join(",")}]${trans ? "ᵀ" : ""}`;
}

function lastTwo(value: Value, trans: boolean): [Dim, Dim] {
  const [rows, columns] = value.shape.slice(-2) as [Dim, Dim];
  return trans ? [columns, rows] : [rows, columns];
}

function swap(g: Graph, x: Value): Value {
  const axes = x.shape.map((_, axis) => axis);
  return transpose(g, x, [...axes.slice(0, -2), axes.length - 1, axes.length - 2]);
}
