import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { readNumbers, storeNumbers } from "../kernel/dtype.ts";
import { decodeSafetensors, encodeSafetensors } from "../kernel/safetensors.ts";
import { appError } from "../kernel/errors.ts";
import type { LearnerState } from "../kernel/state.ts";
import type { RunRecord } from "./record.ts";
import { type CellResult, type CellSpec, formatResult, parseResult } from "./result.ts";

/** Where a run was stopped. */
export interface Checkpoint {
  /** The turn to be played next. */
  readonly next: number;
  readonly record: RunRecord;
  readonly method: LearnerState;
}

/** A cell on disk: its result when it is done, else how far it came. */
export interface CellFile {
  /** @throws AppError `evaluate/other-cell` where the file holds another cell, `evaluate/result` */
  readResult(): Promise<CellResult | undefined>;
  writeResult(result: CellResult): Promise<void>;
  /** Undefined where there is none, or one of another cell or that cannot be read: it is only work that is lost. */
  readCheckpoint(): Promise<Checkpoint | undefined>;
  writeCheckpoint(checkpoint: Checkpoint): Promise<void>;
}

export function cellFile(path: string, spec: CellSpec): CellFile {
  const partPath = `${path}.part`;
  // As it comes out of a file: without what is undefined.
  const identity = JSON.stringify(sorted(JSON.parse(JSON.stringify(spec))));

  return {
    readResult: async () => {
      const text = await readFile(path, "utf8").catch(() => undefined);
      if (text === undefined) return undefined;
      const result = parseResult(text, path);
      if (JSON.stringify(sorted(result.spec)) === identity) return result;
      throw appError("evaluate/other-cell", `${path} was made of other images, settings or another model`);
    },
    writeResult: async (result) => {
      await replace(path, formatResult(result));
      await rm(partPath, { force: true });
    },
    readCheckpoint: async () => {
      try {
        const { metadata, tensors } = decodeSafetensors(await readFile(partPath));
        if (metadata.get("cell") !== identity) return undefined;
        const { meta, ...about } = JSON.parse(metadata.get("about")!) as Omit<Checkpoint, "method"> & {
          readonly meta: LearnerState["meta"];
        };
        const arrays = [...tensors].map(([name, stored]) => {
          return [name, { data: readNumbers(stored).slice(), shape: stored.shape }] as const;
        });
        return { ...about, method: { arrays: Object.fromEntries(arrays), meta } };
      } catch {
        return undefined;
      }
    },
    writeCheckpoint: async ({ next, record, method }) => {
      const tensors = Object.entries(method.arrays).map(
        ([name, { data, shape }]) => [name, storeNumbers(data, shape)] as const,
      );
      const about = JSON.stringify({ next, record, meta: method.meta });
      const metadata = new Map(Object.entries({ cell: identity, about }));
      await replace(partPath, encodeSafetensors(new Map(tensors), metadata));
    },
  };
}

async function replace(path: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(`${path}.new`, content);
  await rename(`${path}.new`, path);
}

/** Objects with their keys in order, so that equal ones are equal texts. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}
