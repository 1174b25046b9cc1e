import type { LoadedSettings } from "./load.ts";
import type { Settings } from "./types.ts";

type Alive = { readonly [S in keyof Settings]?: readonly (keyof Settings[S])[] };

/** What may change while a node runs; all else is built into its parts, at the start. Of `sources`, everything may. */
const alive: Alive = {
  mqtt: ["outboxMaxMessages", "outboxMaxBytes", "whenOutboxFull", "whenQueueFull"],
  stream: [
    "maxCameras",
    "parallelFrames",
    "labelWindowMs",
    "labelWindowFrames",
    "labelWindowBytes",
    "correctionWindowMs",
    "maxPendingLabels",
    "maxLabels",
    "dedupeFrames",
    "learnBatch",
    "learnMaxWaitMs",
    "whenJournalFull",
    "journalWaitMs",
    "journalRetryMs",
    "asksPerHour",
    "telemetryMs",
    "accuracyWindow",
    "accuracyFading",
    "drainMs",
  ],
  snapshot: ["everyLearned", "everyMs", "precision", "keep", "publish"],
  state: ["journalMaxBytes"],
  monitor: ["stalledMs"],
  log: ["level"],
};

const aliveKeys: ReadonlySet<string> = new Set(
  Object.entries(alive).flatMap(([section, keys]) => keys.map((key) => `${section}.${key}`)),
);

/** @param key e.g. `stream.labelWindowMs`, `sources.gate.url`. */
export function isAlive(key: string): boolean {
  return aliveKeys.has(key) || key.startsWith("sources.");
}

/**
 * What the command `set` may change: whoever may send commands gets no say in addresses, paths and bounds of memory and
 * disk.
 */
export const settableKeys = [
  "log.level",
  "monitor.stalledMs",
  "snapshot.everyLearned",
  "snapshot.everyMs",
  "snapshot.precision",
  "snapshot.publish",
  "stream.asksPerHour",
  "stream.correctionWindowMs",
  "stream.labelWindowMs",
  "stream.learnBatch",
  "stream.learnMaxWaitMs",
  "stream.parallelFrames",
  "stream.telemetryMs",
  "stream.whenJournalFull",
] as const;

export type SettableKey = (typeof settableKeys)[number];

export function isSettable(key: string): key is SettableKey {
  return (settableKeys as readonly string[]).includes(key);
}

/** What runs after a reload: `next` where it can change alive, and `running` where only a restart would take it. */
export function takeAlive(running: LoadedSettings, next: LoadedSettings): LoadedSettings {
  const sections = Object.entries(alive).map(([section, keys]) => {
    const [old, now] = [running, next].map((of) => of[section as keyof Settings] as Readonly<Record<string, unknown>>);
    return [section, { ...old, ...Object.fromEntries(keys.map((key) => [key, now![key]])) }];
  });
  return { ...running, ...(Object.fromEntries(sections) as object), sources: next.sources };
}
