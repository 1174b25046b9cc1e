import type { LearnerState, StateArray } from "../kernel/state.ts";
import { dot } from "../kernel/tensor.ts";
import type { SavedFile } from "./snapshot-file.ts";

/** How far one thing moved: 1 − cosine, 0…2; null where one of the two is zero. */
export type Distance = number | null;

export interface SnapshotDiff {
  readonly versions: readonly [from: number, to: number];
  /** False: prompts, keys and means of the two mean different things, and no distances are given. */
  readonly sameModel: boolean;
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** A label that went and one that came with the same class mean. */
  readonly renamed: readonly (readonly [from: string, to: string])[];
  /** Samples learned of each label that both have, when they differ. */
  readonly counts: readonly (readonly [label: string, from: number, to: number])[];
  /** By prompt id; empty where the pools are of different shapes. */
  readonly prompts: readonly Distance[];
  readonly keys: readonly Distance[];
  readonly classMeans: readonly (readonly [label: string, distance: Distance])[];
}

/** A mean that moved less than this share of the way to the nearest other class is still that class's. */
const sameClassShare = 0.1;

/** What changed from one saved state to another. */
export function diffSaved(from: SavedFile, to: SavedFile): SnapshotDiff {
  const sameModel = from.about.modelId === to.about.modelId;
  const [before, after] = [classesOf(from.state), classesOf(to.state)];
  const gone = [...before.keys()].filter((label) => !after.has(label));
  const come = [...after.keys()].filter((label) => !before.has(label));
  const renamed = sameModel ? renames(before, after, gone, come) : [];
  const both = [...before].flatMap(([label, old]) => {
    const now = after.get(renamed.find(([was]) => was === label)?.[1] ?? label);
    return now === undefined ? [] : [{ label, old, now }];
  });
  return {
    versions: [from.about.poolVersion, to.about.poolVersion],
    sameModel,
    added: come.filter((label) => !renamed.some(([, name]) => name === label)),
    removed: gone.filter((label) => !renamed.some(([name]) => name === label)),
    renamed,
    counts: both
      .filter(({ old, now }) => old.count !== now.count)
      .map(({ label, old, now }) => [label, old.count, now.count] as const),
    prompts: sameModel ? rowDistances(from.state, to.state, "prompts") : [],
    keys: sameModel ? rowDistances(from.state, to.state, "keys") : [],
    classMeans: sameModel
      ? both
          .filter(({ old, now }) => old.mean.length > 0 && old.mean.length === now.mean.length)
          .map(({ label, old, now }) => [label, distance(old.mean, now.mean)] as const)
      : [],
  };
}

interface Class {
  readonly count: number;
  /** [D]; empty where the state has no statistics. */
  readonly mean: Float32Array;
}

/** By label. @returns nothing of a state that is no learner's */
function classesOf({ meta, arrays }: LearnerState): ReadonlyMap<string, Class> {
  const labels = labelsOf(meta);
  const counts = arrays["classCounts"]?.data ?? [];
  const means = rows(arrays["classMeans"]);
  return new Map(labels.map((label, c) => [label, { count: counts[c] ?? 0, mean: means[c] ?? new Float32Array(0) }]));
}

/** In the order they were first seen; what is no text is left out. */
export function labelsOf(meta: LearnerState["meta"]): readonly string[] {
  const { labels } = meta;
  return Array.isArray(labels) ? labels.filter((label) => typeof label === "string") : [];
}

function renames(
  before: ReadonlyMap<string, Class>,
  after: ReadonlyMap<string, Class>,
  gone: readonly string[],
  come: readonly string[],
): (readonly [string, string])[] {
  const free = new Set(come);
  return gone.flatMap((was) => {
    const { mean, count } = before.get(was)!;
    const nearestOther = Math.min(
      ...[...before].filter(([label]) => label !== was).map(([, other]) => distance(mean, other.mean) ?? Infinity),
    );
    const candidates = [...free]
      .filter((label) => after.get(label)!.count >= count)
      .map((label) => ({ label, moved: distance(mean, after.get(label)!.mean) ?? Infinity }))
      .filter(({ moved }) => moved < 0.01 && moved <= sameClassShare * nearestOther)
      .toSorted((a, b) => a.moved - b.moved);
    const found = candidates[0]?.label;
    if (found === undefined) return [];
    free.delete(found);
    return [[was, found] as const];
  });
}

function rowDistances(from: LearnerState, to: LearnerState, name: string): Distance[] {
  const [a, b] = [from.arrays[name], to.arrays[name]];
  if (a === undefined || b === undefined || a.shape.join() !== b.shape.join()) return [];
  const others = rows(b);
  return rows(a).map((row, i) => distance(row, others[i]!));
}

/** Along the first dimension. */
function rows(array: StateArray | undefined): Float32Array[] {
  const count = array?.shape[0] ?? 0;
  if (array === undefined || count === 0) return [];
  const width = array.data.length / count;
  return Array.from({ length: count }, (_, i) => Float32Array.from(array.data.subarray(i * width, (i + 1) * width)));
}

function distance(a: Float32Array, b: Float32Array): Distance {
  if (a.length === 0 || a.length !== b.length) return null;
  const lengths = Math.sqrt(dot(a, a) * dot(b, b));
  // Rounding may put a cosine just above 1.
  return lengths === 0 ? null : Math.max(0, 1 - dot(a, b) / lengths);
}
