import { createHash } from "node:crypto";
import { closeSync, openSync, readSync, type Stats, statSync } from "node:fs";
import { open, type FileHandle, realpath, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { type Dtype, dtypeBytes, type StoredTensor, toFloat32 } from "../kernel/dtype.ts";
import { appError } from "../kernel/errors.ts";
import { decodeSafetensorsHead, safetensorsHeadBytes, type TensorPlace } from "../kernel/safetensors.ts";
import type { Tensor } from "../kernel/tensor.ts";
import type { StoredConstant } from "../onnx/graph.ts";
import type { Precision } from "./manifest.ts";
import { dequantised, scaleName, type StoredPart } from "./quantised.ts";

/** Weights in a file that a runtime may map as they lie, each at a multiple of its words. */
export interface MappableWeights {
  /** What the places' `location` is relative to. */
  readonly folder: string;
  /** By the file's names: those of int8 weights are of their parts and scales (see quantised.ts). */
  readonly tensors: ReadonlyMap<string, StoredConstant>;
  /** @throws AppError `model/changed` unless the file is the one that was read */
  check(): void;
}

/** Weights that stay in their file: held in memory once, by the engine, and not at all by who loaded them. */
export interface WeightsFile {
  /** Hex, of the whole file. */
  readonly sha256: string;
  /** Every weight as float32; its numbers are read from the file when they are asked for, and not kept. */
  readonly weights: ReadonlyMap<string, Tensor>;
  /** How the weights are stored, by the smallest number type among them. */
  readonly precision: Precision;
  /** Undefined where a tensor must be converted first (bfloat16). */
  readonly mappable: MappableWeights | undefined;
  /** Reads every number once. @throws AppError `model/not-finite` */
  checkNumbers(): Promise<void>;
}

const chunkBytes = 2 ** 20;

/**
 * Reads header and hash; the whole file is never in memory.
 * @throws AppError `safetensors/…`, `model/tensor-shape`, `model/changed` by `read`
 */
export async function openWeightsFile(
  path: string,
): Promise<Pick<WeightsFile, "sha256"> & { read(): Promise<WeightsFile> }> {
  // A hub's cache has links, and ONNX Runtime maps nothing that a link takes out of the folder.
  const real = await realpath(path);
  const file = await open(real);
  try {
    // Before the hash: what replaces the file from here on is another one.
    const seen = await file.stat();
    const sha256 = await hashOf(file);
    return { sha256, read: async () => weightsIn(real, seen, sha256) };
  } finally {
    await file.close();
  }
}

/** By the header alone, of a .safetensors file or a model's folder. @throws as `read`, and what the file system throws */
export async function storedPrecision(path: string): Promise<Precision> {
  const file = (await stat(path)).isDirectory() ? join(path, "model.safetensors") : path;
  return precisionOf([...readHead(file, statSync(file).size).values()].map(({ dtype }) => dtype));
}

function readHead(path: string, size: number): ReadonlyMap<string, TensorPlace> {
  const start = readBytes(path, 0, Math.min(8, size));
  const { tensors } = decodeSafetensorsHead(readBytes(path, 0, safetensorsHeadBytes(start, size)), size);
  checkTypes(tensors);
  return tensors;
}

function weightsIn(real: string, seen: Stats, sha256: string): WeightsFile {
  const check = (): void => checkUnchanged(real, seen);
  check();
  const tensors = readHead(real, seen.size);
  const places = [...tensors];
  const read = (place: TensorPlace): StoredTensor => {
    check();
    return { ...place, bytes: readBytes(real, place.begin, place.end - place.begin) };
  };
  return {
    sha256,
    weights: weightsOf(tensors, read),
    precision: precisionOf(places.map(([, { dtype }]) => dtype)),
    mappable: mappableOf(dirname(real), basename(real), places, check),
    checkNumbers: async () => {
      for (const [name, place] of places) {
        if (place.dtype !== "I8" && !toFloat32(read(place)).data.every(Number.isFinite)) {
          throw appError("model/not-finite", `"${name}" holds a number that is infinite or not a number`);
        }
        // A ViT-B takes a second: others have their turn between its tensors.
        await new Promise(setImmediate);
      }
    },
  };
}

/** By timm's names: as they are stored, and what int8 parts make up. */
function weightsOf(
  tensors: ReadonlyMap<string, TensorPlace>,
  read: (place: TensorPlace) => StoredTensor,
): ReadonlyMap<string, Tensor> {
  const floats = (place: TensorPlace): Tensor => lazily(place.shape, () => toFloat32(read(place)).data);
  const weights = new Map<string, Tensor>();
  const parts = new Map<string, StoredPart>();
  for (const [name, place] of tensors) {
    const scale = tensors.get(scaleName(name));
    if (place.dtype !== "I8") weights.set(name, floats(place));
    else parts.set(name, { shape: place.shape, values: () => int8(read(place)), scale: floats(scale!) });
  }
  for (const name of parts.keys()) weights.delete(scaleName(name));
  for (const [name, { shape, read: whole }] of dequantised(parts)) weights.set(name, lazily(shape, whole));
  return weights;
}

/** @throws AppError `safetensors/dtype` for what is neither floating point nor int8 with its scale */
function checkTypes(tensors: ReadonlyMap<string, TensorPlace>): void {
  for (const [name, { dtype }] of tensors) {
    const isQuantised = dtype === "I8" && tensors.get(scaleName(name))?.dtype === "F32";
    if (!isQuantised && !/^B?F\d+$/.test(dtype)) {
      throw appError("safetensors/dtype", `"${name}" has the number type ${dtype}, which no ViT's weights have`);
    }
  }
}

/** By the smallest number type; bfloat16 counts as fp16. */
export function precisionOf(dtypes: readonly Dtype[]): Precision {
  if (dtypes.includes("I8")) return "int8";
  return dtypes.some((dtype) => dtype === "F16" || dtype === "BF16") ? "fp16" : "fp32";
}

/** ONNX's names of the number types that its operators here take as they lie. */
const mappableTypes: { readonly [Key in Dtype]?: StoredConstant["type"] } = {
  F32: "float32",
  F16: "float16",
  I8: "int8",
};

function mappableOf(
  folder: string,
  location: string,
  places: readonly (readonly [string, TensorPlace])[],
  check: () => void,
): MappableWeights | undefined {
  const tensors = new Map<string, StoredConstant>();
  for (const [name, { dtype, shape, begin, end }] of places) {
    const type = mappableTypes[dtype];
    if (type === undefined || begin % dtypeBytes[dtype] !== 0) return undefined;
    tensors.set(name, { type, shape, data: { location, offset: begin, length: end - begin } });
  }
  return { folder, tensors, check };
}

function int8({ bytes }: StoredTensor): Int8Array {
  return new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** A tensor whose numbers are read when they are asked for, and again when the collector took them. */
function lazily(shape: readonly number[], read: () => Float32Array): Tensor {
  let last: WeakRef<Float32Array> | undefined;
  return {
    shape,
    get data() {
      const data = last?.deref() ?? read();
      last = new WeakRef(data);
      return data;
    },
  };
}

async function hashOf(file: FileHandle): Promise<string> {
  const hash = createHash("sha256");
  const chunk = Buffer.allocUnsafeSlow(chunkBytes);
  for (;;) {
    const { bytesRead } = await file.read(chunk, 0, chunkBytes);
    if (bytesRead === 0) return hash.digest("hex");
    hash.update(chunk.subarray(0, bytesRead));
  }
}

function checkUnchanged(path: string, { ino, size, mtimeMs }: Stats): void {
  const now = statSync(path, { throwIfNoEntry: false });
  if (now?.ino !== ino || now.size !== size || now.mtimeMs !== mtimeMs) {
    throw appError("model/changed", `${path} is ${now ? "not the file that was loaded" : "gone"}`);
  }
}

/** @throws AppError `model/changed` when the file is shorter than it was */
function readBytes(path: string, position: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  const file = openSync(path, "r");
  try {
    let filled = 0;
    while (filled < length) {
      const count = readSync(file, bytes, filled, length - filled, position + filled);
      if (count === 0) throw appError("model/changed", `${path} was cut short while it was read`);
      filled += count;
    }
    return bytes;
  } finally {
    closeSync(file);
  }
}
