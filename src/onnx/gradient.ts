import { appError } from "../kernel/errors.ts";
import { expectShape, type Graph, type Value } from "./graph.ts";
import { add } from "./ops/elementwise.ts";

/**
 * Reverse-mode differentiation over the graph's tape: adds the nodes that compute d(output · seed)/d(each of `wrt`).
 * Only what lies between `wrt` and `output` is differentiated: a frozen weight costs nothing.
 * @param seed the cotangent of `output`, in its shape.
 * @returns one value for each of `wrt`, in its shape.
 * @throws AppError `graph/no-gradient` when `output` does not depend on one of them.
 */
export function gradient(g: Graph, output: Value, seed: Value, wrt: readonly Value[]): Value[] {
  expectShape("the gradient's seed", seed.shape, output.shape);
  const steps = [...g.tape]; // vjps may record steps of their own
  const active = new Set(wrt.map((value) => value.name));
  for (const { inputs, output: result } of steps) {
    if (inputs.some((input) => active.has(input.name))) active.add(result.name);
  }

  const cotangents = new Map([[output.name, seed]]);
  for (const { inputs, output: result, vjp } of steps.toReversed()) {
    const dy = cotangents.get(result.name);
    if (dy === undefined || !active.has(result.name)) continue;
    const thunks = vjp(dy);
    inputs.forEach((input, i) => {
      if (!active.has(input.name)) return;
      const part = thunks[i]!();
      const sum = cotangents.get(input.name);
      cotangents.set(input.name, sum === undefined ? part : add(g, sum, part));
    });
  }

  return wrt.map((value) => {
    const cotangent = cotangents.get(value.name);
    if (cotangent === undefined) throw appError("graph/no-gradient", `nothing depends on ${value.name}`);
    expectShape(`the gradient of ${value.name}`, cotangent.shape, value.shape);
    return cotangent;
  });
}
