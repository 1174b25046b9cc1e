import { readFileSync, statSync } from "node:fs";
import { hostname } from "node:os";
import { appError } from "../kernel/errors.ts";
import { inconsistencies } from "./consistency.ts";
import { readDocument } from "./document.ts";
import { type Override, readEnvironment } from "./environment.ts";
import { type Fault, faultsOf } from "./fault.ts";
import { inspectFiles } from "./files.ts";
import { settingsSchema } from "./schema.ts";
import type { Secret } from "./secret.ts";
import type { NodeSettings, Settings } from "./types.ts";

/** Deeply frozen. */
export interface LoadedSettings extends Settings {
  readonly node: NodeSettings & { readonly id: string };
  readonly mqttPassword: Secret | undefined;
  /** What the page asks for. */
  readonly dashboardToken: Secret | undefined;
  /** For the log. */
  readonly warnings: readonly string[];
}

export type Variables = Readonly<Record<string, string | undefined>>;

const maxConfigBytes = 1024 * 1024;

/**
 * One YAML file and the environment above it. @param file Undefined: defaults and environment alone.
 * @throws AppError `settings/unreadable`; `settings/invalid` with every fault, a line each: `file:line key: what is wrong`
 */
export function loadSettings(file: string | undefined, variables: Variables): LoadedSettings {
  return parseSettings(file === undefined ? "" : readConfig(file), file ?? "defaults", variables);
}

/** @param name Of the text, for the faults. @throws AppError `settings/invalid` */
export function parseSettings(text: string, name: string, variables: Variables): LoadedSettings {
  const document = readDocument(text);
  const environment = readEnvironment(variables);
  const lines: { readonly line: number; readonly text: string }[] = [
    ...document.faults.map(({ line, problem }) => ({ line, text: `${name}:${line} ${problem}` })),
    ...environment.faults.map(({ variable, problem }) => ({ line: Infinity, text: `${variable} ${problem}` })),
  ];
  const report = ({ path, problem }: Fault): void => {
    const override = environment.overrides.find((one) => one.path.every((key, i) => key === path[i]));
    const line = override === undefined ? document.lineOf(path) : Infinity;
    const place = override?.variable ?? `${name}:${line}`;
    const key = path.slice(override?.path.length ?? 0).join(".");
    lines.push({ line, text: `${key === "" ? place : `${place} ${key}`}: ${problem}` });
  };

  const root = withOverrides(document.root, environment.overrides);
  const parsed = settingsSchema.safeParse(root);
  const faults = parsed.success ? [] : faultsOf(parsed.error.issues, root);
  faults.push(...inconsistencies(parsed.success ? parsed.data : root));
  const files = parsed.success ? inspectFiles(parsed.data, variables["CREDENTIALS_DIRECTORY"]) : undefined;
  faults.push(...(files?.faults ?? []));
  // Of a text that is no YAML, nothing more can be said.
  if (document.faults.length === 0) for (const fault of faults) report(fault);
  if (!parsed.success || files === undefined || lines.length > 0) {
    const sorted = lines.toSorted((a, b) => a.line - b.line).map((one) => one.text);
    throw appError("settings/invalid", sorted.join("\n"));
  }
  const { node, mqtt } = parsed.data;
  return deepFreeze({
    ...parsed.data,
    node: { ...node, id: node.id ?? hostId() },
    mqtt: { ...mqtt, tls: { ...mqtt.tls, keyFile: files.keyFile } },
    mqttPassword: files.password,
    dashboardToken: files.token,
    warnings: files.warnings,
  });
}

function readConfig(file: string): string {
  try {
    if (statSync(file).size > maxConfigBytes) throw new Error(`it has over ${maxConfigBytes} bytes`);
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw appError("settings/unreadable", `cannot read ${file}: ${(cause as Error).message}`, { cause });
  }
}

/** The file's values with the environment's in their places; sections that are missing are made. */
function withOverrides(root: unknown, overrides: readonly Override[]): unknown {
  let result = root;
  for (const { path, value } of overrides) result = withValue(result, path, value);
  return result;
}

function withValue(root: unknown, path: readonly string[], value: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return value;
  if (root !== undefined && !isKeys(root)) return root; // the schema says what is wrong with it
  const keys = root ?? {};
  return { ...keys, [key]: withValue(Object.hasOwn(keys, key) ? keys[key] : undefined, rest, value) };
}

function isKeys(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The host name as an id, for topics. */
function hostId(): string {
  const id = hostname()
    .replaceAll(/[^A-Za-z0-9._-]/g, "-")
    .slice(0, 64);
  return id === "" ? "box" : id;
}

export function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    for (const inner of Object.values(value)) deepFreeze(inner);
    Object.freeze(value);
  }
  return value;
}
