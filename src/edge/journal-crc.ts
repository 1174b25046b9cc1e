import { crc32 as update } from "node:zlib";

/** CRC-32 as in zlib and PNG (ISO 3309), over the parts as if they were one. */
export function crc32(...parts: readonly Uint8Array[]): number {
  // zlib takes an empty part for a wish to begin anew, and gives 0.
  return parts.reduce((value, part) => (part.length === 0 ? value : update(part, value)), 0);
}
