import type { Graph } from "./graph.ts";
import { encodeModel, type ValueMessage } from "./proto.ts";

/** A graph's bytes with sizes that are otherwise known when it runs, by name: `{ B: 1 }`. All others must be numbers. */
export function buildFixed(graph: Graph, sizes: Readonly<Record<string, number>>): Uint8Array {
  const model = graph.message();
  const fixed = (value: ValueMessage): ValueMessage => ({
    ...value,
    shape: value.shape?.map((dim) => (typeof dim === "string" ? (sizes[dim] ?? dim) : dim)),
  });
  return encodeModel({ ...model, inputs: model.inputs.map(fixed), outputs: model.outputs.map(fixed) });
}
