import { describe, expect, it } from "vitest";
import { createOnnxEngine } from "../../src/backbone/onnx-engine.ts";
import { areaShares, createTeacher, studentTaps, teacherTap } from "../../src/distil/teacher.ts";
import { createRng } from "../../src/kernel/rng.ts";
import { row } from "../../src/kernel/tensor.ts";
import { tinyArchitecture, tinyModel } from "../support/tiny-model.ts";

describe("the blocks that are taught", () => {
  it("are every second one of the student, but not its last", () => {
    expect([2, 4, 6, 7, 12].map((depth) => studentTaps(depth))).toEqual([[], [2], [2, 4], [2, 4], [2, 4, 6, 8, 10]]);
  });

  it("learn from the teacher's at the same share of its depth", () => {
    expect(studentTaps(6).map((tap) => teacherTap(tap, 6, 12))).toEqual([5, 9]);
    expect(teacherTap(2, 4, 4)).toBe(2);
  });
});

describe("the shares of a grid's cells in a coarser one's", () => {
  it("are the overlaps by area", () => {
    expect([...areaShares(2, 2)]).toEqual([1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]);
    expect([...areaShares(2, 1)]).toEqual([0.25, 0.25, 0.25, 0.25]);
    const shares = areaShares(14, 8);
    for (let c = 0; c < 64; c++) {
      const column = Array.from({ length: 196 }, (_, f) => shares[f * 64 + c]!);
      expect(column.reduce((a, b) => a + b)).toBeCloseTo(1, 5);
      expect(column.filter((share) => share > 0).length).toBeGreaterThanOrEqual(4);
    }
  });
});

describe("the teacher", () => {
  it("tells the feature that the engine computes, and tokens of each tap on the student's grid", async () => {
    const model = tinyModel();
    const { imageSize, width } = tinyArchitecture;
    const rng = createRng(1);
    const pixels = Uint8Array.from({ length: 2 * imageSize ** 2 * 3 }, () => rng.int(256));
    const engine = await createOnnxEngine({ model, head: { kind: "linear" }, provider: "cpu", threads: 1 });
    const expected = await engine.query({ pixels, count: 2 });
    await engine.close();
    const [fine, coarse] = [2, 1].map((studentSide) => createTeacher({ model, taps: [0], studentSide, threads: 1 }));
    const [whole, mean] = [await (await fine!).look(pixels, 2), await (await coarse!).look(pixels, 2)];
    const queryAt = (i: number): number => row(expected, Math.floor(i / width))[i % width]!;
    expect(Math.max(...whole.features.map((f, i) => Math.abs(f - queryAt(i))))).toBeLessThan(1e-5);
    expect([whole.tokens.length, mean.tokens.length]).toEqual([2 * 4 * width, 2 * width]);
    // On a grid of one cell it is the mean of the patches.
    mean.tokens.forEach((token, i) => {
      const [image, d] = [Math.floor(i / width), i % width];
      const patches = [0, 1, 2, 3].map((patch) => whole.tokens[(image * 4 + patch) * width + d]!);
      expect(token).toBeCloseTo(patches.reduce((a, b) => a + b) / 4, 5);
    });
    await Promise.all([(await fine!).close(), (await coarse!).close()]);
  });
});
