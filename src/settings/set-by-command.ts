import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { appError, isAppError } from "../kernel/errors.ts";
import { isSettable, type SettableKey } from "./alive.ts";
import { inconsistencies } from "./consistency.ts";
import { faultsOf } from "./fault.ts";
import { deepFreeze, type LoadedSettings } from "./load.ts";
import { settingsSchema } from "./schema.ts";
import type { Settings } from "./types.ts";

/** A setting's value as `set` takes it. */
export type SetValue = string | number | boolean;

/** What the command `set` changed, and what the configuration said then: as long as that says the same, this holds. */
export type SetByCommand = ReadonlyMap<SettableKey, { readonly value: SetValue; readonly over: SetValue }>;

/** Beside the checkpoints, in the state folder. */
export const setFile = "settings.json";

const value = z.union([z.string(), z.number(), z.boolean()]);
const schema = z.object({ v: z.literal(1), settings: z.record(z.string(), z.object({ value, over: value })) });

export function encodeSet(set: SetByCommand): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify({ v: 1, settings: Object.fromEntries(set) }, null, 2)}\n`);
}

/** What a state folder keeps of it; null where what its file holds is nothing of the kind. */
export function readSet(stateFolder: string): SetByCommand | null {
  let text: string;
  try {
    text = readFileSync(join(stateFolder, setFile), "utf8");
  } catch {
    // Not there; or the folder cannot be used at all, which its opening says with a code.
    return new Map();
  }
  try {
    const { settings } = schema.parse(JSON.parse(text));
    return new Map(Object.entries(settings).flatMap(([key, set]) => (isSettable(key) ? [[key, set]] : [])));
  } catch {
    return null;
  }
}

/** What of it still holds over a configuration: the last change counts, by whichever way. */
export function holding(configured: LoadedSettings, set: SetByCommand): SetByCommand {
  const holds = [...set].filter(([key, { over, value: own }]) => {
    return valueOf(configured, key) === over && isFine(configured, key, own);
  });
  return new Map(holds);
}

/** @param set What is `holding` over it. */
export function withSet(configured: LoadedSettings, set: SetByCommand): LoadedSettings {
  return [...set].reduce((settings, [key, { value: own }]) => assigned(settings, key, own), configured);
}

export function valueOf(settings: LoadedSettings, key: SettableKey): SetValue {
  const [section, name] = parts(key);
  return sectionOf(settings, section)[name] as SetValue;
}

/** The settings with a value that `checkedValue` gave. */
export function assigned(settings: LoadedSettings, key: SettableKey, own: SetValue): LoadedSettings {
  const [section, name] = parts(key);
  return deepFreeze({ ...settings, [section]: { ...sectionOf(settings, section), [name]: own } });
}

/** A value as the configuration would take it. @throws AppError `settings/invalid` in the schema's words */
export function checkedValue(settings: LoadedSettings, key: SettableKey, own: SetValue): SetValue {
  const { mqttPassword: _, dashboardToken: __, warnings: ___, ...rest } = settings;
  // As a file would say it: without keys that have no value.
  const plain = JSON.parse(JSON.stringify(rest)) as Readonly<Record<string, object>>;
  const [section, name] = parts(key);
  const root = { ...plain, [section]: { ...plain[section], [name]: own } };
  const parsed = settingsSchema.safeParse(root);
  const faults = parsed.success ? inconsistencies(parsed.data) : faultsOf(parsed.error.issues, root);
  if (!parsed.success || faults.length > 0) {
    const lines = faults.map(({ path, problem }) => `${path.join(".")}: ${problem}`);
    throw appError("settings/invalid", lines.join("; "));
  }
  return sectionOf(parsed.data, section)[name] as SetValue;
}

function parts(key: SettableKey): readonly [section: string, name: string] {
  return key.split(".") as [string, string];
}

function sectionOf(settings: Settings, name: string): Readonly<Record<string, unknown>> {
  return settings[name as keyof Settings] as unknown as Readonly<Record<string, unknown>>;
}

function isFine(settings: LoadedSettings, key: SettableKey, own: SetValue): boolean {
  try {
    checkedValue(settings, key, own);
    return true;
  } catch (error) {
    if (isAppError(error, "settings/invalid")) return false;
    throw error;
  }
}
