import { createHash } from "node:crypto";
import { closeSync, openSync, readSync, realpathSync, type Stats, statSync } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { toFloat32 } from "../kernel/dtype.ts";
import { appError } from "../kernel/errors.ts";
import { decodeSafetensorsHead, safetensorsHeadBytes, type TensorPlace } from "../kernel/safetensors.ts";
import type { Tensor } from "../kernel/tensor.ts";
import type { FileSpan } from "../onnx/graph.ts";

/** Weights in a file that a runtime may map as they lie: float32, each at a multiple of its words. */
export interface MappableWeights {
  /** What the spans' `location` is relative to. */
  readonly folder: string;
  readonly spans: ReadonlyMap<string, FileSpan>;
  /** @throws AppError `model/changed` unless the file is the one that was read */
  check(): void;
}

/** Weights that stay in their file: held in memory once, by the engine, and not at all by who loaded them. */
export interface WeightsFile {
  /** Hex, of the whole file. */
  readonly sha256: string;
  /** Every tensor as float32; its numbers are read from the file when they are asked for, and not kept. */
  readonly weights: ReadonlyMap<string, Tensor>;
  /** Undefined where a tensor must be converted first. */
  readonly mappable: MappableWeights | undefined;
  /** Reads every number once. @throws AppError `safetensors/dtype`, `model/not-finite` */
  checkNumbers(): Promise<void>;
}

const chunkBytes = 2 ** 20;

/** Reads header and hash; the whole file is never in memory. @throws AppError `safetensors/…` by `checkNumbers` */
export async function openWeightsFile(
  path: string,
): Promise<Pick<WeightsFile, "sha256"> & { read(): Promise<WeightsFile> }> {
  const file = await open(path);
  try {
    const sha256 = await hashOf(file);
    return { sha256, read: () => readWeightsFile(path, sha256) };
  } finally {
    await file.close();
  }
}

async function readWeightsFile(path: string, sha256: string): Promise<WeightsFile> {
  // A hub's cache has links, and ONNX Runtime maps nothing that a link takes out of the folder.
  const real = realpathSync(path);
  const seen = statSync(real);
  const check = (): void => checkUnchanged(real, seen);
  const start = readBytes(real, 0, Math.min(8, seen.size));
  const head = readBytes(real, 0, safetensorsHeadBytes(start, seen.size));
  const { tensors } = decodeSafetensorsHead(head, seen.size);
  const places = [...tensors];
  const read = (place: TensorPlace): Tensor => {
    check();
    return toFloat32({ ...place, bytes: readBytes(real, place.begin, place.end - place.begin) });
  };
  const isMappable = places.every(([, { dtype, begin }]) => dtype === "F32" && begin % 4 === 0);
  return {
    sha256,
    weights: new Map(places.map(([name, place]) => [name, lazily(place.shape, () => read(place).data)])),
    mappable: isMappable ? { folder: dirname(real), spans: spansOf(basename(real), places), check } : undefined,
    checkNumbers: async () => {
      for (const [name, place] of places) {
        // Quantised weights need their scales, which this product does not read.
        if (!/^B?F\d+$/.test(place.dtype)) {
          throw appError(
            "safetensors/dtype",
            `"${name}" has the number type ${place.dtype}, which no ViT's weights have`,
          );
        }
        if (!read(place).data.every(Number.isFinite)) {
          throw appError("model/not-finite", `"${name}" holds a number that is infinite or not a number`);
        }
        // A ViT-B takes a second: others have their turn between its tensors.
        await new Promise(setImmediate);
      }
    },
  };
}

function spansOf(location: string, places: readonly (readonly [string, TensorPlace])[]): ReadonlyMap<string, FileSpan> {
  return new Map(places.map(([name, { begin, end }]) => [name, { location, offset: begin, length: end - begin }]));
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
