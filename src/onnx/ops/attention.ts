import { appError } from "../../kernel/errors.ts";
import { type Dim, expectShape, type Graph, known, type Value } from "../graph.ts";
import { mul, sub } from "./elementwise.ts";
import { matmul } from "./matmul.ts";
import { sum } from "./reduce.ts";
import { concat, reshape, transpose } from "./shape.ts";

/**
 * Multi-head scaled dot-product attention.
 * @param q queries [B, R, D]
 * @param kv keys, then values [B, N, 2·D]
 * @returns [B, R, D]
 * @throws AppError `graph/shape`, also when `heads` does not divide D
 */
export function attention(g: Graph, q: Value, kv: Value, heads: number): Value {
  const [batch, rows, width] = q.shape as [Dim, Dim, Dim];
  const total = known(width, "the width of attention");
  const depth = total / heads;
  if (!Number.isInteger(depth)) throw appError("graph/shape", `${heads} heads do not divide a width of ${total}`);
  expectShape("keys and values", kv.shape, [batch, kv.shape[1]!, 2 * total]);
  const alpha = 1 / Math.sqrt(depth);

  return g.composite([q, kv], () => {
    const perHead = transpose(g, reshape(g, q, [batch, rows, heads, depth]), [0, 2, 1, 3]);
    const both = transpose(g, reshape(g, kv, [batch, kv.shape[1]!, 2 * heads, depth]), [0, 2, 1, 3]);
    const half = [batch, heads, kv.shape[1]!, depth];
    const [k, v] = g.emitMany("Split", [both], [half, half], { attributes: { axis: 1, num_outputs: 2 } });
    const scores = matmul(g, perHead, k!, { transB: true, alpha });
    const weights = g.emit("Softmax", [scores], scores.shape, { attributes: { axis: -1 } });
    const mixed = matmul(g, weights, v!);
    const output = reshape(g, transpose(g, mixed, [0, 2, 1, 3]), q.shape);

    const vjp = (dy: Value): (() => Value)[] => {
      const dMixed = transpose(g, reshape(g, dy, [batch, rows, heads, depth]), [0, 2, 1, 3]);
      // The softmax's Σ_j P·dP is Σ_d dO·O (FlashAttention, Dao et al. 2022, appendix B.2): R×d numbers, not R×N.
      const inner = sum(g, mul(g, dMixed, mixed), -1);
      const dScores = mul(g, weights, sub(g, matmul(g, dMixed, v!, { transB: true }), inner));
      return [
        () => reshape(g, transpose(g, matmul(g, dScores, k!, { alpha }), [0, 2, 1, 3]), q.shape),
        () => {
          // Both transposed: then no R×N matrix is read by columns, which costs ONNX Runtime's CPU kernels about 8 %
          // of each product, and the transposition back is one that is due anyway.
          const dK = matmul(g, perHead, dScores, { transA: true, alpha });
          const dV = matmul(g, dMixed, weights, { transA: true });
          const dBoth = concat(g, [dK, dV], 1);
          return reshape(g, transpose(g, dBoth, [0, 3, 1, 2]), kv.shape);
        },
      ];
    };
    return { output, vjp };
  });
}
