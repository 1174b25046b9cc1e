import type { LearnerState } from "./types.ts";

/** Arrays of a compact state. */
const kept: ReadonlySet<string> = new Set([
  "prompts",
  "keys",
  "headWeight",
  "headBias",
  "lastSeen",
  "classCounts",
  "classMeans",
  "headWeights",
  "headCurvature",
]);

/** What `saveCompact` would give of a saved state: its compact part, float32 and int32; of a compact state, itself. */
export function compactState({ meta, arrays }: LearnerState): LearnerState {
  const compact = Object.entries(arrays)
    .filter(([name]) => kept.has(name))
    .map(([name, { data, shape }]) => {
      return [name, { data: data instanceof Float64Array ? Float32Array.from(data) : data.slice(), shape }] as const;
    });
  return { meta: { ...meta, kind: "compact" }, arrays: Object.fromEntries(compact) };
}
