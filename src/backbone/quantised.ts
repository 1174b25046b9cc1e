import { appError } from "../kernel/errors.ts";
import type { Tensor } from "../kernel/tensor.ts";
import { expectedShapes, type VitArchitecture } from "./architecture.ts";

/** [from, to) of a weight's first axis. */
export type Rows = readonly [number, number];

/**
 * How a linear weight W [out, in] lies in a file of int8: as I8 [in, out], which is how ONNX Runtime multiplies by it,
 * and F32 [out], by which each column is to be multiplied. A fused qkv lies in two parts, since no piece of a column can
 * be mapped: queries, and keys with values.
 */
export interface QuantisedPart {
  /** timm's name of the whole. */
  readonly weight: string;
  readonly rows?: Rows | undefined;
}

/** What a part, or with no rows the whole, is called: `blocks.0.attn.qkv.weight[0:192]`. */
export function partName(weight: string, rows?: Rows): string {
  return rows === undefined ? weight : `${weight}[${rows.join(":")}]`;
}

export function scaleName(part: string): string {
  return `${part}.scale`;
}

/** The weights that are worth it: the products of every block. The patches' embedding is a hundredth of the work. */
export function quantisedParts(architecture: VitArchitecture): readonly QuantisedPart[] {
  const { width } = architecture;
  return [...expectedShapes(architecture)].flatMap(([weight, shape]): QuantisedPart[] => {
    if (!weight.startsWith("blocks.") || shape.length !== 2) return [];
    if (!weight.endsWith(".qkv.weight")) return [{ weight }];
    return [
      { weight, rows: [0, width] },
      { weight, rows: [width, 3 * width] },
    ];
  });
}

/** One I8 tensor of a file with its scale, read when asked for. */
export interface StoredPart {
  /** [in, out] */
  readonly shape: readonly number[];
  readonly values: () => Int8Array;
  readonly scale: Tensor;
}

/** A weight's shape, and its numbers in float32. */
interface Whole {
  readonly shape: readonly [number, number];
  readonly read: () => Float32Array;
}

/**
 * The weights [out, in] that parts make up, by timm's names: what they stand for.
 * @throws AppError `model/tensor-shape` for parts that do not make up a whole
 */
export function dequantised(parts: ReadonlyMap<string, StoredPart>): ReadonlyMap<string, Whole> {
  const wholes = new Map<string, { from: number; to: number; part: StoredPart }[]>();
  for (const [name, part] of parts) {
    const [, weight = name, from = "0", to = String(part.shape[1])] = /^(.*)\[(\d+):(\d+)\]$/.exec(name) ?? [];
    wholes.set(weight, [...(wholes.get(weight) ?? []), { from: Number(from), to: Number(to), part }]);
  }
  return new Map(
    [...wholes].map(([weight, pieces]) => {
      const sorted = pieces.toSorted((a, b) => a.from - b.from);
      let rows = 0;
      for (const { from, to, part } of sorted) {
        const [inputs, outputs] = part.shape;
        const fits = from === rows && to - from === outputs && inputs === sorted[0]!.part.shape[0];
        if (!fits || part.shape.length !== 2 || part.scale.shape.join() !== String(outputs)) {
          throw appError("model/tensor-shape", `the int8 parts of "${weight}" do not make up a matrix and its scales`);
        }
        rows = to;
      }
      const shape = [rows, sorted[0]!.part.shape[0]!] as const;
      return [weight, { shape, read: () => join(sorted, shape) }] as const;
    }),
  );
}

function join(
  pieces: readonly { from: number; part: StoredPart }[],
  [rows, inputs]: readonly [number, number],
): Float32Array {
  const data = new Float32Array(rows * inputs);
  for (const { from, part } of pieces) {
    const [values, scale] = [part.values(), part.scale.data];
    const outputs = scale.length;
    for (let k = 0; k < inputs; k++) {
      for (let n = 0; n < outputs; n++) data[(from + n) * inputs + k] = values[k * outputs + n]! * scale[n]!;
    }
  }
  return data;
}
