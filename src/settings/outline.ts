import { settingsJsonSchema } from "./schema.ts";

/** What the schema says of one key, for finding and explaining it. */
export interface Outline {
  readonly doc: string | undefined;
  /** Its value is text, whatever it looks like. */
  readonly isText: boolean;
  /** By key, for a section; empty for a value. */
  readonly keys: ReadonlyMap<string, Outline>;
  /** Of each entry, where a person chooses the keys. */
  readonly each?: Outline | undefined;
}

interface JsonSchema {
  readonly description?: string;
  readonly type?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: boolean | JsonSchema;
  readonly oneOf?: readonly JsonSchema[];
}

export const settingsOutline: Outline = outlineOf(settingsJsonSchema());

function outlineOf({ description, type, properties = {}, additionalProperties, oneOf = [] }: JsonSchema): Outline {
  const entries = [properties, ...oneOf.map((kind) => kind.properties ?? {})].flatMap((one) => Object.entries(one));
  const keys = new Map(entries.map(([key, value]) => [key, outlineOf(value)]));
  const each = typeof additionalProperties === "object" ? outlineOf(additionalProperties) : undefined;
  return { doc: description, isText: type === "string", keys, each };
}

/** The outline at a path; undefined where there is no such key. */
export function outlineAt(path: readonly PropertyKey[]): Outline | undefined {
  let outline: Outline | undefined = settingsOutline;
  for (const key of path) outline = outline?.keys.get(String(key)) ?? outline?.each;
  return outline;
}

/** Paths, such as `mqtt.url`, of all keys of this name. */
export function pathsTo(name: string, outline: Outline = settingsOutline, prefix = ""): string[] {
  return [...outline.keys].flatMap(([key, inner]) => [
    ...(key === name ? [`${prefix}${key}`] : []),
    ...pathsTo(name, inner, `${prefix}${key}.`),
  ]);
}
