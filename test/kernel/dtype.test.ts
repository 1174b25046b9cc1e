import { describe, expect, test } from "vitest";
import { dtypeBytes, fromFloat32, readNumbers, storeNumbers, toFloat32, type Dtype } from "../../src/kernel/dtype.ts";

const bytesOf = (array: ArrayBufferView): Uint8Array =>
  new Uint8Array(array.buffer as ArrayBuffer, array.byteOffset, array.byteLength);

describe("toFloat32 reads -2, 0, 3 from", () => {
  const cases: Record<Dtype, ArrayBufferView> = {
    F64: Float64Array.of(-2, 0, 3),
    F32: Float32Array.of(-2, 0, 3),
    F16: Uint16Array.of(0xc000, 0, 0x4200),
    BF16: Uint16Array.of(0xc000, 0, 0x4040),
    I64: BigInt64Array.of(-2n, 0n, 3n),
    I32: Int32Array.of(-2, 0, 3),
    I8: Int8Array.of(-2, 0, 3),
    U8: Uint8Array.of(254, 0, 3),
  };
  for (const [dtype, array] of Object.entries(cases) as [Dtype, ArrayBufferView][]) {
    test(`${dtype}, at any alignment`, () => {
      const shifted = new Uint8Array(1 + array.byteLength);
      shifted.set(bytesOf(array), 1);
      expect(array.byteLength).toBe(3 * dtypeBytes[dtype]);
      for (const bytes of [bytesOf(array), shifted.subarray(1)]) {
        const { data, shape } = toFloat32({ dtype, shape: [3], bytes });
        expect([...data]).toEqual([dtype === "U8" ? 254 : -2, 0, 3]);
        expect(shape).toEqual([3]);
      }
    });
  }
});

test("float64 and int32 come back in their own type, bit by bit", () => {
  for (const array of [
    Float64Array.of(1 / 3, -0, 1e300),
    Int32Array.of(2 ** 31 - 1, -5, 0),
    Float32Array.of(1, 2, 3),
  ]) {
    expect(readNumbers(storeNumbers(array, [3, 1]))).toEqual(array);
  }
});

test("F16 halves the bytes and keeps 11 bits", () => {
  const stored = fromFloat32({ data: Float32Array.of(0.1, -1000.3), shape: [2] }, "F16");
  expect(stored.bytes.length).toBe(4);
  const { data } = toFloat32(stored);
  expect(Math.abs(data[0]! / 0.1 - 1)).toBeLessThan(2 ** -11);
  expect(Math.abs(data[1]! / -1000.3 - 1)).toBeLessThan(2 ** -11);
});

test("numbers that do not fill the shape are refused", () => {
  expect(() => storeNumbers(new Float32Array(3), [2, 2])).toThrow(expect.objectContaining({ code: "tensor/shape" }));
});
