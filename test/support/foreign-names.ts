import type { StoredTensor } from "../../src/kernel/dtype.ts";

type Stored = ReadonlyMap<string, StoredTensor>;

const block = /^blocks\.(\d+)\./;

/** timm's fused qkv [3D, …] cut into its q, k and v. */
function apart(name: string, stored: StoredTensor): [string, StoredTensor][] {
  if (!name.includes(".attn.qkv.")) return [[name, stored]];
  const shape = [stored.shape[0]! / 3, ...stored.shape.slice(1)];
  const third = stored.bytes.length / 3;
  return ["q", "k", "v"].map((part, i) => [
    name.replace("qkv", part),
    { dtype: stored.dtype, shape, bytes: stored.bytes.slice(i * third, (i + 1) * third) },
  ]);
}

function mapped(tensors: Stored, rename: (name: string) => string): Map<string, StoredTensor> {
  return new Map([...tensors].map(([name, stored]) => [rename(name), stored]));
}

/** The renames of one block and of the rest; the longest that fits wins. */
function by(table: Readonly<Record<string, string>>, layer: string): (name: string) => string {
  return (name) => {
    const inner = name.replace(block, "");
    const key = Object.keys(table).find((start) => inner.startsWith(start));
    const renamed = key === undefined ? inner : table[key] + inner.slice(key.length);
    const index = block.exec(name)?.[1];
    return index === undefined ? renamed : `${layer}.${index}.${renamed}`;
  };
}

const outside = {
  cls_token: "embeddings.cls_token",
  pos_embed: "embeddings.position_embeddings",
  "patch_embed.proj": "embeddings.patch_embeddings.projection",
  "norm.": "layernorm.",
};

/** As transformers' ViTModel has them, up to version 4. */
export function transformersNames(tensors: Stored, prefix = ""): Map<string, StoredTensor> {
  const separate = new Map([...tensors].flatMap(([name, stored]) => apart(name, stored)));
  const table = {
    ...outside,
    "attn.q.": "attention.attention.query.",
    "attn.k.": "attention.attention.key.",
    "attn.v.": "attention.attention.value.",
    "attn.proj": "attention.output.dense",
    norm1: "layernorm_before",
    norm2: "layernorm_after",
    "mlp.fc1": "intermediate.dense",
    "mlp.fc2": "output.dense",
  };
  const rename = by(table, "encoder.layer");
  // The head stands beside the model.
  return mapped(separate, (name) =>
    name.startsWith("head.") ? name.replace("head", "classifier") : prefix + rename(name),
  );
}

/** As transformers 5 has them. */
export function transformers5Names(tensors: Stored, prefix = ""): Map<string, StoredTensor> {
  const separate = new Map([...tensors].flatMap(([name, stored]) => apart(name, stored)));
  const table = {
    ...outside,
    "attn.q.": "attention.q_proj.",
    "attn.k.": "attention.k_proj.",
    "attn.v.": "attention.v_proj.",
    "attn.proj": "attention.o_proj",
    norm1: "layernorm_before",
    norm2: "layernorm_after",
  };
  const rename = by(table, "layers");
  return mapped(separate, (name) =>
    name.startsWith("head.") ? name.replace("head", "classifier") : prefix + rename(name),
  );
}

/** timm's, with q, k and v apart and a wrapper's prefix. */
export function wrappedNames(tensors: Stored, prefix: string): Map<string, StoredTensor> {
  const separate = new Map([...tensors].flatMap(([name, stored]) => apart(name, stored)));
  return mapped(separate, (name) => prefix + name);
}
