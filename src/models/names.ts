import type { StoredTensor } from "../kernel/dtype.ts";
import { appError } from "../kernel/errors.ts";
import { refuseUnsupported } from "./unsupported.ts";

/** Tensors by timm's names, with q, k and v still apart where the file has them apart. */
export interface NamedTensors {
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** timm's name → the file's. */
  readonly original: ReadonlyMap<string, string>;
  readonly changes: readonly string[];
}

/** What wrappers and task models put before a ViT's own names. */
const prefixes = /^(?:(?:module|model|vit|deit|backbone|base_model)\.)+/;

/** Not needed for the CLS feature: heads of other tasks, what masks while pre-training, counters. */
const unused = /^pooler\.|^pre_logits\.|(?:^|\.)mask_token$|(?:^|\.)position_ids$/;

/** A block: `encoder.layer.7.`, since transformers 5 `layers.7.`. */
const block = /^(?:encoder\.layer|layers)\.(\d+)\./.source;

/** What follows in a block, with timm's name. */
const inBlock: readonly (readonly [string, string])[] = [
  ["attention\\.attention\\.query", "attn.q"],
  ["attention\\.attention\\.key", "attn.k"],
  ["attention\\.attention\\.value", "attn.v"],
  ["attention\\.attention\\.qkv", "attn.qkv"],
  ["attention\\.output\\.dense", "attn.proj"],
  ["layernorm_before", "norm1"],
  ["layernorm_after", "norm2"],
  ["intermediate\\.dense", "mlp.fc1"],
  ["output\\.dense", "mlp.fc2"],
  // transformers 5
  ["attention\\.q_proj", "attn.q"],
  ["attention\\.k_proj", "attn.k"],
  ["attention\\.v_proj", "attn.v"],
  ["attention\\.o_proj", "attn.proj"],
  ["mlp\\.fc1", "mlp.fc1"],
  ["mlp\\.fc2", "mlp.fc2"],
];

/**
 * Names of transformers' ViTModel, ViTForImageClassification and DeiT without distillation, as its own converter maps
 * them (src/transformers/models/vit/convert_vit_timm_to_pytorch.py in huggingface/transformers, `create_rename_keys`);
 * and timm's with q, k, v apart.
 */
const renames: readonly (readonly [RegExp, string])[] = [
  [/^embeddings\.cls_token$/, "cls_token"],
  [/^embeddings\.position_embeddings$/, "pos_embed"],
  [/^embeddings\.patch_embeddings\.projection\./, "patch_embed.proj."],
  ...inBlock.map(([theirs, ours]) => [new RegExp(`${block}${theirs}\\.`), `blocks.$1.${ours}.`] as const),
  [/^layernorm\./, "norm."],
  [/^classifier\./, "head."],
  [/^blocks\.(\d+)\.attn\.([qkv])_proj\./, "blocks.$1.attn.$2."],
];

/**
 * A file's tensors under timm's names, whichever of the known names they have.
 * @throws AppError `model/unsupported`, `model/tensor-twice`
 */
export function timmNames(file: ReadonlyMap<string, StoredTensor>): NamedTensors {
  const bare = new Map([...file.keys()].map((name) => [name, name.replace(prefixes, "")] as const));
  refuseUnsupported(bare.values());

  // What lies between the features and a head makes that head useless without it.
  const headIsUseless = [...bare.values()].some((name) => name.startsWith("pre_logits."));
  const tensors = new Map<string, StoredTensor>();
  const original = new Map<string, string>();
  const dropped: string[] = [];
  for (const [name, stored] of file) {
    const stripped = bare.get(name)!;
    const known = rename(stripped);
    if (unused.test(stripped) || (headIsUseless && known.startsWith("head."))) {
      dropped.push(name);
      continue;
    }
    if (tensors.has(known)) {
      throw appError("model/tensor-twice", `"${original.get(known)!}" and "${name}" are both "${known}"`);
    }
    tensors.set(known, stored);
    original.set(known, name);
  }
  const changes = [
    ...([...original].some(([known, name]) => known !== name) ? ["names are timm's now"] : []),
    ...(dropped.length > 0 ? [`left out ${dropped.toSorted().join(", ")}`] : []),
  ];
  return { tensors, original, changes };
}

function rename(name: string): string {
  const match = renames.find(([pattern]) => pattern.test(name));
  return match === undefined ? name : name.replace(match[0], match[1]);
}
