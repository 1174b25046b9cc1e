import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { type ImageSource, type SourceFile, imagePath, maxImageBytes } from "./image-source.ts";

/** The images below a folder. Links are not followed: what lies outside stays outside. */
export async function folderSource(root: string): Promise<ImageSource> {
  const files: SourceFile[] = [];
  const folders = [""];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const entry of await readdir(join(root, folder), { withFileTypes: true })) {
      const name = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) {
        folders.push(name);
        continue;
      }
      const parts = entry.isFile() ? imagePath(name) : undefined;
      const path = join(root, name);
      if (!parts || (await stat(path)).size > maxImageBytes) continue;
      files.push({ name: parts.join("/"), read: () => readFile(path) });
    }
  }
  return { files, close: () => Promise.resolve() };
}
