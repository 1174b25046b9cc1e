import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { expect } from "vitest";
import { createRng } from "../../src/kernel/rng.ts";
import { sizeOf, type Tensor, tensor } from "../../src/kernel/tensor.ts";
import { gradient } from "../../src/onnx/gradient.ts";
import { createGraph, type Dialect, type Dim, type Graph, type Value } from "../../src/onnx/graph.ts";

/** One input of a graph under test: its numbers, and its shape as the graph is told (with names), when not the same. */
export interface Input {
  readonly value: Tensor;
  readonly dims?: readonly Dim[];
  /** No gradient is asked of it. */
  readonly frozen?: boolean;
}

type Inputs = Readonly<Record<string, Input>>;
type Build<I extends Inputs> = (g: Graph, values: { readonly [K in keyof I]: Value }) => Value;

/** Seeded normal numbers as an input. */
export function normal(shape: readonly number[], seed: number, options: Omit<Input, "value"> = {}): Input {
  const rng = createRng(seed);
  return { value: { data: Float32Array.from({ length: sizeOf(shape) }, () => rng.normal()), shape }, ...options };
}

/** Runs a graph on ONNX Runtime in this process; int64 outputs are not read. */
export async function runGraph(
  g: Graph,
  feeds: Readonly<Record<string, Tensor>>,
): Promise<Readonly<Record<string, Tensor>>> {
  const run = await load(g);
  return await run(feeds);
}

/** The value that the built graph has. */
export async function evaluate<I extends Inputs>(
  inputs: I,
  build: Build<I>,
  dialect: Dialect = "ort",
): Promise<Tensor> {
  const g = createGraph("forward", dialect);
  g.output("y", build(g, declare(g, inputs)));
  return (await runGraph(g, valuesOf(inputs)))["y"]!;
}

/** The gradients of Σ y·c, for a c of seeded normal numbers, in each input that is not frozen. */
export async function gradients<I extends Inputs>(
  inputs: I,
  build: Build<I>,
  dialect: Dialect = "ort",
): Promise<Readonly<Record<string, Tensor>>> {
  const { shape } = await evaluate(inputs, build, dialect);
  const g = createGraph("backward", dialect);
  const values = declare(g, inputs);
  const y = build(g, values);
  const c = g.input("cotangent", "float32", y.shape);
  const wanted = Object.keys(inputs).filter((name) => !inputs[name]!.frozen);
  const results = gradient(
    g,
    y,
    c,
    wanted.map((name) => values[name]!),
  );
  results.forEach((result, i) => g.output(`d_${wanted[i]}`, result));
  const outputs = await runGraph(g, { ...valuesOf(inputs), cotangent: cotangent(shape) });
  return Object.fromEntries(wanted.map((name) => [name, outputs[`d_${name}`]!]));
}

export interface CheckOptions {
  readonly dialect?: Dialect;
  readonly tolerance?: number;
  /** Step of the differences. */
  readonly h?: number;
}

/** Holds every gradient against central differences: ‖a − b‖ ≤ tolerance · ‖b‖. */
export async function expectGradients<I extends Inputs>(
  inputs: I,
  build: Build<I>,
  { dialect = "ort", tolerance = 5e-3, h = 1e-2 }: CheckOptions = {},
): Promise<void> {
  const found = await gradients(inputs, build, dialect);
  const g = createGraph("forward", dialect);
  g.output("y", build(g, declare(g, inputs)));
  const run = await load(g);
  const values = valuesOf(inputs);
  const lossOf = async (feeds: Readonly<Record<string, Tensor>>): Promise<number> => {
    const y = (await run(feeds))["y"]!;
    const c = cotangent(y.shape).data;
    return y.data.reduce((sum, value, i) => sum + value * c[i]!, 0);
  };
  for (const [name, { data, shape }] of Object.entries(found)) {
    expect(shape, `shape of the gradient of ${name}`).toEqual(values[name]!.shape);
    const differences: number[] = [];
    for (let i = 0; i < data.length; i++) {
      const lossAt = async (step: number): Promise<number> => {
        const moved = values[name]!.data.slice();
        moved[i]! += step;
        return await lossOf({ ...values, [name]: { data: moved, shape } });
      };
      differences.push(((await lossAt(h)) - (await lossAt(-h))) / (2 * h));
    }
    expect(relativeError(data, differences), `gradient of ${name}`).toBeLessThan(tolerance);
  }
}

/** ‖a − b‖ / ‖b‖, and ‖a‖ where b is all zeros. */
export function relativeError(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Infinity;
  let [difference, size] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    difference += (a[i]! - b[i]!) ** 2;
    size += b[i]! ** 2;
  }
  return Math.sqrt(size === 0 ? difference : difference / size);
}

/** @example expectClose(await evaluate(inputs, build), fromShape([2, 3], (index) => 2 * at(x, index))) */
export function expectClose(found: Tensor, expected: Tensor, tolerance = 1e-5): void {
  expect(found.shape).toEqual(expected.shape);
  expect(relativeError(found.data, expected.data)).toBeLessThan(tolerance);
}

/** A tensor whose number at each index is what `value` says. */
export function fromShape(shape: readonly number[], value: (index: readonly number[]) => number): Tensor {
  const data = Float32Array.from({ length: sizeOf(shape) }, (_, flat) => {
    const index: number[] = [];
    let rest = flat;
    for (const dim of shape.toReversed()) {
      index.unshift(rest % dim);
      rest = Math.floor(rest / dim);
    }
    return value(index);
  });
  return { data, shape };
}

/** The number at an index, which is aligned at the right and stretched as NumPy broadcasts. */
export function at({ value: { data, shape } }: Input, index: readonly number[]): number {
  const own = index.slice(index.length - shape.length);
  return data[shape.reduce((flat, dim, axis) => flat * dim + (dim === 1 ? 0 : own[axis]!), 0)]!;
}

function declare<I extends Inputs>(g: Graph, inputs: I): { readonly [K in keyof I]: Value } {
  const values = Object.entries(inputs).map(([name, { value, dims }]) => [
    name,
    g.input(name, "float32", dims ?? value.shape),
  ]);
  return Object.fromEntries(values) as { readonly [K in keyof I]: Value };
}

function valuesOf(inputs: Inputs): Readonly<Record<string, Tensor>> {
  return Object.fromEntries(Object.entries(inputs).map(([name, { value }]) => [name, value]));
}

function cotangent(shape: readonly number[]): Tensor {
  return normal(shape, 99).value;
}

type Run = (feeds: Readonly<Record<string, Tensor>>) => Promise<Readonly<Record<string, Tensor>>>;

async function load(g: Graph): Promise<Run> {
  const session = await InferenceSession.create(g.build(), { intraOpNumThreads: 1, logSeverityLevel: 3 });
  return async (feeds) => {
    const named = Object.entries(feeds)
      .filter(([name]) => session.inputNames.includes(name))
      .map(([name, { data, shape }]) => [name, new OrtTensor("float32", data, shape)] as const);
    const results = await session.run(Object.fromEntries(named));
    return Object.fromEntries(
      Object.entries(results).map(([name, { data, dims }]) => [
        name,
        tensor(Float32Array.from(data as Float32Array), dims),
      ]),
    );
  };
}
