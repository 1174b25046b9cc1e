import type { Tensor } from "../kernel/tensor.ts";

/** What the rest of the product knows of a loaded backbone. */
export interface BackboneInfo {
  /** The manifest's name, e.g. `vit_tiny_patch16_224`. */
  readonly name: string;
  /** `sha256` of the weights file, hex: the identity that snapshots are held against. */
  readonly modelId: string;
  /** D: width of q(x), of a key and of a prompt token. */
  readonly width: number;
  /** F: numbers of what `Engine.query` gives of an image, D or a small multiple of it. */
  readonly queryWidth: number;
  /** Input side in pixels; images are square. */
  readonly imageSize: number;
}

/** Images ready for the backbone: sRGB bytes [count, imageSize, imageSize, 3]; the engine normalises them. */
export interface ImageBatch {
  readonly pixels: Uint8Array;
  readonly count: number;
}

/** The head that the training step differentiates: linear f·Wᵀ + b, or cosine scale·cos(f, w) + b. */
export type HeadKind = { readonly kind: "linear" } | { readonly kind: "cosine"; readonly scale: number };

/**
 * One training step's inputs. B samples, T = N·Lp prompt tokens, N selected keys, C classes, D width.
 * Loss = mean over B of [ cross-entropy(logits + logitMask, target) + pullWeight · Σ_N (1 − cos(query, key)) ]
 * (L2P, eq. 5).
 */
export interface StepInput {
  readonly images: ImageBatch;
  /** [B, T, D], each sample's own selection. */
  readonly prompts: Tensor;
  /** q(x), [B, D]. */
  readonly queries: Tensor;
  /** The selected keys, [B, N, D]. */
  readonly keys: Tensor;
  /** [C, D] */
  readonly headWeight: Tensor;
  /** [C] */
  readonly headBias: Tensor;
  /** Each sample's distribution over classes (one-hot, or smoothed), [B, C]. */
  readonly targets: Tensor;
  /** Added to the logits: 0 keeps a class, a large negative number takes it out, [B, C]. */
  readonly logitMask: Tensor;
  /** λ of eq. 5. */
  readonly pullWeight: number;
}

export interface StepOutput {
  /** Mean of the prompt output tokens after the final LayerNorm, [B, D]. */
  readonly features: Tensor;
  /** Without the mask, [B, C]. */
  readonly logits: Tensor;
  /** Cross-entropy alone, a sample each, [B]. */
  readonly losses: Tensor;
  /** Of the mean loss, each in its input's shape. */
  readonly gradients: {
    readonly prompts: Tensor;
    readonly keys: Tensor;
    readonly headWeight: Tensor;
    readonly headBias: Tensor;
  };
}

/** Which execution provider runs, and what was tried before it. */
export interface ProviderReport {
  /** `onnx` or `tfjs`. */
  readonly engine: string;
  /** e.g. `cpu`, `cuda`, `wasm`: what really runs. */
  readonly provider: string;
  /** Providers that were tried first and why each was not taken. */
  readonly refused: readonly { readonly provider: string; readonly reason: string }[];
  /** What else whoever runs it should know; absent where there is nothing. */
  readonly notes?: readonly string[];
}

/**
 * A frozen ViT that predicts and differentiates. Prompts are inputs: loading a pool never re-creates it.
 * It computes in a thread of its own; calls may overlap and are answered in order. Batches of 1…32.
 * @throws AppError `engine/failed` when the runtime fails or its thread has ended, `engine/closed` after `close`
 */
export interface Engine {
  readonly info: BackboneInfo;
  readonly provider: ProviderReport;
  /**
   * What a pass without prompts says of an image, [B, F]: q(x), its final-LayerNorm CLS token, by which prompts are
   * selected; then means of its patch tokens at several depths (`queryTaps`), which know of texture, light and shape
   * what CLS left out.
   */
  query(images: ImageBatch): Promise<Tensor>;
  /** Mean prompt output token of a pass with `prompts` [B, T, D], T ≥ 1 → [B, D]. */
  prompted(images: ImageBatch, prompts: Tensor): Promise<Tensor>;
  step(input: StepInput): Promise<StepOutput>;
  close(): Promise<void>;
}
