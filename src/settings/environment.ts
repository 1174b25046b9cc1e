import { parse } from "yaml";
import { type Outline, settingsOutline } from "./outline.ts";
import { nearest, normalised } from "./suggest.ts";

const prefix = "L2P_EDGE_";

export interface Override {
  readonly variable: string;
  readonly path: readonly string[];
  readonly value: unknown;
}

export interface Environment {
  readonly overrides: readonly Override[];
  /** Variables with our prefix that name no key, with what to do. */
  readonly faults: readonly { readonly variable: string; readonly problem: string }[];
}

/**
 * `L2P_EDGE_<SECTION>__<KEY>`, sections and keys in capitals, words parted by one `_`, levels by two:
 * `L2P_EDGE_MQTT__URL=mqtt://broker`, `L2P_EDGE_STREAM__LABEL_WINDOW_MS=60000`. Values are read as YAML, texts as they are.
 */
export function readEnvironment(variables: Readonly<Record<string, string | undefined>>): Environment {
  const overrides: Override[] = [];
  const faults: { variable: string; problem: string }[] = [];
  for (const [variable, text] of Object.entries(variables)) {
    if (!variable.startsWith(prefix) || text === undefined) continue;
    const found = findKey(variable.slice(prefix.length).split("__"));
    if (typeof found === "string") faults.push({ variable, problem: found });
    else overrides.push({ variable, path: found.path, value: found.outline.isText ? text : valueOf(text) });
  }
  return { overrides, faults };
}

function findKey(levels: readonly string[]): { readonly path: readonly string[]; readonly outline: Outline } | string {
  let outline = settingsOutline;
  const path: string[] = [];
  for (const level of levels) {
    const key = [...outline.keys.keys()].find((name) => normalised(name) === normalised(level));
    if (key === undefined) return unknown([...outline.keys.keys()], level, path);
    path.push(key);
    outline = outline.keys.get(key)!;
  }
  return { path, outline };
}

function unknown(keys: readonly string[], level: string, path: readonly string[]): string {
  const near = nearest(level, keys);
  const variable = near === undefined ? undefined : [...path, near].map(inCapitals).join("__");
  if (variable !== undefined) return `names no setting: did you mean ${prefix}${variable}?`;
  return `names no setting: it must be ${prefix}<SECTION>__<KEY>, such as ${prefix}MQTT__URL`;
}

function inCapitals(key: string): string {
  return key.replaceAll(/[A-Z]/g, (capital) => `_${capital}`).toUpperCase();
}

function valueOf(text: string): unknown {
  try {
    return parse(text) as unknown;
  } catch {
    return text; // the schema says what is wrong with it
  }
}
