import { Float16Array } from "@petamoriken/float16";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { bfloat16ToFloat32, float32ToHalf, halfToFloat32 } from "../../src/kernel/half.ts";

const everyHalf = Uint16Array.from({ length: 65_536 }, (_, bits) => bits);

const isNaNHalf = (bits: number): boolean => (bits & 0x7fff) > 0x7c00;

test("all 65,536 halves decode as an independent implementation decodes them", () => {
  const values = halfToFloat32(everyHalf);
  const reference = Float32Array.from(new Float16Array(everyHalf.buffer));
  expect(values.findIndex((value, i) => !Object.is(value, reference[i]))).toBe(-1);
});

test("every half that is a number comes back as the same bits", () => {
  const back = float32ToHalf(halfToFloat32(everyHalf));
  expect(everyHalf.findIndex((bits) => !isNaNHalf(bits) && back[bits] !== bits)).toBe(-1);
  expect(everyHalf.findIndex((bits) => isNaNHalf(bits) && !isNaNHalf(back[bits]!))).toBe(-1);
});

test("rounding agrees with an independent implementation, around every tie too", () => {
  const numbers = halfToFloat32(everyHalf).filter((value) => Number.isFinite(value));
  const midpoints = Array.from(numbers, (value, i) => {
    const middle = Math.fround((value + (numbers[i + 1] ?? value)) / 2);
    return [middle, Math.fround(middle * (1 + 2 ** -23)), Math.fround(middle * (1 - 2 ** -23))];
  }).flat();
  const reference = new Uint16Array(Float16Array.from(midpoints).buffer);
  const ours = float32ToHalf(Float32Array.from(midpoints));
  expect(ours.findIndex((bits, i) => bits !== reference[i])).toBe(-1);
});

test("any float32 rounds as an independent implementation rounds it", () => {
  fc.assert(
    fc.property(fc.float({ noNaN: true }), (value) => {
      expect(float32ToHalf(Float32Array.of(value))).toEqual(new Uint16Array(Float16Array.of(value).buffer));
    }),
    { numRuns: 2_000 },
  );
});

test("bfloat16 is the upper half of a float32", () => {
  const values = Float32Array.of(1, -2.5, 0, 3e38, Infinity);
  const upper = Uint16Array.from(new Uint32Array(values.buffer), (bits) => bits >>> 16);
  const decoded = bfloat16ToFloat32(upper);
  expect(decoded.slice(0, 3)).toEqual(Float32Array.of(1, -2.5, 0));
  expect(decoded[3]! / 3e38).toBeCloseTo(1, 1);
  expect(decoded[4]).toBe(Infinity);
});
