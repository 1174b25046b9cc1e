import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { pictureStream } from "../../../src/edge/sources/picture-stream.ts";
import { isAppError } from "../../../src/kernel/errors.ts";
import { part } from "../../support/ffmpeg.ts";

function pieces(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const at = [...new Set([0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length])].toSorted((a, b) => a - b);
  return at.slice(1).map((end, i) => bytes.subarray(at[i], end));
}

describe("pictureStream", () => {
  it("finds each picture whole, wherever the stream is cut, and whatever is in the picture", () => {
    const picture = fc.uint8Array({ minLength: 1, maxLength: 2000 });
    fc.assert(
      fc.property(fc.array(picture, { maxLength: 5 }), fc.array(fc.nat()), (pictures, cuts) => {
        const cut = pictureStream(2000);
        const found = pieces(Buffer.concat(pictures.map(part)), cuts).flatMap((chunk) => cut(chunk));
        expect(found.map((one) => Buffer.from(one))).toEqual(pictures.map((one) => Buffer.from(one)));
      }),
    );
  });

  it("is not taken in by headers and boundaries inside a picture", () => {
    const nested = part(part(Buffer.from("inner")));
    expect(pictureStream(1000)(nested)).toEqual([new Uint8Array(part(Buffer.from("inner")))]);
  });

  it("refuses a picture that is too large at its header, before its bytes", () => {
    const cut = pictureStream(99);
    expect(cut(part(new Uint8Array(99)))).toHaveLength(1);
    expect(() => cut(part(new Uint8Array(100)).subarray(0, 80))).toThrow(
      expect.objectContaining({ code: "source/too-large" }),
    );
  });

  it.each([
    ["a JPEG without a header", Buffer.concat([Buffer.of(0xff, 0xd8, 0xff), Buffer.alloc(600)])],
    ["a header without an end", Buffer.alloc(512, "--ffmpeg\r\nContent-type: image/jpeg\r\n")],
    ["another type", Buffer.from("--ffmpeg\r\nContent-type: text/html\r\nContent-length: 5\r\n\r\nhello")],
    ["no length", Buffer.from("--ffmpeg\r\nContent-type: image/jpeg\r\nContent-length: 0\r\n\r\n")],
    ["a length that is none", Buffer.from("--ffmpeg\r\nContent-type: image/jpeg\r\nContent-length: -1\r\n\r\n")],
  ])("refuses %s", (_, bytes) => {
    expect(() => pictureStream(1000)(bytes)).toThrow(expect.objectContaining({ code: "source/garbage" }));
  });

  it("answers any bytes with pictures or a coded fault", () => {
    const answer = (chunks: readonly Uint8Array[]): unknown => {
      const cut = pictureStream(1000);
      try {
        return chunks.flatMap((chunk) => cut(chunk));
      } catch (error) {
        return isAppError(error, "source/garbage") ? [] : error;
      }
    };
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 700 }), { maxLength: 5 }), (chunks) => {
        expect(answer(chunks)).toEqual([]);
      }),
    );
  });
});
