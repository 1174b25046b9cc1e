import { open, rename, rm } from "node:fs/promises";
import { join } from "node:path";

const temporary = ".tmp";

/** Of which file this is what a write left over that a crash ended; null when it is none. */
export function leftOverOf(name: string): string | null {
  return name.endsWith(temporary) ? name.slice(0, -temporary.length) : null;
}

/**
 * A file that is there whole or not at all, whatever happens meanwhile: a temporary file, fsync, rename, fsync of the
 * folder. Resolves when it outlives a power cut.
 */
export async function writeDurably(folder: string, name: string, bytes: Uint8Array): Promise<void> {
  const path = join(folder, name);
  try {
    const file = await open(`${path}${temporary}`, "w");
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(`${path}${temporary}`, path);
  } catch (error) {
    // On a full disk the part that was written must make room again.
    await rm(`${path}${temporary}`, { force: true }).catch(() => {});
    throw error;
  }
  await syncFolder(folder);
}

/** Makes what was created, renamed and removed in a folder last. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
