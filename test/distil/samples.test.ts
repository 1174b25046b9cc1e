import { describe, expect, it } from "vitest";
import { chooseHeldOut, chooseTrainedOn } from "../../src/distil/held-out.ts";
import { createSamples, mirror, type SamplesOptions } from "../../src/distil/samples.ts";
import type { ViewSet } from "../../src/distil/teacher-cache.ts";

const size = 2;
const pixelBytes = size * size * 3;

/** Image n has bytes n, the feature (n, n), and for two taps tokens (n, column) and (−n, column) in a square of 2×2. */
function views(kind: ViewSet["kind"], count: number, from: number): ViewSet {
  const pixels = Uint8Array.from({ length: count * pixelBytes }, (_, i) => from + Math.floor(i / pixelBytes));
  const features = Float32Array.from({ length: count * 2 }, (_, i) => from + (i >> 1));
  const read = (index: number): Float32Array =>
    Float32Array.from([1, -1].flatMap((sign) => [0, 1, 0, 1].flatMap((column) => [sign * (from + index), column])));
  return { kind, count, pixels, features, tokens: { read, close: () => {} } };
}

const options: SamplesOptions = {
  sets: [views("plain", 10, 0), views("varied", 10, 100)],
  photographs: [0, 1, 2, 4, 5, 6, 8, 9],
  firstDrawing: 10,
  drawingShare: 0,
  standardisation: { mean: Float64Array.of(1, 0), deviation: Float64Array.of(1, 2) },
  tokenStandardisation: [
    { mean: Float64Array.of(0, 0), deviation: Float64Array.of(1, 1) },
    { mean: Float64Array.of(0, 0), deviation: Float64Array.of(-1, 1) },
  ],
  patches: 4,
  studentSizePx: size,
  seed: 4,
};
const samples = createSamples(options);

describe("the samples", () => {
  it("show every view of the chosen photographs once an epoch, with the teacher's standardised feature", () => {
    const seen: number[] = [];
    for (let step = 0; step < 4; step++) {
      const { pixels, targets } = samples.batch(step, 4);
      for (let i = 0; i < 4; i++) {
        const image = pixels[i * pixelBytes]!;
        seen.push(image);
        expect([...targets.subarray(2 * i, 2 * i + 2)]).toEqual([image - 1, image / 2]);
      }
    }
    const { photographs } = options;
    expect(seen.toSorted((a, b) => a - b)).toEqual([...photographs, ...photographs.map((n) => n + 100)]);
  });

  it("bring the teacher's tokens along, mirrored where the image is", () => {
    const { pixels, tokens } = samples.batch(0, 16);
    const columns = new Set<string>();
    for (let i = 0; i < 16; i++) {
      for (const ofTap of tokens) {
        const ofImage = [...ofTap.subarray(8 * i, 8 * i + 8)];
        const image = pixels[i * pixelBytes]!;
        expect(ofImage.filter((_, k) => k % 2 === 0)).toEqual(Array(4).fill(image));
        columns.add(ofImage.filter((_, k) => k % 2 === 1).join(""));
      }
    }
    expect(tokens).toHaveLength(2);
    expect([...columns].toSorted()).toEqual(["0101", "1010"]);
  });

  it("depend on seed and step alone, so that a resumed training sees what it would have seen", () => {
    const later = samples.batch(9, 4);
    samples.batch(2, 4);
    expect(samples.batch(9, 4)).toEqual(later);
    expect(samples.batch(13, 4).targets).not.toEqual(later.targets);
  });

  it("show drawings in the wanted share", () => {
    const mixed = createSamples({ ...options, photographs: [0, 1, 2, 4, 5], firstDrawing: 6, drawingShare: 0.25 });
    let drawings = 0;
    for (let step = 0; step < 100; step++) {
      const { pixels } = mixed.batch(step, 8);
      for (let i = 0; i < 8; i++) drawings += Number(pixels[i * pixelBytes]! % 100 >= 6);
    }
    expect(drawings / 800).toBeGreaterThan(0.2);
    expect(drawings / 800).toBeLessThan(0.3);
  });

  it("are mirrored left to right", () => {
    const image = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
    const mirrored = new Uint8Array(12);
    mirror(image, mirrored, 2);
    expect([...mirrored]).toEqual([4, 5, 6, 1, 2, 3, 10, 11, 12, 7, 8, 9]);
  });
});

describe("what is held out", () => {
  const labels = ["a", "b", "a", "a", "b", "c", "a"];

  it("are the first of each class", () => {
    expect([...chooseHeldOut(labels, 2)]).toEqual([0, 1, 2, 4, 5]);
  });

  it("is not trained on: the next of each class are, all or so many", () => {
    const heldOut = new Set([0, 1, 5]);
    expect(chooseTrainedOn(labels, heldOut)).toEqual([2, 3, 4, 6]);
    expect(chooseTrainedOn(labels, heldOut, 1)).toEqual([2, 4]);
  });
});
