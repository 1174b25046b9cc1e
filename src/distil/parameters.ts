import { expectedShapes, type VitArchitecture } from "../backbone/architecture.ts";
import { partName } from "../backbone/quantised.ts";
import { sizeOf, type Tensor } from "../kernel/tensor.ts";

/** One trained tensor and where its numbers lie in the flat array. */
export interface Parameter {
  /** timm's name, with `[from:to]` for a range of its rows. */
  readonly name: string;
  /** As the graph takes it. */
  readonly shape: readonly number[];
  readonly offset: number;
  readonly size: number;
  /** Matrices decay; biases, norms, CLS and positions do not. */
  readonly decays: boolean;
}

/** Where each weight of a ViT lies when all of them are one flat array. */
export interface ParameterLayout {
  readonly architecture: VitArchitecture;
  readonly parameters: readonly Parameter[];
  readonly size: number;
}

export function layoutOf(architecture: VitArchitecture): ParameterLayout {
  const { width } = architecture;
  const parameters: Parameter[] = [];
  let offset = 0;
  const push = (name: string, shape: readonly number[]): void => {
    const size = sizeOf(shape);
    parameters.push({ name, shape, offset, size, decays: shape.length === 2 });
    offset += size;
  };
  for (const [name, [rows, ...rest]] of expectedShapes(architecture)) {
    if (name.includes("attn.qkv")) {
      push(partName(name, [0, width]), [width, ...rest]);
      push(partName(name, [width, 3 * width]), [2 * width, ...rest]);
    } else if (name === "patch_embed.proj.weight") {
      push(name, [rows!, sizeOf(rest)]);
    } else {
      push(name, [rows!, ...rest]);
    }
  }
  return { architecture, parameters, size: offset };
}

/** The weights by timm's names and shapes, the ranges of rows joined; a copy. */
export function toWeights({ architecture, parameters }: ParameterLayout, flat: Float32Array): Map<string, Tensor> {
  const weights = new Map<string, Tensor>();
  for (const [name, shape] of expectedShapes(architecture)) {
    const data = new Float32Array(sizeOf(shape));
    let filled = 0;
    for (const part of parameters) {
      if (part.name !== name && !part.name.startsWith(`${name}[`)) continue;
      data.set(flat.subarray(part.offset, part.offset + part.size), filled);
      filled += part.size;
    }
    weights.set(name, { data, shape });
  }
  return weights;
}

/** The other way round: timm's weights of this architecture as one flat array. */
export function fromWeights({ parameters, size }: ParameterLayout, weights: ReadonlyMap<string, Tensor>): Float32Array {
  const flat = new Float32Array(size);
  for (const { name, offset, size: count } of parameters) {
    const [whole, rows] = name.split("[") as [string, string | undefined];
    const { data, shape } = weights.get(whole)!;
    const from = rows === undefined ? 0 : Number(rows.split(":")[0]) * (data.length / shape[0]!);
    flat.set(data.subarray(from, from + count), offset);
  }
  return flat;
}
