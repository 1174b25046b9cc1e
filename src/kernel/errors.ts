/**
 * Every error code of the product with what a person can do about it: the one list.
 * Codes are `room/what`. Add a code beside its room's others.
 */
export const errorHints = {
  "graph/shape": "This is a bug where the graph is built: the operands' shapes do not fit.",
  "graph/no-gradient": "This is a bug where the graph is built: ask only for gradients of what the output depends on.",
  "engine/closed": "The engine was closed; create a new one.",
  "engine/provider": "No execution provider could start: see the reasons, or set `model.provider: cpu`.",
  "engine/input": "This is a bug in the caller: sizes and shapes must be those in `Engine`.",
  "engine/failed": "The inference runtime failed: see the cause. `l2p-edge doctor` checks the runtime.",
  "tensor/shape": "This is a bug in the caller: the data's length and shape must agree.",
  "safetensors/cut-short": "The file is incomplete: copy or download it again.",
  "safetensors/header": "The file is damaged or no .safetensors file.",
  "safetensors/header-too-large": "The file is damaged, hostile or no .safetensors file.",
  "safetensors/dtype": "Convert the tensors to F32, F16 or BF16.",
  "safetensors/shape": "The file is damaged: a tensor's shape and its bytes do not agree.",
  "safetensors/offsets": "The file is damaged: tensors must follow each other without holes or overlaps.",
  "manifest/invalid": "Correct the named keys; models/README.md describes the manifest.",
  "model/architecture":
    "Use the weights of a plain square pre-norm ViT in timm's names, and say `heads` in its manifest.",
  "model/tensor-missing": "The weights are not a plain ViT in timm's names; export the model with timm.",
  "model/tensor-shape":
    "The weights do not fit the manifest or are no plain ViT: take the manifest that came with them.",
  "model/tensor-unknown":
    "The model has parts this product does not compute (for example layer scale or distillation tokens): use a plain ViT.",
} as const;

export type ErrorCode = keyof typeof errorHints;

/** An error a person or a program can act on: a code, what is wrong, and (by its code) what to do. */
export class AppError extends Error {
  override readonly name = "AppError";
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }

  /** What to do about it. */
  get hint(): string {
    return errorHints[this.code];
  }
}

/** @example throw appError("snapshot/model-mismatch", "saved for a, running b", { cause }) */
export function appError(code: ErrorCode, message: string, options?: { cause?: unknown }): AppError {
  return new AppError(code, message, options);
}

/** True for an `AppError`, of the given code when one is given. */
export function isAppError(error: unknown, code?: ErrorCode): error is AppError {
  return error instanceof AppError && (code === undefined || error.code === code);
}
