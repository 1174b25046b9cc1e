import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { type Readable, pipeline } from "node:stream";
import { createGunzip } from "node:zlib";
import { type Extract, extract } from "tar-stream";
import { appError } from "../kernel/errors.ts";
import { type ImageSource, type SourceFile, imagePath, maxImageBytes } from "./image-source.ts";
import { archiveStore, spoolStore } from "./tar-store.ts";

/**
 * The images of a .tar or .tar.gz, whichever its first bytes say, found in one pass; nothing is unpacked by name.
 * @throws AppError `dataset/archive` for a damaged or cut archive or none at all.
 */
export async function tarSource(path: string): Promise<ImageSource> {
  const zipped = await isGzip(path);
  const store = await (zipped ? spoolStore() : archiveStore(path));
  try {
    const files: SourceFile[] = [];
    for await (const entry of openArchive(path, zipped)) {
      const { name, type, size } = entry.header;
      const parts = type === "file" ? imagePath(name) : undefined;
      if (parts && size <= maxImageBytes) files.push({ name: parts.join("/"), read: await store.add(entry) });
      else entry.resume();
    }
    await store.flush();
    return { files, close: () => store.close() };
  } catch (cause) {
    await store.close();
    const why = cause instanceof Error ? cause.message : String(cause);
    throw appError("dataset/archive", `${path} cannot be read as a .tar or .tar.gz: ${why}`, { cause });
  }
}

function openArchive(path: string, zipped: boolean): Extract {
  const archive = extract();
  const steps: Readable[] = [createReadStream(path), ...(zipped ? [createGunzip()] : [])];
  // An error of any step reaches the loop that reads the archive: `pipeline` destroys the last with it.
  pipeline([...steps, archive] as never, () => {});
  return archive;
}

async function isGzip(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(2), 0, 2, 0);
    return bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b;
  } finally {
    await file.close();
  }
}
