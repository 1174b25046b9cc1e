import { inferArchitecture, type ArchitectureHints, type VitArchitecture } from "../backbone/architecture.ts";
import { fromFloat32, toFloat32, type StoredTensor } from "../kernel/dtype.ts";
import { appError, isAppError } from "../kernel/errors.ts";
import { decodeSafetensors, encodeSafetensors } from "../kernel/safetensors.ts";
import type { Tensor } from "../kernel/tensor.ts";
import { fuseAttention } from "./fuse.ts";
import { timmNames } from "./names.ts";
import { resamplePositions } from "./positions.ts";

export interface ConvertOptions extends ArchitectureHints {
  /** Pixels a side; default: what the position embeddings were made for. */
  readonly imageSize?: number | undefined;
}

/** Weights as this product reads them. */
export interface Converted {
  /** The file itself where nothing had to change, so that its hash stays its own. */
  readonly file: Uint8Array;
  readonly architecture: VitArchitecture;
  /** What was changed, in words; empty for the file itself. */
  readonly changes: readonly string[];
}

const maxImageSize = 2048;

/**
 * A .safetensors file with timm's or Hugging Face's names as a plain ViT in timm's names.
 * @throws AppError those of `decodeSafetensors`, `timmNames`, `fuseAttention` and `inferArchitecture`;
 * `safetensors/dtype`, `model/image-size`
 */
export function convertWeights(file: Uint8Array, { imageSize, ...hints }: ConvertOptions = {}): Converted {
  const named = fuseAttention(timmNames(decodeSafetensors(file).tensors));
  const tensors = new Map<string, StoredTensor>();
  const changes = [...named.changes];
  for (const [name, stored] of named.tensors) tensors.set(name, asFloat(named.original.get(name)!, stored, changes));

  const architecture = checked(tensors, named.original, hints);
  const { patchSize } = architecture;
  const wanted = imageSize ?? architecture.imageSize;
  checkImageSize(wanted, patchSize);
  if (wanted !== architecture.imageSize) {
    const [from, to] = [architecture.imageSize / patchSize, wanted / patchSize];
    const positions = resamplePositions(toFloat32(tensors.get("pos_embed")!), to);
    tensors.set("pos_embed", fromFloat32(positions, "F32"));
    changes.push(`position embeddings ${from}×${from} → ${to}×${to} (bicubic, antialiased)`);
  }
  if (changes.length === 0) return { file, architecture, changes };
  // PyTorch's readers of the format ask for this word.
  const converted = encodeSafetensors(tensors, new Map([["format", "pt"]]));
  return { file: converted, architecture: { ...architecture, imageSize: wanted }, changes };
}

/** Pixels a side, both. @throws AppError `model/image-size` */
export function checkImageSize(imageSize: number, patchSize: number): void {
  if (imageSize % patchSize === 0 && imageSize >= patchSize && imageSize <= maxImageSize) return;
  throw appError(
    "model/image-size",
    `${imageSize} is no multiple of the patch size ${patchSize} up to ${maxImageSize}`,
  );
}

function asFloat(name: string, stored: StoredTensor, changes: string[]): StoredTensor {
  if (["F32", "F16", "BF16"].includes(stored.dtype)) return stored;
  if (stored.dtype !== "F64") {
    throw appError("safetensors/dtype", `"${name}" has the number type ${stored.dtype}, which no ViT's weights have`);
  }
  if (!changes.includes("F64 → F32")) changes.push("F64 → F32");
  return fromFloat32(toFloat32(stored), "F32");
}

/** Faults are told with the file's own name of the tensor. */
function checked(
  tensors: ReadonlyMap<string, StoredTensor>,
  original: ReadonlyMap<string, string>,
  hints: ArchitectureHints,
): VitArchitecture {
  // Shapes alone decide: no number is read.
  const shapes = new Map<string, Tensor>(
    [...tensors].map(([name, { shape }]) => [name, { data: new Float32Array(), shape }]),
  );
  try {
    return inferArchitecture(shapes, hints);
  } catch (error) {
    if (!isAppError(error)) throw error;
    const [, name = ""] = /^"([^"]+)"/.exec(error.message) ?? [];
    const there = original.get(name);
    if (there === undefined || there === name) throw error;
    throw appError(error.code, `${error.message} (in the file: "${there}")`, { cause: error });
  }
}
