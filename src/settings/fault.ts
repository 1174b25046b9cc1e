import type { z } from "zod";
import { outlineAt, pathsTo } from "./outline.ts";
import { withoutSecrets } from "./shown.ts";
import { nearest } from "./suggest.ts";

/** One mistake in a configuration. */
export interface Fault {
  /** From the root; empty for the whole file. */
  readonly path: readonly PropertyKey[];
  /** What is wrong and what to do, without the place. */
  readonly problem: string;
}

/** zod's issues as faults, an unknown key each its own. */
export function faultsOf(issues: readonly z.core.$ZodIssue[], root: unknown): Fault[] {
  return issues.flatMap((issue): Fault[] => {
    if (issue.code === "unrecognized_keys") {
      return issue.keys.map((key) => ({ path: [...issue.path, key], problem: unknownKey(issue.path, key) }));
    }
    const doc = outlineAt(issue.path)?.doc;
    const problem = problemOf(issue, valueAt(root, issue.path));
    return [{ path: issue.path, problem: doc === undefined ? problem : `${problem} (${doc})` }];
  });
}

function unknownKey(path: readonly PropertyKey[], key: string): string {
  if (isPassword(key)) return "unknown key: a password goes into a file that `mqtt.passwordFile` names";
  const near = nearest(key, [...(outlineAt(path)?.keys.keys() ?? [])]);
  if (near !== undefined) return `unknown key: did you mean \`${near}\`?`;
  const elsewhere = pathsTo(key);
  if (elsewhere.length > 0) return `unknown key here: it belongs at \`${elsewhere.join("` or `")}\``;
  return `unknown key: here may stand ${[...(outlineAt(path)?.keys.keys() ?? [])].join(", ")}`;
}

function isPassword(key: string): boolean {
  return /^(password|passwd|pass|secret)$/i.test(key);
}

function problemOf(issue: z.core.$ZodIssue, value: unknown): string {
  const is = value === undefined ? "is missing" : `is ${shown(value)}`;
  switch (issue.code) {
    case "invalid_type":
      return `must be ${kinds.get(issue.expected) ?? issue.expected}, ${is}`;
    case "too_small":
      return `must be ${limit(issue.origin, issue.inclusive === true ? "at least" : "more than", issue.minimum)}, ${is}`;
    case "too_big":
      return `must be ${limit(issue.origin, issue.inclusive === true ? "at most" : "less than", issue.maximum)}, ${is}`;
    case "invalid_value": {
      const values = issue.values.map(String);
      const near = typeof value === "string" ? nearest(value, values) : undefined;
      return `must be ${values.join(" or ")}, ${is}${near === undefined ? "" : `: did you mean ${near}?`}`;
    }
    case "invalid_key":
      return issue.issues[0]?.message ?? issue.message;
    case "invalid_union":
      return issue.message;
    default:
      return `${issue.message}, ${is}`;
  }
}

const kinds: ReadonlyMap<string, string> = new Map([
  ["int", "a whole number"],
  ["number", "a number"],
  ["string", "text"],
  ["boolean", "true or false"],
  ["object", "a section of keys"],
  ["array", "a list"],
]);

function limit(origin: string, relation: string, bound: number | bigint): string {
  return `${relation} ${bound}${origin === "string" ? " characters" : origin === "array" ? " entries" : ""}`;
}

function shown(value: unknown): string {
  const text = withoutSecrets(JSON.stringify(value) ?? typeof value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  let value = root;
  for (const key of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[key];
  }
  return value;
}
