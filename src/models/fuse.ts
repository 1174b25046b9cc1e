import { fromFloat32, toFloat32, type StoredTensor } from "../kernel/dtype.ts";
import { appError } from "../kernel/errors.ts";
import type { NamedTensors } from "./names.ts";

const apart = /^(blocks\.\d+\.attn)\.[qkv]\.(weight|bias)$/;

/**
 * Joins each block's q, k, v, of [D, D] or [D], to timm's qkv of [3D, D] or [3D], in that order.
 * @throws AppError `model/tensor-missing`, `model/tensor-shape`, `model/tensor-twice`
 */
export function fuseAttention({ tensors, original, changes }: NamedTensors): NamedTensors {
  const fused = new Map(tensors);
  const names = new Map(original);
  for (const name of tensors.keys()) {
    const [, attention, kind] = apart.exec(name) ?? [];
    if (attention === undefined || !fused.has(name)) continue;
    const qkv = `${attention}.qkv.${kind}`;
    if (fused.has(qkv)) {
      throw appError("model/tensor-twice", `"${original.get(qkv)!}" is there, and "${original.get(name)!}" too`);
    }
    const rows = ["q", "k", "v"].map((part) => {
      const stored = tensors.get(`${attention}.${part}.${kind}`);
      if (stored === undefined) {
        throw appError("model/tensor-missing", `there is no ${part} beside "${original.get(name)!}"`);
      }
      fused.delete(`${attention}.${part}.${kind}`);
      names.delete(`${attention}.${part}.${kind}`);
      return [part, stored] as const;
    });
    const [, first] = rows[0]!;
    for (const [part, { shape }] of rows) {
      if (shape.join() !== first.shape.join() || shape.length !== (kind === "weight" ? 2 : 1)) {
        const there = original.get(`${attention}.${part}.${kind}`)!;
        throw appError("model/tensor-shape", `"${there}" is [${shape.join(",")}], q is [${first.shape.join(",")}]`);
      }
    }
    fused.set(qkv, stack(rows.map(([, stored]) => stored)));
    names.set(qkv, original.get(name)!);
  }
  const isFused = fused.size !== tensors.size;
  return { tensors: fused, original: names, changes: isFused ? [...changes, "q, k and v joined"] : changes };
}

/** One below the other along the first axis; as F32 where their number types differ. */
function stack(parts: readonly StoredTensor[]): StoredTensor {
  const [first] = parts;
  const shape = [parts.length * first!.shape[0]!, ...first!.shape.slice(1)];
  const same = parts.every(({ dtype }) => dtype === first!.dtype);
  const rows = same ? parts : parts.map((part) => fromFloat32(toFloat32(part), "F32"));
  return { dtype: rows[0]!.dtype, shape, bytes: new Uint8Array(Buffer.concat(rows.map(({ bytes }) => bytes))) };
}
