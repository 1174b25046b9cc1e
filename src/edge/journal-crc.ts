import * as zlib from "node:zlib";

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let c = byte;
  for (let bit = 0; bit < 8; bit++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1;
  return c;
});

/** What `zlib.crc32` computes, for Node before 20.15. */
export function tableCrc32(data: Uint8Array, value = 0): number {
  let c = ~value;
  for (let i = 0; i < data.length; i++) c = table[(c ^ data[i]!) & 0xff]! ^ (c >>> 8);
  return ~c >>> 0;
}

const { crc32: update = tableCrc32 } = zlib as { crc32?: (data: Uint8Array, value?: number) => number };

/** CRC-32 as in zlib and PNG (ISO 3309), over the parts as if they were one. */
export function crc32(...parts: readonly Uint8Array[]): number {
  // zlib takes an empty part for a wish to begin anew, and gives 0.
  return parts.reduce((value, part) => (part.length === 0 ? value : update(part, value)), 0);
}
