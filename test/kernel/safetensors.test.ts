import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { dtypeBytes, type Dtype, type StoredTensor } from "../../src/kernel/dtype.ts";
import { AppError, type ErrorCode } from "../../src/kernel/errors.ts";
import { decodeSafetensors, encodeSafetensors } from "../../src/kernel/safetensors.ts";
import { sizeOf } from "../../src/kernel/tensor.ts";

/** A file with this header text, whatever it says. */
function fileOf(header: unknown, dataLength = 0, claimed?: bigint): Uint8Array {
  const text =
    header instanceof Uint8Array ? header : Buffer.from(typeof header === "string" ? header : JSON.stringify(header));
  const file = new Uint8Array(8 + text.length + dataLength);
  new DataView(file.buffer).setBigUint64(0, claimed ?? BigInt(text.length), true);
  file.set(text, 8);
  return file;
}

const f32 = (begin: number, end: number, shape: unknown = [(end - begin) / 4]): unknown => ({
  dtype: "F32",
  shape,
  data_offsets: [begin, end],
});

const arbitraryTensor: fc.Arbitrary<StoredTensor> = fc
  .record({
    dtype: fc.constantFrom(...(Object.keys(dtypeBytes) as Dtype[])),
    shape: fc.array(fc.nat(3), { maxLength: 3 }),
    fill: fc.nat(255),
  })
  .map(({ dtype, shape, fill }) => ({
    dtype,
    shape,
    bytes: new Uint8Array(sizeOf(shape) * dtypeBytes[dtype]).fill(fill),
  }));

const arbitraryName = fc.oneof(fc.string(), fc.constantFrom("__proto__", "constructor", "1", "a.b.weight"));
const arbitraryTensors = fc
  .array(
    fc.tuple(
      arbitraryName.filter((name) => name !== "__metadata__"),
      arbitraryTensor,
    ),
    { maxLength: 5 },
  )
  .map((entries) => new Map(entries));
const arbitraryMetadata = fc
  .array(fc.tuple(arbitraryName, fc.string()), { maxLength: 3 })
  .map((pairs) => new Map(pairs));

/** What a decoder may do with any bytes: true for a result or a coded error. */
function answersOrRefuses(file: Uint8Array): boolean {
  try {
    return decodeSafetensors(file).tensors instanceof Map;
  } catch (error) {
    return error instanceof AppError;
  }
}

describe("what was encoded decodes", () => {
  test("to the same tensors and metadata, each tensor aligned to its words", () => {
    fc.assert(
      fc.property(arbitraryTensors, arbitraryMetadata, (tensors, metadata) => {
        const file = encodeSafetensors(tensors, metadata);
        const decoded = decodeSafetensors(file);
        expect(decoded.tensors).toEqual(tensors);
        expect(decoded.metadata).toEqual(metadata);
        for (const { dtype, bytes } of decoded.tensors.values()) {
          expect(bytes.length === 0 || bytes.byteOffset % dtypeBytes[dtype] === 0).toBe(true);
        }
      }),
    );
  });

  test("from the same bytes whatever the order it was given in", () => {
    fc.assert(
      fc.property(arbitraryTensors, arbitraryMetadata, (tensors, metadata) => {
        const reversed = encodeSafetensors(new Map([...tensors].toReversed()), new Map([...metadata].toReversed()));
        expect(reversed).toEqual(encodeSafetensors(tensors, metadata));
      }),
    );
  });
});

describe("hostile bytes", () => {
  const cases: [string, Uint8Array, ErrorCode][] = [
    ["nothing", new Uint8Array(0), "safetensors/cut-short"],
    ["seven bytes", new Uint8Array(7), "safetensors/cut-short"],
    ["a header longer than the file", fileOf({}, 0, 1000n), "safetensors/cut-short"],
    ["a header of 101 MB", fileOf({}, 0, 101_000_000n), "safetensors/header-too-large"],
    ["a header of 2^64 − 1 bytes", fileOf({}, 0, 2n ** 64n - 1n), "safetensors/header-too-large"],
    ["a header that is not JSON", fileOf("{oops"), "safetensors/header"],
    ["a header that is no UTF-8", fileOf(Uint8Array.of(0x22, 0xff, 0x22)), "safetensors/header"],
    ["a header that is an array", fileOf([]), "safetensors/header"],
    ["a header that is null", fileOf("null"), "safetensors/header"],
    ["a million brackets", fileOf("[".repeat(1e6)), "safetensors/header"],
    [
      "a dtype nested a hundred thousand deep",
      fileOf(`{"a":{"dtype":${"[".repeat(1e5)}${"]".repeat(1e5)}}}`),
      "safetensors/dtype",
    ],
    [
      "a name that comes twice",
      fileOf(`{"a":${JSON.stringify(f32(0, 4))},"a":${JSON.stringify(f32(0, 4))}}`, 4),
      "safetensors/header",
    ],
    ["a tensor that is a number", fileOf({ a: 1 }), "safetensors/header"],
    ["a tensor named __proto__ that is null", fileOf('{"__proto__":null}'), "safetensors/header"],
    ["metadata of numbers", fileOf({ __metadata__: { a: 1 } }), "safetensors/header"],
    ["an unknown dtype", fileOf({ a: { dtype: "F8", shape: [0], data_offsets: [0, 0] } }), "safetensors/dtype"],
    [
      "a dtype of Object.prototype",
      fileOf({ a: { dtype: "toString", shape: [0], data_offsets: [0, 0] } }),
      "safetensors/dtype",
    ],
    ["a negative dimension", fileOf({ a: f32(0, 4, [-1]) }, 4), "safetensors/shape"],
    ["a dimension of one half", fileOf({ a: f32(0, 4, [0.5, 2]) }, 4), "safetensors/shape"],
    [
      "an infinite dimension",
      fileOf('{"a":{"dtype":"F32","shape":[1e999],"data_offsets":[0,4]}}', 4),
      "safetensors/shape",
    ],
    ["a shape that overflows", fileOf({ a: f32(0, 0, [2 ** 52, 2 ** 52, 0]) }), "safetensors/shape"],
    ["a shape that is text", fileOf({ a: f32(0, 4, "1") }, 4), "safetensors/shape"],
    ["a shape larger than its bytes", fileOf({ a: f32(0, 4, [2]) }, 4), "safetensors/shape"],
    ["offsets that run backwards", fileOf({ a: f32(4, 0, [1]) }, 4), "safetensors/shape"],
    ["no offsets", fileOf({ a: { dtype: "F32", shape: [] } }), "safetensors/offsets"],
    ["tensors that overlap", fileOf({ a: f32(0, 8), b: f32(4, 12) }, 12), "safetensors/offsets"],
    ["a hole between tensors", fileOf({ a: f32(0, 4), b: f32(8, 12) }, 12), "safetensors/offsets"],
    ["a hole before the first", fileOf({ a: f32(4, 8) }, 8), "safetensors/offsets"],
    ["bytes after the last", fileOf({ a: f32(0, 4) }, 5), "safetensors/offsets"],
    ["data that is cut short", fileOf({ a: f32(0, 8) }, 7), "safetensors/cut-short"],
    ["a petabyte that is not there", fileOf({ a: f32(0, 2 ** 50) }, 4), "safetensors/cut-short"],
  ];
  test.each(cases)("%s", (_, file, code) => {
    expect(() => decodeSafetensors(file)).toThrow(expect.objectContaining({ code }));
  });

  test("a smaller limit on the header is kept", () => {
    const file = encodeSafetensors(new Map(), new Map([["note", "x".repeat(1000)]]));
    expect(() => decodeSafetensors(file, { maxHeaderBytes: 500 })).toThrow(
      expect.objectContaining({ code: "safetensors/header-too-large" }),
    );
  });

  test("a name of a megabyte does not fill the log", () => {
    const file = fileOf({ ["x".repeat(1e6)]: 1 });
    expect(() => decodeSafetensors(file)).toThrow(/^.{1,200}$/);
  });

  test("random bytes and random damage end in a result or a coded error", () => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(arbitraryTensors, arbitraryMetadata, damage, fc.nat(20), (tensors, metadata, changes, cut) => {
        const file = encodeSafetensors(tensors, metadata);
        for (const [at, value] of changes) file[at % file.length] = value;
        expect(answersOrRefuses(file.subarray(0, file.length - cut))).toBe(true);
      }),
      { numRuns: 1_000 },
    );
    fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => answersOrRefuses(bytes)));
    fc.assert(fc.property(fc.json(), (json) => answersOrRefuses(fileOf(json))));
  });
});

test("encoding refuses a reserved name and bytes that do not fill the shape", () => {
  const stored: StoredTensor = { dtype: "F32", shape: [2], bytes: new Uint8Array(8) };
  expect(() => encodeSafetensors(new Map([["__metadata__", stored]]))).toThrow(
    expect.objectContaining({ code: "safetensors/header" }),
  );
  for (const shape of [[3], [0.5, 4], [-1, -2]]) {
    expect(() => encodeSafetensors(new Map([["a", { ...stored, shape }]]))).toThrow(
      expect.objectContaining({ code: "safetensors/shape" }),
    );
  }
});
