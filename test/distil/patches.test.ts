import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { randomParameters } from "../../src/distil/initialise.ts";
import { layoutOf } from "../../src/distil/parameters.ts";
import { choosePatches, packPatches, putPositions, takePositions, takeTokens } from "../../src/distil/patches.ts";
import { createTrainingSession } from "../../src/distil/training-session.ts";
import { createRng } from "../../src/kernel/rng.ts";
import { tinyArchitecture } from "../support/tiny-model.ts";

describe("kept patches", () => {
  it("are distinct, in order, and the same for the same seed and step", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), fc.nat(), fc.nat(), (side, seed, step) => {
        const { indices } = choosePatches(side, 8, seed, step);
        expect(indices).toHaveLength(side * side);
        expect(indices.every((patch, i) => patch >= 0 && patch < 64 && (i === 0 || patch > indices[i - 1]!))).toBe(
          true,
        );
        expect(choosePatches(side, 8, seed, step).indices).toEqual(indices);
      }),
    );
  });

  it("are packed as they were", () => {
    // Each byte says its patch: 4×4 patches of 2×2 pixels.
    const image = Uint8Array.from({ length: 8 * 8 * 3 }, (_, i) => {
      const [x, y] = [Math.floor(i / 3) % 8, Math.floor(i / 24)];
      return 4 * Math.floor(y / 2) + Math.floor(x / 2);
    });
    const packed = packPatches(image, 8, 2, { side: 2, indices: [1, 6, 11, 15] });
    const patchAt = (x: number, y: number): number => packed[(y * 4 + x) * 3]!;
    expect([patchAt(0, 0), patchAt(3, 1), patchAt(1, 2), patchAt(2, 3)]).toEqual([1, 6, 11, 15]);
    expect(new Set(packed)).toEqual(new Set([1, 6, 11, 15]));
  });

  it("take their positions along and give their gradients back", () => {
    const positions = Float32Array.from({ length: 5 * 2 }, (_, i) => i);
    const kept = { side: 1, indices: [2] };
    const taken = takePositions(positions, 2, kept);
    expect([...taken]).toEqual([0, 1, 6, 7]);
    putPositions(taken, positions, 2, kept);
    expect([...positions]).toEqual([0, 1, 0, 0, 0, 0, 6, 7, 0, 0]);
  });

  it("take their tokens along", () => {
    // Two images of three patches, two numbers each.
    const tokens = Float32Array.from({ length: 2 * 3 * 2 }, (_, i) => i);
    expect([...takeTokens(tokens, 3, 2, { side: 1, indices: [1] })]).toEqual([2, 3, 8, 9]);
  });

  it("give the whole image's loss and gradients when all are kept, in any place", async () => {
    const layout = layoutOf(tinyArchitecture);
    const session = createTrainingSession({
      layout,
      normalisation: { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
      loss: { squared: 1, cosine: 1, whitened: 0, tokens: 0 },
      whitening: new Float32Array(12 * 12),
      threads: 1,
    });
    const rng = createRng(3);
    const flat = randomParameters(layout, 1).map((w) => w + 0.1 * rng.normal());
    const pixels = Uint8Array.from({ length: 2 * 16 * 16 * 3 }, () => rng.int(256));
    const targets = Float32Array.from({ length: 24 }, () => rng.normal());
    const [whole, kept] = [new Float32Array(layout.size), new Float32Array(layout.size)];
    const loss = await session.step(flat, { pixels, targets, tokens: [], count: 2 }, whole);
    const same = await session.step(flat, { pixels, targets, tokens: [], count: 2 }, kept, {
      side: 2,
      indices: [2, 0, 3, 1],
    });
    expect(same).toBeCloseTo(loss, 5);
    expect(Math.max(...whole.map((g, i) => Math.abs(g - kept[i]!)))).toBeLessThan(1e-4);
    await session.close();
  });
});
