import { paper, stream } from "../learner/presets.ts";
import type { LearnerSettings } from "../learner/settings.ts";
import type { LearnerChoice } from "../settings/types.ts";

const presets: { readonly [Name in LearnerChoice["preset"]]: LearnerSettings } = {
  stream,
  paper: paper.cifar100,
  "paper-cifar100-first-release": paper.cifar100FirstRelease,
  "paper-cifar100-ports": paper.cifar100Ports,
  "paper-five-datasets": paper.fiveDatasets,
  "paper-core50": paper.core50,
};

/** The preset with what the configuration changes of it; the learner itself checks the result. */
export function learnerSettings({ preset, overrides }: LearnerChoice): LearnerSettings {
  const base = presets[preset];
  const { heads = base.heads, topLabels = base.topLabels } = overrides;
  return {
    ...base,
    heads,
    topLabels,
    pool: { ...base.pool, ...given(overrides.pool) },
    loss: { ...base.loss, ...given(overrides.loss) },
    optimiser: { ...base.optimiser, ...given(overrides.optimiser) },
    combine: { ...base.combine, ...given(overrides.combine) },
    unknown: { ...base.unknown, ...given(overrides.unknown) },
  };
}

/** Only the keys that have a value. */
function given<T extends object>(part: T | undefined): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(part ?? {}).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> };
}
