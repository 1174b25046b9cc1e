import { isMap, isScalar, LineCounter, parseDocument } from "yaml";

export interface ConfigDocument {
  readonly root: unknown;
  /** Where it is no YAML at all. */
  readonly faults: readonly { readonly line: number; readonly problem: string }[];
  /** The line of a key, or of the nearest key above it that is there; from 1. */
  lineOf(path: readonly PropertyKey[]): number;
}

export function readDocument(text: string): ConfigDocument {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, customTags: [] });
  const lineAt = (offset: number | undefined): number => Math.max(1, lines.linePos(offset ?? 0).line);
  const faults = [...document.errors, ...document.warnings].map((error) => ({
    line: lineAt(error.pos[0]),
    problem: error.message,
  }));

  function lineOf(path: readonly PropertyKey[]): number {
    let node: unknown = document.contents;
    let offset: number | undefined;
    for (const key of path) {
      const pair = isMap(node) ? node.items.find((item) => isScalar(item.key) && item.key.value === key) : undefined;
      if (pair === undefined) break;
      if (isScalar(pair.key)) offset = pair.key.range?.[0] ?? offset;
      node = pair.value;
    }
    return lineAt(offset);
  }

  if (faults.length > 0) return { root: {}, faults, lineOf };
  try {
    return { root: (document.toJS({ maxAliasCount: 100 }) as unknown) ?? {}, faults, lineOf };
  } catch (error) {
    return { root: {}, faults: [{ line: 1, problem: (error as Error).message }], lineOf };
  }
}
