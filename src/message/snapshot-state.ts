import { readNumbers, storeNumbers, type StoredTensor } from "../kernel/dtype.ts";
import { appError } from "../kernel/errors.ts";
import type { Safetensors } from "../kernel/safetensors.ts";
import type { LearnerState, StateArray } from "../kernel/state.ts";
import { readAbout, type SnapshotAbout } from "./snapshot-about.ts";
import { seal, unseal, type ContainerKind } from "./snapshot-container.ts";
import { expandRows, scaleName } from "./snapshot-precision.ts";

/** What snapshots and checkpoints have in common. */
export interface SavedState {
  readonly about: SnapshotAbout;
  readonly state: LearnerState;
}

/** @param store How an array is stored: one tensor, or several under names that begin with the array's. */
export function encodeState(
  kind: ContainerKind,
  { about, state }: SavedState,
  more: Readonly<Record<string, string>>,
  store: (name: string, array: StateArray) => readonly (readonly [name: string, tensor: StoredTensor])[],
): Uint8Array {
  const metadata = { ...more, about: JSON.stringify(readAbout(about)), state: JSON.stringify(state.meta) };
  return seal(kind, metadata, new Map(Object.entries(state.arrays).flatMap(([name, array]) => store(name, array))));
}

/**
 * The state's arrays may share memory with `bytes`. Whether they are a learner's only the learner can tell.
 * @throws AppError `snapshot/damaged`, `snapshot/version`, `snapshot/format`; nothing else, whatever the bytes.
 */
export function decodeState(kind: ContainerKind, bytes: Uint8Array): SavedState & Pick<Safetensors, "metadata"> {
  const { metadata, tensors } = unseal(kind, bytes);
  const meta = jsonOf(metadata, "state");
  if (!isRecord(meta)) throw appError("snapshot/format", "its state is not a JSON object");
  const arrays: [string, StateArray][] = [];
  for (const [name, tensor] of tensors) {
    // An array's scales are read together with it.
    if (name.endsWith(scaleName("")) && tensors.get(name.slice(0, -scaleName("").length))?.dtype === "I8") continue;
    arrays.push([name, arrayOf(name, tensor, tensors.get(scaleName(name)))]);
  }
  return { about: readAbout(jsonOf(metadata, "about")), state: { meta, arrays: Object.fromEntries(arrays) }, metadata };
}

/** @throws AppError `snapshot/format` */
export function jsonOf(metadata: ReadonlyMap<string, string>, key: string): unknown {
  try {
    return JSON.parse(metadata.get(key) ?? "");
  } catch (cause) {
    throw appError("snapshot/format", `its "${key}" is not JSON`, { cause });
  }
}

/** Without conversion. */
export function storeExactly(name: string, { data, shape }: StateArray): readonly [readonly [string, StoredTensor]] {
  return [[name, storeNumbers(data, shape)]];
}

function arrayOf(name: string, tensor: StoredTensor, scales: StoredTensor | undefined): StateArray {
  const { dtype, shape } = tensor;
  if (dtype === "I8") return { data: expandRows(name, tensor, scales), shape };
  if (dtype !== "F16" && dtype !== "F32" && dtype !== "F64" && dtype !== "I32") {
    throw appError("snapshot/format", `"${name.slice(0, 80)}" is of type ${dtype}`);
  }
  return { data: readNumbers(tensor), shape };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
