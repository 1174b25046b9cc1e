import { appError } from "../kernel/errors.ts";
import { sizeOf, type Tensor } from "../kernel/tensor.ts";
import {
  type Attribute,
  type DataType,
  encodeModel,
  type InitializerMessage,
  type ModelMessage,
  type NodeMessage,
} from "./proto.ts";

/** A size known when the graph is built, or the name of one known when it runs; equal names are equal sizes. */
export type Dim = number | string;

/** One edge of the graph. */
export interface Value {
  readonly name: string;
  readonly type: DataType;
  readonly shape: readonly Dim[];
}

/** Where a weight's numbers lie in a file beside the model, in bytes. */
export interface FileSpan {
  readonly location: string;
  readonly offset: number;
  readonly length: number;
}

/** One differentiable step as it was taken; `vjp` gives, for each input, a thunk that builds its cotangent. */
export interface TapeEntry {
  readonly output: Value;
  readonly inputs: readonly Value[];
  readonly vjp: (dy: Value) => readonly (() => Value)[];
}

/** An operator that a graph uses, with the element types that its first input has in it. */
export interface Operator {
  /** `""` is ONNX's own. */
  readonly domain: string;
  readonly opType: string;
  readonly types: readonly DataType[];
}

/**
 * `onnx`: only operators of the standard, for every provider (TensorRT included).
 * `ort`: also ONNX Runtime's FusedMatMul (CPU and CUDA), which takes transposed operands without a copy.
 * `cpu`: also DynamicQuantizeMatMul, which its CPU provider alone has.
 */
export type Dialect = "onnx" | "ort" | "cpu";

/** A tensor of any element type, as its little-endian bytes or as a place in a file. */
export interface StoredConstant {
  readonly type: DataType;
  readonly shape: readonly number[];
  readonly data: Uint8Array | FileSpan;
}

/** Versions of the operator sets, by domain: opset 20 brings Gelu; IR 9 goes with it. */
export const opsets = { "": 20, "com.microsoft": 1 } as const;
const irVersion = 9;

/** Builds one ONNX graph, and keeps a tape of the differentiable steps beside it. */
export interface Graph {
  readonly dialect: Dialect;
  readonly tape: readonly TapeEntry[];
  input(name: string, type: DataType, shape: readonly Dim[]): Value;
  /** A frozen float32 tensor. */
  constant(name: string, value: Tensor): Value;
  /** A frozen tensor as it is stored. */
  stored(name: string, value: StoredConstant): Value;
  /** A small int64 vector: axes, pads, a target shape. */
  ints(values: readonly number[]): Value;
  /** A float32 scalar. */
  scalar(value: number): Value;
  /** Adds a node with one output of the given type and shape. */
  emit(opType: string, inputs: readonly Value[], shape: readonly Dim[], options?: EmitOptions): Value;
  /** Adds a node with several outputs, all of the first input's type. */
  emitMany(
    opType: string,
    inputs: readonly Value[],
    shapes: readonly (readonly Dim[])[],
    options?: EmitOptions,
  ): Value[];
  /** Says how the gradient goes from `output` back to `inputs`. */
  record(output: Value, inputs: readonly Value[], vjp: TapeEntry["vjp"]): Value;
  /** One step made of several: what `body` records is replaced by the step it returns. */
  composite(inputs: readonly Value[], body: () => Omit<TapeEntry, "inputs">): Value;
  output(name: string, value: Value): void;
  /** Every operator that the outputs need, once, by name. */
  operators(): readonly Operator[];
  /** The model, without the nodes that no output needs. */
  message(): ModelMessage;
  /** Its bytes. */
  build(): Uint8Array;
}

export interface EmitOptions {
  readonly attributes?: Readonly<Record<string, Attribute>>;
  readonly domain?: string;
  /** The output's element type; the first input's by default. */
  readonly type?: DataType;
  /** How many of the outputs the operator must have: those after them are left out when nothing reads them. */
  readonly required?: number;
}

interface Node extends NodeMessage {
  readonly firstType: DataType;
  readonly required: number;
}

export function createGraph(name: string, dialect: Dialect = "ort"): Graph {
  const nodes: Node[] = [];
  const initializers = new Map<string, InitializerMessage>();
  const inputs: Value[] = [];
  const outputs: Value[] = [];
  const tape: TapeEntry[] = [];

  function stored(constantName: string, { type, shape, data }: StoredConstant): Value {
    initializers.set(constantName, { name: constantName, type, dims: shape, data });
    return { name: constantName, type, shape };
  }

  function constant(constantName: string, { data, shape }: Tensor): Value {
    return stored(constantName, { type: "float32", shape, data: bytesOf(data) });
  }

  function emitMany(
    opType: string,
    operands: readonly Value[],
    shapes: readonly (readonly Dim[])[],
    options: EmitOptions = {},
  ): Value[] {
    const id = `${opType}_${nodes.length}`;
    const type = options.type ?? operands[0]!.type;
    const results = shapes.map((shape, i) => ({ name: shapes.length === 1 ? id : `${id}_${i}`, type, shape }));
    nodes.push({
      opType,
      domain: options.domain ?? "",
      name: id,
      input: operands.map((operand) => operand.name),
      output: results.map((result) => result.name),
      attributes: options.attributes ?? {},
      firstType: operands[0]!.type,
      required: options.required ?? shapes.length,
    });
    return results;
  }

  return {
    dialect,
    tape,
    constant,
    stored,
    emitMany,
    input: (inputName, type, shape) => {
      const value = { name: inputName, type, shape };
      inputs.push(value);
      return value;
    },
    ints: (values) => {
      const constantName = `ints_${values.join("_")}`;
      const data = new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
      return stored(constantName, { type: "int64", shape: [values.length], data });
    },
    scalar: (value) => constant(`scalar_${value}`, { data: Float32Array.of(value), shape: [] }),
    emit: (opType, operands, shape, options) => emitMany(opType, operands, [shape], options)[0]!,
    record: (output, operands, vjp) => {
      tape.push({ output, inputs: operands, vjp });
      return output;
    },
    composite: (operands, body) => {
      const before = tape.length;
      const { output, vjp } = body();
      tape.length = before;
      tape.push({ output, inputs: operands, vjp });
      return output;
    },
    output: (outputName, value) => {
      const result = emitMany("Identity", [value], [value.shape])[0]!;
      const node = nodes.pop()!;
      nodes.push({ ...node, output: [outputName] });
      outputs.push({ ...result, name: outputName });
    },
    operators: () => operatorsOf(needed(nodes, outputs)),
    message,
    build: () => encodeModel(message()),
  };

  function message(): ModelMessage {
    const kept = needed(nodes, outputs);
    const read = new Set(kept.flatMap((node) => node.input));
    const constants = [...initializers.values()].filter((initializer) => read.has(initializer.name));
    return { name, irVersion, opsets, nodes: kept, initializers: constants, inputs, outputs };
  }
}

/** @throws AppError `graph/shape` unless both shapes are the same, dim by dim. */
export function expectShape(what: string, found: readonly Dim[], expected: readonly Dim[]): void {
  if (found.length !== expected.length || found.some((dim, i) => dim !== expected[i])) {
    throw appError("graph/shape", `${what} is [${found.join(",")}], not [${expected.join(",")}]`);
  }
}

/** The size of a dim that must be known when the graph is built. @throws AppError `graph/shape` */
export function known(dim: Dim | undefined, what: string): number {
  if (typeof dim !== "number") throw appError("graph/shape", `${what} must be a number, not ${dim}`);
  return dim;
}

/** The nodes that the outputs depend on, in their order, without the optional outputs that nothing reads. */
function needed(nodes: readonly Node[], outputs: readonly Value[]): Node[] {
  const wanted = new Set(outputs.map((output) => output.name));
  const kept: Node[] = [];
  for (const node of nodes.toReversed()) {
    const last = node.output.findLastIndex((name) => wanted.has(name));
    if (last < 0) continue;
    for (const name of node.input) wanted.add(name);
    kept.push({ ...node, output: node.output.slice(0, Math.max(last + 1, node.required)) });
  }
  return kept.toReversed();
}

function operatorsOf(nodes: readonly Node[]): Operator[] {
  const found = new Map<string, { domain: string; opType: string; types: Set<DataType> }>();
  for (const { domain, opType, firstType } of nodes) {
    const key = `${domain}:${opType}`;
    if (!found.has(key)) found.set(key, { domain, opType, types: new Set() });
    found.get(key)!.types.add(firstType);
  }
  return [...found.entries()]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([, operator]) => ({ ...operator, types: [...operator.types].toSorted() }));
}

function bytesOf(data: Float32Array): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** How many numbers a fully known shape holds. */
export function knownSize(shape: readonly Dim[]): number {
  return sizeOf(shape.map((dim) => known(dim, "every dim")));
}
