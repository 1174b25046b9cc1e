import { appError } from "../kernel/errors.ts";
import type { Graph } from "./graph.ts";
import {
  encodeModel,
  type GraphMessage,
  type InitializerMessage,
  type ModelMessage,
  type NodeMessage,
} from "./proto.ts";

/** The constant that stands for the outputs that a branch does not have. */
const nothing: InitializerMessage = { name: "nothing", type: "float32", dims: [0], data: new Uint8Array(0) };

/**
 * Two graphs in one model that runs either, by a boolean input. Their constants belong to the whole: one session then
 * holds weights once that two sessions would hold, or map, twice. Its inputs and outputs are those of both, by name; of
 * the outputs that the branch which runs does not have, none has an element.
 * @throws AppError `graph/shape` where the two call different tensors by one name
 */
export function buildEither(name: string, condition: string, whenTrue: Graph, whenFalse: Graph): Uint8Array {
  const [a, b] = [whenTrue.message(), whenFalse.message()];
  const outputs = byName(a.outputs, b.outputs);
  const node: NodeMessage = {
    opType: "If",
    domain: "",
    name: condition,
    input: [condition],
    output: outputs.map((output) => output.name),
    attributes: {
      then_branch: { graph: branch("then", a, outputs) },
      else_branch: { graph: branch("else", b, outputs) },
    },
  };
  return encodeModel({
    name,
    irVersion: a.irVersion,
    opsets: a.opsets,
    nodes: [node],
    initializers: [...byName(a.initializers, b.initializers), nothing],
    inputs: [{ name: condition, type: "bool", shape: [] }, ...byName(a.inputs, b.inputs)],
    // The branches' shapes differ.
    outputs: outputs.map(({ name: output, type }) => ({ name: output, type })),
  });
}

/** A branch sees the inputs and constants around it, and must call nothing as something there is called. */
function branch(prefix: string, model: ModelMessage, outputs: readonly { readonly name: string }[]): GraphMessage {
  const own = new Set(model.nodes.flatMap((node) => node.output));
  const within = (value: string): string => (own.has(value) ? `${prefix}/${value}` : value);
  const missing = outputs.filter(({ name }) => !own.has(name));
  return {
    name: prefix,
    nodes: [
      ...model.nodes.map((node) => ({ ...node, input: node.input.map(within), output: node.output.map(within) })),
      ...missing.map(({ name }) => empty(`${prefix}/${name}`)),
    ],
    initializers: [],
    inputs: [],
    outputs: outputs.map(({ name }) => ({ name: `${prefix}/${name}`, type: "float32" })),
  };
}

function empty(output: string): NodeMessage {
  return { opType: "Identity", domain: "", name: output, input: [nothing.name], output: [output], attributes: {} };
}

interface Named {
  readonly name: string;
  readonly type: string;
  readonly dims?: readonly number[];
  readonly shape?: readonly (number | string)[] | undefined;
}

function byName<T extends Named>(...lists: readonly (readonly T[])[]): T[] {
  const found = new Map<string, T>();
  for (const value of lists.flat()) {
    const before = found.get(value.name);
    const isSame = before === undefined || signature(before) === signature(value);
    if (!isSame)
      throw appError("graph/shape", `"${value.name}" is ${signature(before)} in one and ${signature(value)}`);
    found.set(value.name, value);
  }
  return [...found.values()];
}

function signature({ type, dims, shape }: Named): string {
  return `${type}[${(dims ?? shape ?? []).join(",")}]`;
}
