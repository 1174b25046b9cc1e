import { appError } from "../kernel/errors.ts";

/**
 * Parts that networks of the ViT family have and the plain pre-norm ViT has not, by their tensors' names in timm,
 * in Hugging Face's transformers and in the authors' own files.
 */
const parts: readonly (readonly [RegExp, string])[] = [
  [
    /(^|\.)(dist_token|distillation_token|head_dist|distillation_classifier)\b/,
    "a distillation token (distilled DeiT; DeiT without distillation fits)",
  ],
  [/(^|\.)(reg_tokens?|register_tokens|storage_tokens)$/, "register tokens (DINOv2 with registers)"],
  [
    /^(vision_model|visual|text_model)\.|(^|\.)(norm_pre|ln_pre|pre_layr?norm)\./,
    "CLIP's shape: a LayerNorm before the first block and quick-GELU",
  ],
  [/(^|\.)(ls[12]\.gamma|gamma_[12]|layer_scale[12]\.lambda1|lambda_[12])$/, "layer scale (DINOv2, DeiT III, BEiT)"],
  [/relative_position|rel_pos/, "relative positions (BEiT, Swin)"],
  [/(^|\.)[qk]_norm\./, "normalised queries and keys"],
  [/(^|\.)fc_norm\./, "a head on the mean of the patch tokens"],
  [/(^|\.)attn_pool\./, "a head with attention of its own (SigLIP)"],
  [/(^|\.)mlp\.(w12|w3|fc1_g|weights_in)\b/, "gated MLPs (SwiGLU)"],
  [/(^|\.)(patch_embed|patch_embeddings)\.backbone\./, "a convolutional stem (hybrid ViT)"],
];

/** @throws AppError `model/unsupported`, naming the tensor and what it belongs to */
export function refuseUnsupported(names: Iterable<string>): void {
  const all = [...names];
  for (const [pattern, what] of parts) {
    const name = all.find((candidate) => pattern.test(candidate));
    if (name !== undefined) {
      throw appError("model/unsupported", `"${name}" belongs to what this product does not compute: ${what}`);
    }
  }
}
