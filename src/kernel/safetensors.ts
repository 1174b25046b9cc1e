import { dtypeBytes, type Dtype, type StoredTensor } from "./dtype.ts";
import { appError } from "./errors.ts";
import { duplicateKey } from "./json.ts";

/**
 * The one container for models, snapshots and checkpoints: the safetensors format
 * (https://github.com/huggingface/safetensors#format), read as strictly as its reference implementation:
 * 8 bytes of header length, a JSON header, then the tensors' bytes without holes or overlaps.
 */
export interface Safetensors {
  /** The header's `__metadata__`. */
  readonly metadata: ReadonlyMap<string, string>;
  /** In the order of their bytes in the file. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
}

export interface SafetensorsLimits {
  /** The format's own limit, and the default, is 100 MB. */
  readonly maxHeaderBytes: number;
}

const formatLimits: SafetensorsLimits = { maxHeaderBytes: 100_000_000 };

/** Where a tensor lies: bytes from the beginning of the file. */
export interface TensorPlace extends Omit<StoredTensor, "bytes"> {
  readonly begin: number;
  readonly end: number;
}

/** What a file's header says, checked against the file's length. */
export interface SafetensorsLayout {
  readonly metadata: ReadonlyMap<string, string>;
  /** In the order of their bytes in the file. */
  readonly tensors: ReadonlyMap<string, TensorPlace>;
}

/**
 * The tensors' bytes are views into `file`, not copies.
 * @throws AppError `safetensors/cut-short`, `safetensors/header-too-large`, `safetensors/header`,
 * `safetensors/dtype`, `safetensors/shape`, `safetensors/offsets`; nothing else, whatever the bytes.
 */
export function decodeSafetensors(file: Uint8Array, limits: SafetensorsLimits = formatLimits): Safetensors {
  const head = file.subarray(0, safetensorsHeadBytes(file.subarray(0, 8), file.length, limits));
  const { metadata, tensors: places } = decodeSafetensorsHead(head, file.length);
  const tensors = new Map<string, StoredTensor>();
  for (const [name, { dtype, shape, begin, end }] of places) {
    tensors.set(name, { dtype, shape, bytes: file.subarray(begin, end) });
  }
  return { metadata, tensors };
}

/**
 * How many bytes come before the first tensor, for who does not want to read the whole file.
 * @param start The file's first 8 bytes, or all there are.
 * @throws AppError `safetensors/cut-short`, `safetensors/header-too-large`
 */
export function safetensorsHeadBytes(
  start: Uint8Array,
  fileLength: number,
  limits: SafetensorsLimits = formatLimits,
): number {
  if (start.length < 8) throw appError("safetensors/cut-short", `${start.length} bytes are too few for a header`);
  const declared = new DataView(start.buffer, start.byteOffset).getBigUint64(0, true);
  if (declared > BigInt(limits.maxHeaderBytes)) {
    throw appError("safetensors/header-too-large", `the header claims ${declared} bytes`);
  }
  const dataStart = 8 + Number(declared);
  if (dataStart > fileLength) {
    throw appError("safetensors/cut-short", `the header claims ${declared} bytes, the file has ${fileLength}`);
  }
  return dataStart;
}

/** @param head The file's first `safetensorsHeadBytes` bytes. @throws as `decodeSafetensors` */
export function decodeSafetensorsHead(head: Uint8Array, fileLength: number): SafetensorsLayout {
  const header = parseHeader(head.subarray(8));
  const dataLength = fileLength - head.length;

  let metadata: ReadonlyMap<string, string> = new Map();
  const entries: [string, Entry][] = [];
  for (const [name, value] of Object.entries(header)) {
    if (name === "__metadata__") metadata = parseMetadata(value);
    else entries.push([name, parseEntry(name, value)]);
  }
  entries.sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end);

  const tensors = new Map<string, TensorPlace>();
  let position = 0;
  for (const [name, { dtype, shape, begin, end }] of entries) {
    if (begin !== position) {
      throw appError(
        "safetensors/offsets",
        `"${short(name)}" begins at ${begin}, the tensor before it ends at ${position}`,
      );
    }
    if (end > dataLength) {
      throw appError("safetensors/cut-short", `"${short(name)}" ends at byte ${end} of ${dataLength}`);
    }
    tensors.set(name, { dtype, shape, begin: head.length + begin, end: head.length + end });
    position = end;
  }
  if (position !== dataLength) {
    throw appError("safetensors/offsets", `${dataLength - position} bytes after the last tensor`);
  }
  return { metadata, tensors };
}

/**
 * Same tensors and metadata, whatever their order → same bytes. Tensors lie sorted by word size, largest first,
 * then by name: each is aligned to its own words without holes.
 * @throws AppError `safetensors/shape` for bytes that do not fill the shape, `safetensors/header` for a reserved name.
 */
export function encodeSafetensors(
  tensors: ReadonlyMap<string, StoredTensor>,
  metadata: ReadonlyMap<string, string> = new Map(),
): Uint8Array {
  const sorted = [...tensors].toSorted(
    ([nameA, a], [nameB, b]) => dtypeBytes[b.dtype] - dtypeBytes[a.dtype] || compare(nameA, nameB),
  );
  const header: [string, unknown][] = [];
  if (metadata.size > 0) {
    const pairs = [...metadata].toSorted(([a], [b]) => compare(a, b));
    header.push(["__metadata__", Object.fromEntries(pairs)]);
  }
  let dataLength = 0;
  for (const [name, { dtype, shape, bytes }] of sorted) {
    if (name === "__metadata__") throw appError("safetensors/header", `no tensor may be named "${short(name)}"`);
    if (byteLength(name, dtype, shape) !== bytes.length) {
      throw appError(
        "safetensors/shape",
        `"${short(name)}": ${bytes.length} bytes do not fill ${dtype} [${short(shape.join(","))}]`,
      );
    }
    header.push([name, { dtype, shape, data_offsets: [dataLength, dataLength + bytes.length] }]);
    dataLength += bytes.length;
  }
  // fromEntries defines own properties, so that even "__proto__" is a name like any other.
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  const headerLength = Math.ceil(json.length / 8) * 8;
  const file = new Uint8Array(8 + headerLength + dataLength);
  new DataView(file.buffer).setBigUint64(0, BigInt(headerLength), true);
  file.fill(0x20, 8, 8 + headerLength).set(json, 8);
  let position = 8 + headerLength;
  for (const [, { bytes }] of sorted) {
    file.set(bytes, position);
    position += bytes.length;
  }
  return file;
}

interface Entry {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

function parseHeader(bytes: Uint8Array): object {
  let text: string;
  let header: unknown;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    header = JSON.parse(text);
  } catch (cause) {
    throw appError("safetensors/header", "the header is not JSON in UTF-8", { cause });
  }
  if (!isRecord(header)) throw appError("safetensors/header", "the header is not a JSON object");
  const twice = duplicateKey(text);
  if (twice !== undefined) throw appError("safetensors/header", `the header has two keys "${short(twice)}"`);
  return header;
}

function parseMetadata(value: unknown): ReadonlyMap<string, string> {
  const entries = isRecord(value) ? Object.entries(value) : undefined;
  if (entries === undefined || !entries.every((entry): entry is [string, string] => typeof entry[1] === "string")) {
    throw appError("safetensors/header", "__metadata__ is not an object of strings");
  }
  return new Map(entries);
}

function parseEntry(name: string, value: unknown): Entry {
  if (!isRecord(value)) throw appError("safetensors/header", `"${short(name)}" is not described by an object`);
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== "string" || !isDtype(dtype)) {
    throw appError(
      "safetensors/dtype",
      `"${short(name)}" has the number type ${typeof dtype === "string" ? short(dtype) : typeof dtype}`,
    );
  }
  if (!isCounts(shape)) throw appError("safetensors/shape", `"${short(name)}" has no shape of whole numbers`);
  if (!isCounts(offsets) || offsets.length !== 2) {
    throw appError("safetensors/offsets", `"${short(name)}" has no two data offsets`);
  }
  const [begin, end] = offsets as [number, number];
  if (end - begin !== byteLength(name, dtype, shape)) {
    throw appError(
      "safetensors/shape",
      `"${short(name)}": bytes ${begin} to ${end} do not fill ${dtype} [${short(shape.join(","))}]`,
    );
  }
  return { dtype, shape, begin, end };
}

function byteLength(name: string, dtype: Dtype, shape: readonly number[]): number {
  let length: number = dtypeBytes[dtype];
  for (const dim of shape) {
    length *= dim;
    if (!Number.isSafeInteger(dim) || dim < 0 || !Number.isSafeInteger(length))
      throw appError("safetensors/shape", `"${short(name)}" has an impossible shape`);
  }
  return length;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isDtype(value: string): value is Dtype {
  return Object.hasOwn(dtypeBytes, value);
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}

/** Hostile names may have megabytes. */
function short(name: string): string {
  return name.length > 80 ? `${name.slice(0, 80)}…` : name;
}

/** By UTF-16 code units: the same on every machine, unlike `localeCompare`. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
