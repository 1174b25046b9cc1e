import { closeSync, openSync, readSync } from "node:fs";
import { halfToFloat32 } from "../kernel/half.ts";

/** The teacher's tokens of a set of views, as fp16 on disk: 50 KB an image are too many for memory. */
export interface TokenFile {
  /** [taps, P, D] of one image. */
  read(index: number): Float32Array;
  close(): void;
}

/** @param numbers taps · P · D */
export function openTokenFile(path: string, numbers: number): TokenFile {
  const file = openSync(path, "r");
  return {
    read(index) {
      const halves = new Uint16Array(numbers);
      const wanted = halves.byteLength;
      const read = readSync(file, halves, 0, wanted, index * wanted);
      if (read !== wanted) throw new RangeError(`${path} has no image ${index}`);
      return halfToFloat32(halves);
    },
    close: () => closeSync(file),
  };
}
