import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isAppError } from "../../src/kernel/errors.ts";
import type { StateArray } from "../../src/kernel/state.ts";
import { decodeCheckpoint, encodeCheckpoint } from "../../src/message/checkpoint.ts";
import { encodeSnapshot } from "../../src/message/snapshot.ts";
import type { SnapshotAbout } from "../../src/message/snapshot-about.ts";
import { streamLearner, teach } from "../support/learned.ts";
import { forge, reforge } from "./snapshot-forge.ts";

const about: SnapshotAbout = {
  modelId: "a".repeat(64),
  modelName: "vit",
  node: "box",
  createdAt: "2024-05-01T10:00:00.000Z",
  poolVersion: 12,
  reason: "stop",
  accuracy: null,
};
const stream = { v: 1, through: 12, memory: [["camera/1", null, ["bolt"]]] };
const bits = ({ data }: StateArray): string =>
  Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("hex");

const codeOf = (bytes: Uint8Array): string => {
  try {
    decodeCheckpoint(bytes);
    return "none";
  } catch (error) {
    return isAppError(error) ? error.code : `${String(error)}: not coded`;
  }
};

describe("a checkpoint", () => {
  it("lets a learner go on as if nothing had happened, bit by bit", async () => {
    const straight = streamLearner(24);
    const [first, second] = await teach(straight, 3);
    const state = straight.save();
    const decoded = decodeCheckpoint(encodeCheckpoint({ about, state, stream }));
    expect(decoded).toEqual({ about, state, stream });

    const restarted = streamLearner(24, 9);
    restarted.restore(decoded.state);
    for (const learner of [straight, restarted]) {
      await learner.learn([first!]);
      await learner.learn([second!]);
    }
    expect(restarted.save()).toEqual(straight.save());
  });

  it("keeps every number's bits, whatever they are, and every name", () => {
    const array = fc
      .tuple(fc.uint8Array({ maxLength: 6 }), fc.constantFrom(Float32Array, Float64Array, Int32Array))
      .chain(([{ length }, type]) =>
        fc
          .uint8Array({ minLength: length * 8, maxLength: length * 8 })
          .map((raw): StateArray => ({ data: new type(raw.slice().buffer, 0, length), shape: [length] })),
      );
    const name = fc.oneof(fc.constantFrom("__proto__", "x.scale", ""), fc.string()).filter((n) => n !== "__metadata__");
    fc.assert(
      fc.property(fc.dictionary(name, array), fc.jsonValue(), (arrays, value) => {
        const decoded = decodeCheckpoint(
          encodeCheckpoint({ about, state: { arrays, meta: { value } }, stream: value }),
        );
        expect(JSON.stringify([decoded.stream, decoded.state.meta["value"]])).toBe(JSON.stringify([value, value]));
        expect(Object.keys(decoded.state.arrays).toSorted()).toEqual(Object.keys(arrays).toSorted());
        for (const [key, original] of Object.entries(arrays)) {
          const copy = Object.entries(decoded.state.arrays).find(([other]) => other === key)![1];
          expect(copy.data.constructor).toBe(original.data.constructor);
          expect(copy.shape).toEqual(original.shape);
          expect(bits(copy)).toBe(bits(original));
        }
      }),
    );
  });

  const state = { arrays: { x: { data: Float64Array.of(1, 1 / 3), shape: [2] } }, meta: { v: 1 } };
  const encoded = encodeCheckpoint({ about, state, stream });

  it("notices every damaged byte and every cut", () => {
    for (let i = 0; i < encoded.length; i++) {
      const flipped = encoded.slice();
      flipped[i]! ^= 1 << (i % 8);
      expect(codeOf(flipped)).toBe("snapshot/damaged");
      expect(codeOf(encoded.subarray(0, i))).toMatch(/^snapshot\/(damaged|format)$/);
    }
  });

  it("is not to be taken for a snapshot, nor of a version to come", () => {
    expect(codeOf(encodeSnapshot(state, about))).toBe("snapshot/format");
    expect(codeOf(reforge(encoded, ({ __metadata__ }) => void (__metadata__["version"] = "2")))).toBe(
      "snapshot/version",
    );
    expect(codeOf(reforge(encoded, ({ __metadata__ }) => void delete __metadata__["stream"]))).toBe("snapshot/format");
    expect(codeOf(forge({}))).toBe("snapshot/format");
  });
});
