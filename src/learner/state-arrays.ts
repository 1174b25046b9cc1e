import { appError } from "../kernel/errors.ts";
import { sizeOf } from "../kernel/tensor.ts";
import { parameter, type Parameter } from "./adam.ts";
import type { StateArray } from "./types.ts";

type Arrays = Readonly<Record<string, StateArray>>;

/** A copy of the numbers with their shape. */
export function stateArray(data: Float32Array | Float64Array | Int32Array, shape: readonly number[]): StateArray {
  return { data: data.slice(), shape };
}

/** A parameter with its moments, under `name`, `name.momentum`, `name.variance`, `name.steps`. */
export function parameterArrays(name: string, p: Parameter, shape: readonly number[]): Arrays {
  return {
    [name]: stateArray(p.value, shape),
    [`${name}.momentum`]: stateArray(p.momentum, shape),
    [`${name}.variance`]: stateArray(p.variance, shape),
    [`${name}.steps`]: stateArray(p.steps, [p.steps.length]),
  };
}

/** Copies arrays out of a saved state. @throws AppError `learner/state` for one that is absent, misshapen or not finite. */
export interface ArrayReader {
  float32(name: string, shape: readonly number[]): Float32Array;
  float64(name: string, shape: readonly number[]): Float64Array;
  int32(name: string, shape: readonly number[]): Int32Array;
  /** With its moments (`trained`), or as if it had never been trained. The first dimension is its rows. */
  parameter(name: string, shape: readonly number[], trained: boolean): Parameter;
}

export function arrayReader(arrays: Arrays): ArrayReader {
  const find = (name: string, shape: readonly number[]): StateArray["data"] => {
    const found = Object.hasOwn(arrays, name) ? arrays[name] : undefined;
    if (found === undefined) throw appError("learner/state", `there is no array "${name}"`);
    if (found.shape.join() !== shape.join() || found.data.length !== sizeOf(shape)) {
      throw appError("learner/state", `"${name}" is [${found.shape.join(",")}], should be [${shape.join(",")}]`);
    }
    if (!found.data.every(Number.isFinite))
      throw appError("learner/state", `"${name}" holds numbers that are not finite`);
    return found.data;
  };
  const reader: ArrayReader = {
    float32: (name, shape) => Float32Array.from(find(name, shape)),
    float64: (name, shape) => Float64Array.from(find(name, shape)),
    int32: (name, shape) => Int32Array.from(find(name, shape)),
    parameter(name, shape, trained) {
      const p = parameter(reader.float32(name, shape), sizeOf(shape.slice(1)));
      if (!trained) return p;
      p.momentum.set(reader.float32(`${name}.momentum`, shape));
      p.variance.set(reader.float32(`${name}.variance`, shape));
      p.steps.set(reader.int32(`${name}.steps`, [shape[0]!]));
      return p;
    },
  };
  return reader;
}
