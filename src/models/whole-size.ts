import { open } from "node:fs/promises";

/** Longer headers are left to the reader of the whole file. */
const maxHeaderBytes = 2 ** 24;

/** Whether a file may begin so: 8 bytes of header length, then `{`. Fewer than 9 bytes are given the benefit of the doubt. */
export function looksLikeWeights(head: Uint8Array): boolean {
  if (head.length < 9) return true;
  const length = new DataView(head.buffer, head.byteOffset).getBigUint64(0, true);
  return length >= 2n && length <= 100_000_000n && head[8] === 0x7b;
}

/** Bytes of the whole .safetensors file by the header of its beginning; undefined where that says nothing usable. */
export async function wholeSize(path: string): Promise<number | undefined> {
  try {
    const file = await open(path, "r");
    try {
      const { buffer: first, bytesRead } = await file.read(Buffer.alloc(8), 0, 8, 0);
      const length = Number(first.readBigUInt64LE());
      if (bytesRead < 8 || length > maxHeaderBytes) return undefined;
      const { buffer: text } = await file.read(Buffer.alloc(length), 0, length, 8);
      const ends = Object.values(JSON.parse(text.toString()) as Record<string, { data_offsets?: [number, number] }>);
      const last = Math.max(0, ...ends.map((entry) => entry.data_offsets?.[1] ?? 0));
      return Number.isSafeInteger(last) ? 8 + length + last : undefined;
    } finally {
      await file.close();
    }
  } catch {
    return undefined;
  }
}
