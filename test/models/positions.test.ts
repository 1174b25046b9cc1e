import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { tensor } from "../../src/kernel/tensor.ts";
import { resamplePositions } from "../../src/models/positions.ts";
import { createGraph, type Value } from "../../src/onnx/graph.ts";
import { runGraph } from "../support/graph-check.ts";
import { noiseTensor } from "../support/tiny-model.ts";

/** ONNX Runtime's own antialiased bicubic, with the coefficient and the borders of PyTorch's. */
async function resized(grid: Float32Array, from: number, to: number, width: number): Promise<Float32Array> {
  const g = createGraph("resize", "onnx");
  const x = g.input("x", "float32", [1, width, from, from]);
  // ONNX's way to leave an input out.
  const none: Value = { name: "", type: "float32", shape: [0] };
  g.output(
    "y",
    g.emit("Resize", [x, none, none, g.ints([1, width, to, to])], [1, width, to, to], {
      attributes: {
        mode: "cubic",
        antialias: 1,
        exclude_outside: 1,
        coordinate_transformation_mode: "half_pixel",
        cubic_coeff_a: { float: -0.5 },
      },
    }),
  );
  const planes = Float32Array.from({ length: grid.length }, (_, i) => {
    const [d, cell] = [Math.floor(i / (from * from)), i % (from * from)];
    return grid[cell * width + d]!;
  });
  const { y } = await runGraph(g, { x: tensor(planes, [1, width, from, from]) });
  return Float32Array.from(
    { length: to * to * width },
    (_, i) => y!.data[(i % width) * to * to + Math.floor(i / width)]!,
  );
}

describe("position embeddings for another grid", () => {
  it.each([
    [14, 10],
    [14, 24],
    [14, 7],
    [3, 8],
    [8, 3],
    [1, 4],
    [5, 1],
  ])("from %i to %i a side are what ONNX Runtime's Resize gives", async (from, to) => {
    const width = 5;
    const positions = noiseTensor([1, 1 + from * from, width], 7);
    const { data, shape } = resamplePositions(positions, to);
    expect(shape).toEqual([1, 1 + to * to, width]);
    expect(data.subarray(0, width)).toEqual(positions.data.subarray(0, width));
    const expected = await resized(positions.data.subarray(width), from, to, width);
    const worst = Math.max(...expected.map((value, i) => Math.abs(value - data[width + i]!)));
    expect(worst).toBeLessThan(1e-5);
  });

  it("keep a constant, and stay as they are on their own grid", () => {
    const side = fc.integer({ min: 1, max: 9 });
    fc.assert(
      fc.property(side, side, fc.float({ noNaN: true, min: -8, max: 8 }), (from, to, value) => {
        const constant = tensor(new Float32Array((1 + from * from) * 2).fill(value), [1, 1 + from * from, 2]);
        for (const number of resamplePositions(constant, to).data) expect(number).toBeCloseTo(value, 5);
        const noise = noiseTensor([1, 1 + from * from, 2], from);
        for (const [i, number] of resamplePositions(noise, from).data.entries()) {
          expect(number).toBeCloseTo(noise.data[i]!, 6);
        }
      }),
    );
  });
});
