import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { SettableKey } from "./alive.ts";
import { readDocument } from "./document.ts";
import { readEnvironment } from "./environment.ts";
import { type LoadedSettings, loadSettings, type Variables } from "./load.ts";
import { settingsOutline } from "./outline.ts";
import { holding, readSet, setFile, withSet } from "./set-by-command.ts";
import { withoutSecrets } from "./shown.ts";

/** One effective setting. */
export interface OriginatedSetting {
  readonly path: readonly string[];
  /** What no section is: a scalar or a list. Without what may be a password in an address. */
  readonly value: unknown;
  /** `default`, `FILE:LINE`, the environment variable, `set by command` with its file, or `this machine` for what is found there. */
  readonly origin: string;
}

/**
 * Every setting that has a value, in the schema's order, with where it comes from; as a node at its state folder would have it. Passwords are in files, which are
 * named and not shown. @throws AppError `settings/unreadable`, `settings/invalid`
 */
export function settingsWithOrigins(file: string | undefined, variables: Variables): readonly OriginatedSetting[] {
  const loaded = loadSettings(file, variables);
  const { folder } = loaded.state;
  const set = holding(loaded, readSet(folder) ?? new Map());
  const document = readDocument(file === undefined ? "" : readFileSync(file, "utf8"));
  const { overrides } = readEnvironment(variables);

  function originOf(path: readonly string[]): string {
    if (set.has(path.join(".") as SettableKey)) return `set by command, ${join(folder, setFile)}`;
    // A variable may give a whole section.
    const override = overrides.find((one) => one.path.every((key, i) => key === path[i]));
    if (override !== undefined) return override.variable;
    if (isIn(document.root, path)) return `${file}:${document.lineOf(path)}`;
    return isFound(path) ? "this machine" : "default";
  }

  return leavesOf(withSet(loaded, set)).map(({ path, value }) => ({
    path,
    value: showable(value),
    origin: originOf(path),
  }));
}

/**
 * All scalars and lists of the settings, in the schema's order; what is not a setting (a password) is no part of them.
 * Addresses are whole: `showable` before they are shown.
 */
export function leavesOf(settings: LoadedSettings): readonly { path: readonly string[]; value: unknown }[] {
  const sections = Object.entries(settings).filter(([name]) => settingsOutline.keys.has(name));
  const ranks = [...settingsOutline.keys.keys()];
  return sections
    .toSorted(([a], [b]) => ranks.indexOf(a) - ranks.indexOf(b))
    .flatMap(([name, section]) => leaves(section, [name]));
}

function leaves(value: unknown, path: readonly string[]): { path: readonly string[]; value: unknown }[] {
  if (value === undefined) return [];
  if (!isKeys(value)) return [{ path, value }];
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, [...path, key]));
}

/** A setting's value without what may be a password. */
export function showable(value: unknown): unknown {
  return value === undefined ? value : (JSON.parse(withoutSecrets(JSON.stringify(value))) as unknown);
}

function isIn(root: unknown, path: readonly string[]): boolean {
  let value = root;
  for (const key of path) {
    if (!isKeys(value) || !Object.hasOwn(value, key)) return false;
    value = value[key];
  }
  return true;
}

/** The host name, and a key among systemd's credentials. */
function isFound(path: readonly string[]): boolean {
  return ["node.id", "mqtt.tls.keyFile"].includes(path.join("."));
}

function isKeys(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
