import fc from "fast-check";
import { expect, test } from "vitest";
import { fromFixedBatches, toFixedBatches } from "../../src/backbone/fixed-batch.ts";
import type { TensorMessages } from "../../src/backbone/session-protocol.ts";

test("any count goes through any fixed batch and comes back as it was", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 33 }),
      fc.integer({ min: 1, max: 8 }),
      fc.integer({ min: 1, max: 3 }),
      (count, batch, width) => {
        const feeds: TensorMessages = {
          pixels: {
            type: "uint8",
            data: Uint8Array.from({ length: count * width }, (_, i) => i % 256),
            dims: [count, width],
          },
          prompts: {
            type: "float32",
            data: Float32Array.from({ length: count * width * 2 }, (_, i) => i + 1),
            dims: [count, 2, width],
          },
        };
        const calls = toFixedBatches(feeds, count, batch);
        expect(calls).toHaveLength(Math.ceil(count / batch));
        for (const { pixels, prompts } of calls) {
          expect(pixels!.dims).toEqual([batch, width]);
          expect(prompts!.dims).toEqual([batch, 2, width]);
          expect(prompts!.data).toHaveLength(batch * 2 * width);
        }
        const back = fromFixedBatches(
          calls.map(({ prompts }) => ({ features: prompts! })),
          count,
        );
        expect(back["features"]).toEqual(feeds["prompts"]);
        const filled = calls.at(-1)!["prompts"]!.data.slice((count - (calls.length - 1) * batch) * 2 * width);
        expect(filled.every((value) => value === 0)).toBe(true);
      },
    ),
  );
});

test("what is sent is a copy: the caller's numbers stay when it is transferred", () => {
  const data = Float32Array.of(1, 2);
  const [call] = toFixedBatches({ x: { type: "float32", data, dims: [2, 1] } }, 2, 2);
  expect(call!["x"]!.data).toEqual(data);
  expect(call!["x"]!.data.buffer).not.toBe(data.buffer);
});
