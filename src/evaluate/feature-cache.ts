import { mkdir, open, readFile } from "node:fs/promises";
import { dirname } from "node:path";

/** Features on disk, each under its image's identity. */
export interface FeatureCache {
  get(identity: string): Float32Array | undefined;
  add(features: readonly (readonly [identity: string, feature: Float32Array])[]): Promise<void>;
}

const keyBytes = 32;

/**
 * One file for one backbone: records of an identity (32 bytes) and D little-endian float32. It is only ever appended to,
 * whole records at a time, so that several runs may share it; what a crash cut short at its end is left out.
 */
export async function openFeatureCache(path: string, width: number): Promise<FeatureCache> {
  const recordBytes = keyBytes + 4 * width;
  const known = new Map<string, Float32Array>();
  await mkdir(dirname(path), { recursive: true });
  const file = await open(path, "a");
  const { size } = await file.stat();
  // Begin at a whole record again.
  if (size % recordBytes !== 0) await file.truncate(size - (size % recordBytes));
  await file.close();
  const bytes = await readFile(path);
  for (let at = 0; at + recordBytes <= bytes.length; at += recordBytes) {
    const key = bytes.subarray(at, at + keyBytes).toString("hex");
    const numbers = Uint8Array.from(bytes.subarray(at + keyBytes, at + recordBytes));
    known.set(key, new Float32Array(numbers.buffer));
  }
  return {
    get: (identity) => known.get(identity),
    add: async (features) => {
      const records = features.map(([identity, feature]) => {
        known.set(identity, feature);
        const numbers = Buffer.from(feature.buffer, feature.byteOffset, feature.byteLength);
        return Buffer.concat([Buffer.from(identity, "hex"), numbers]);
      });
      const appended = await open(path, "a");
      try {
        await appended.write(Buffer.concat(records));
      } finally {
        await appended.close();
      }
    },
  };
}
