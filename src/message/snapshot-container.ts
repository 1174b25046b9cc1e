import { createHash } from "node:crypto";
import type { StoredTensor } from "../kernel/dtype.ts";
import { appError } from "../kernel/errors.ts";
import { decodeSafetensors, encodeSafetensors, type Safetensors } from "../kernel/safetensors.ts";

/** What a container holds: the compact state for the air, or all of it for the disk. */
export type ContainerKind = "snapshot" | "checkpoint";

/** One number for both kinds; a change of shape is a new version. */
const version = 1;

const mark = "l2p-edge/";
const digestKey = '"sha256":"';
const blank = "0".repeat(64);

/**
 * A .safetensors file that says what it is and notices damage: in its `__metadata__` stand `format`, `version` and
 * `sha256`, in every version the hash of the whole file with the 64 digits of the hash itself set to "0".
 */
export function seal(
  kind: ContainerKind,
  metadata: Readonly<Record<string, string>>,
  tensors: ReadonlyMap<string, StoredTensor>,
): Uint8Array {
  const head = { ...metadata, format: `${mark}${kind}`, version: String(version), sha256: blank };
  const file = encodeSafetensors(tensors, new Map(Object.entries(head)));
  file.set(new TextEncoder().encode(sha256(file)), digestAt(file));
  return file;
}

/**
 * The tensors' bytes are views into `file`.
 * @throws AppError `snapshot/damaged`, `snapshot/version`, `snapshot/format`; nothing else, whatever the bytes.
 */
export function unseal(kind: ContainerKind, file: Uint8Array): Safetensors {
  const at = digestAt(file);
  if (at === undefined) {
    if (bufferOf(file).includes(mark)) throw appError("snapshot/damaged", "its hash is not where it should be");
    throw appError("snapshot/format", `${file.length} bytes that are no ${kind}`);
  }
  if (digestOf(file, at) !== bufferOf(file).toString("latin1", at, at + blank.length)) {
    throw appError("snapshot/damaged", "its bytes do not have the hash that it states");
  }
  const contents = parse(kind, file);
  const format = contents.metadata.get("format");
  if (!format?.startsWith(mark)) throw appError("snapshot/format", `a file of another format, no ${kind}`);
  const found = contents.metadata.get("version") ?? "";
  if (!/^[1-9]\d{0,8}$/.test(found)) throw appError("snapshot/format", "it states no version");
  if (Number(found) > version) {
    throw appError("snapshot/version", `version ${found}, this program reads up to ${version}`);
  }
  if (format !== `${mark}${kind}`) {
    throw appError("snapshot/format", `a ${format.slice(mark.length, 40)}, not a ${kind}`);
  }
  return contents;
}

/** In hexadecimal, of the whole bytes: what `sha256sum` prints. */
export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function digestOf(file: Uint8Array, at: number): string {
  const hash = createHash("sha256").update(file.subarray(0, at)).update(blank);
  return hash.update(file.subarray(at + blank.length)).digest("hex");
}

/** Where the hash's digits begin. In the header's JSON no other text can look like this: quotes in strings are escaped. */
function digestAt(file: Uint8Array): number | undefined {
  const buffer = bufferOf(file);
  const key = buffer.indexOf(digestKey);
  if (key < 0) return undefined;
  const at = key + digestKey.length;
  return /^[0-9a-f]{64}"$/.test(buffer.toString("latin1", at, at + blank.length + 1)) ? at : undefined;
}

function parse(kind: ContainerKind, file: Uint8Array): Safetensors {
  try {
    return decodeSafetensors(file);
  } catch (cause) {
    throw appError("snapshot/format", `no ${kind}: not a readable .safetensors file`, { cause });
  }
}

function bufferOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
