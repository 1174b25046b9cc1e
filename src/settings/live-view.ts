import { settingsOutline } from "./outline.ts";
import type { LoadedSettings } from "./load.ts";

/**
 * Settings whose values are always those that hold now: parts take a section when they are made, and read each value
 * when they use it. What copies a value keeps it: those need a restart.
 * @param read Gives objects that have the same keys, always.
 */
export function liveView<T extends object>(read: () => T): T {
  const view = {};
  for (const key of Object.keys(read()) as (keyof T)[]) {
    Object.defineProperty(view, key, { enumerable: true, get: () => read()[key] });
  }
  return view as T;
}

/** The same for all sections; of `sources`, whose keys come and go, the whole section is what is read. */
export function liveSettingsView(read: () => LoadedSettings): LoadedSettings {
  const sections = [...settingsOutline.keys.keys()].filter((name) => name !== "sources") as (keyof LoadedSettings)[];
  const views = new Map<keyof LoadedSettings, object>(
    sections.map((name) => [name, liveView(() => read()[name] as object)]),
  );
  const view = {};
  for (const key of Object.keys(read()) as (keyof LoadedSettings)[]) {
    Object.defineProperty(view, key, { enumerable: true, get: () => views.get(key) ?? read()[key] });
  }
  return view as LoadedSettings;
}
