import { randomUUID } from "node:crypto";
import { type FileHandle, open, unlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What a store needs of an archive's entry while it passes by. */
interface PassingEntry extends AsyncIterable<unknown> {
  readonly header: { readonly size: number };
  /** Where its header begins in the uncompressed archive. */
  readonly offset: number;
  resume(): unknown;
}

/** Remembers where an archive's files are, so that they can be read later in any order while memory stays small. */
interface TarStore {
  /** Takes the entry in; the result reads its bytes. */
  add(entry: PassingEntry): Promise<() => Promise<Uint8Array>>;
  flush(): Promise<void>;
  close(): Promise<void>;
}

/** ustar: a file's bytes follow its header block. */
const headerBytes = 512;

/** An uncompressed archive is read in place. */
export async function archiveStore(path: string): Promise<TarStore> {
  const file = await open(path);
  return {
    add(entry) {
      const { offset, header } = entry;
      entry.resume();
      return Promise.resolve(() => readAt(file, offset + headerBytes, header.size));
    },
    flush: () => Promise.resolve(),
    close: () => file.close(),
  };
}

const blockBytes = 1024 * 1024;

/** A compressed one cannot be: its images are copied to one temporary file. */
export async function spoolStore(): Promise<TarStore> {
  const path = join(tmpdir(), `l2p-edge-${randomUUID()}`);
  const file = await open(path, "wx+", 0o600);
  // Without a name it vanishes with its handle, however the process ends.
  await unlink(path);
  let pending: Uint8Array[] = [];
  let pendingBytes = 0;
  let length = 0;

  async function flush(): Promise<void> {
    if (pendingBytes > 0) await file.writev(pending, length - pendingBytes);
    pending = [];
    pendingBytes = 0;
  }

  return {
    async add(entry) {
      const start = length;
      for await (const chunk of entry as AsyncIterable<Uint8Array>) {
        pending.push(chunk);
        pendingBytes += chunk.length;
        length += chunk.length;
      }
      if (pendingBytes >= blockBytes) await flush();
      return () => readAt(file, start, entry.header.size);
    },
    flush,
    close: () => file.close(),
  };
}

async function readAt(file: FileHandle, position: number, size: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(size);
  await file.read(bytes, 0, size, position);
  return bytes;
}
