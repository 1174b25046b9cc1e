import type { DatasetEntry } from "../../src/dataset/dataset.ts";

/** A data set's entries without a data set: `<folder>/<class>/<n>.png` for each folder, their bytes being their names. */
export function fakeEntries(folders: readonly string[], classes: readonly string[], perClass: number): DatasetEntry[] {
  return folders.flatMap((folder) =>
    classes.flatMap((label) =>
      Array.from({ length: perClass }, (_, n) => {
        const name = [folder, label, `${n}.png`].filter((part) => part !== "").join("/");
        return { label, name, read: () => Promise.resolve(Buffer.from(name)) };
      }),
    ),
  );
}

export function labelled(count: number): string[] {
  return Array.from({ length: count }, (_, c) => `class-${c}`);
}
