import type { LoadedSettings } from "./load.ts";
import { leavesOf, showable } from "./origins.ts";

/** A setting whose effective value is another now; undefined where it has none. Without what may be a password. */
export interface SettingChange {
  /** e.g. `stream.labelWindowMs`. */
  readonly key: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** What differs between two configurations, by key. That a password or token in a file is another is told too, and not which. */
export function settingChanges(before: LoadedSettings, after: LoadedSettings): readonly SettingChange[] {
  const old = valuesOf(before);
  const now = valuesOf(after);
  const changes = [...new Set([...old.keys(), ...now.keys()])]
    .filter((key) => JSON.stringify(old.get(key)) !== JSON.stringify(now.get(key)))
    .map((key): SettingChange => ({ key, before: showable(old.get(key)), after: showable(now.get(key)) }));
  if (before.mqttPassword?.reveal() !== after.mqttPassword?.reveal()) changes.push(secretChange("mqtt password"));
  if (before.dashboardToken?.reveal() !== after.dashboardToken?.reveal()) changes.push(secretChange("dashboard token"));
  return changes;
}

function secretChange(key: string): SettingChange {
  return { key, before: "[secret]", after: "[secret]" };
}

/** `stream.labelWindowMs: 1000 → 2000` */
export function describeChange({ key, before, after }: SettingChange): string {
  return `${key}: ${shown(before)} → ${shown(after)}`;
}

function shown(value: unknown): string {
  return value === undefined ? "none" : JSON.stringify(value);
}

function valuesOf(settings: LoadedSettings): Map<string, unknown> {
  return new Map(leavesOf(settings).map(({ path, value }) => [path.join("."), value]));
}
