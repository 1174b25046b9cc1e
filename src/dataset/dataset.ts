import { stat } from "node:fs/promises";
import { appError } from "../kernel/errors.ts";
import { createRng, shuffled } from "../kernel/rng.ts";
import { folderSource } from "./image-folder.ts";
import type { ImageSource, SourceFile } from "./image-source.ts";
import { tarSource } from "./image-tar.ts";

export interface DatasetOptions {
  /** Keeps only what lies in this folder, directly above the class folders, e.g. `train` or `2-digits/test`. */
  readonly split?: string;
  /** Keeps the first of each class, in the order of their names. */
  readonly limitPerClass?: number;
  /** Shuffles with this seed; without it, images come in the order of their names. */
  readonly shuffleSeed?: number;
}

export interface DatasetItem {
  /** The file as it is: JPEG, PNG or WebP bytes, not checked. */
  readonly bytes: Uint8Array;
  /** The class: its folder's name. */
  readonly label: string;
  /** e.g. `train/bolt/7.jpg`. */
  readonly name: string;
}

/** An image that is there, not yet read. */
export interface DatasetEntry extends Pick<DatasetItem, "label" | "name"> {
  /** May be called again and in any order, until the data set is closed. */
  read(): Promise<Uint8Array>;
}

/** Labelled images in a fixed order. Iterating reads them one by one; it may be iterated again. */
export interface Dataset extends AsyncIterable<DatasetItem> {
  /** In the same order. */
  readonly entries: readonly DatasetEntry[];
  /** Sorted. */
  readonly labels: readonly string[];
  readonly size: number;
  close(): Promise<void>;
}

/**
 * Opens an ImageFolder tree (`<split>/<class>/<file>` or `<class>/<file>`), as a folder or a .tar or .tar.gz of one.
 * @throws AppError `dataset/not-found`, `dataset/archive`, `dataset/no-images`
 */
export async function openDataset(path: string, options: DatasetOptions = {}): Promise<Dataset> {
  const source = await openSource(path);
  const entries = select(source.files, options);
  if (entries.length === 0) {
    await source.close();
    throw appError("dataset/no-images", `${path} holds no class folder with images${wanted(source, options.split)}`);
  }
  return {
    labels: [...new Set(entries.map((entry) => entry.label))].toSorted(byCode),
    entries,
    size: entries.length,
    close: () => source.close(),
    async *[Symbol.asyncIterator]() {
      for (const entry of entries) yield { bytes: await entry.read(), label: entry.label, name: entry.name };
    },
  };
}

async function openSource(path: string): Promise<ImageSource> {
  try {
    return (await stat(path)).isDirectory() ? await folderSource(path) : await tarSource(path);
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && (cause.code === "ENOENT" || cause.code === "EACCES")) {
      throw appError("dataset/not-found", `cannot read ${path}: ${cause.message}`, { cause });
    }
    throw cause;
  }
}

function select(
  files: readonly SourceFile[],
  { split, limitPerClass = Infinity, shuffleSeed }: DatasetOptions,
): DatasetEntry[] {
  const counts = new Map<string, number>();
  const kept: DatasetEntry[] = [];
  for (const file of files.toSorted((a, b) => byCode(a.name, b.name))) {
    const label = file.name.split("/").at(-2)!;
    const count = counts.get(label) ?? 0;
    if (count >= limitPerClass || (split !== undefined && !inSplit(file.name, split))) continue;
    counts.set(label, count + 1);
    kept.push({ label, name: file.name, read: () => file.read() });
  }
  return shuffleSeed === undefined ? kept : shuffled(kept, createRng(shuffleSeed));
}

function folderOf(name: string): string {
  return name.split("/").slice(0, -2).join("/");
}

function inSplit(name: string, split: string): boolean {
  return `/${folderOf(name)}`.endsWith(`/${split.replace(/^\/+|\/+$/g, "")}`);
}

function wanted(source: ImageSource, split: string | undefined): string {
  if (split === undefined) return "";
  const splits = [...new Set(source.files.map((file) => folderOf(file.name)))].filter((folder) => folder !== "");
  return ` in "${split}"; its splits: ${splits.slice(0, 12).toSorted(byCode).join(", ") || "none"}`;
}

/** Code-unit order: the same on every machine, whatever its locale. */
function byCode(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
