import * as fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { isAppError } from "../../src/kernel/errors.ts";
import { decodeSafetensors } from "../../src/kernel/safetensors.ts";
import type { LearnerState } from "../../src/kernel/state.ts";
import type { LabelledSample, Learner } from "../../src/learner/types.ts";
import { decodeSnapshot, encodeSnapshot } from "../../src/message/snapshot.ts";
import { requireModel, type SnapshotAbout } from "../../src/message/snapshot-about.ts";
import { sha256 } from "../../src/message/snapshot-container.ts";
import { manifestSchema, snapshotManifest } from "../../src/message/snapshot-manifest.ts";
import { streamLearner, teach } from "../support/learned.ts";
import { forge, reforge } from "./snapshot-forge.ts";

const about: SnapshotAbout = {
  modelId: "a".repeat(64),
  modelName: "vit_tiny_patch16_224",
  node: "box",
  createdAt: "2024-05-01T10:00:00.000Z",
  poolVersion: 12,
  reason: "learned",
  accuracy: 0.75,
};
const int8 = { precision: "int8" } as const;
const fp16 = { precision: "fp16" } as const;

const small: LearnerState = {
  arrays: {
    keys: { data: Float32Array.of(0.1, -2, 3, 1e-3, 0, 65_504), shape: [2, 3] },
    counts: { data: Int32Array.of(7, 2_000_000_001), shape: [2] },
    losses: { data: Float32Array.of(0.1, 1 / 3), shape: [2] },
  },
  meta: { v: 1, labels: ["bolt", 'a "sha256":"label"'], rate: 0.1 },
};
const encoded = encodeSnapshot(small, about);
const codeOf = (bytes: Uint8Array): string => {
  try {
    decodeSnapshot(bytes);
    return "none";
  } catch (error) {
    return isAppError(error) ? error.code : `${String(error)}: not coded`;
  }
};

describe("a snapshot of a real learner", () => {
  let writer: Learner;
  let unseen: readonly LabelledSample[];
  beforeAll(async () => {
    writer = streamLearner(192);
    unseen = await teach(writer, 6);
  });

  it("is at most 36 KB at ViT-Tiny, M 10, Lp 5 and 10 classes in fp16", () => {
    const compact = writer.saveCompact();
    expect(writer.labels).toHaveLength(10);
    expect(compact.arrays["prompts"]!.shape).toEqual([10, 5, 192]);
    const sizes = [compact, widened(compact, 4)].map((state) =>
      [fp16, int8].map((precision) => encodeSnapshot(state, about, precision).length),
    );
    const [tiny, base] = sizes;
    console.log(
      `snapshot at M 10, Lp 5, 10 classes: D 192 ${tiny![0]} bytes in fp16, ${tiny![1]} in int8; ` +
        `D 768 ${base![0]} in fp16, ${base![1]} in int8`,
    );
    expect(tiny![0]).toBeLessThanOrEqual(36_000);
    expect(tiny![1]).toBeLessThan(0.7 * tiny![0]!);
  });

  it.each([
    ["fp16", fp16, 0.995, 0.02],
    ["int8", int8, 0.95, 0.15],
  ] as const)("in %s lets another node predict the same by its prompted head", async (name, precision, least, far) => {
    const compact = writer.saveCompact();
    const exact = streamLearner(192, 2);
    exact.restore(compact);
    const reader = streamLearner(192, 3);
    reader.restore(decodeSnapshot(encodeSnapshot(compact, about, precision)).state);
    expect(reader.labels).toEqual(writer.labels);
    expect(reader.poolVersion).toBe(writer.poolVersion);

    const agreement = { prompted: 0, statistics: 0, combined: 0, rounding: 0 };
    let apart = 0;
    for (const sample of unseen) {
      const [wrote, read, unrounded] = [
        await writer.predictOne(sample),
        await reader.predictOne(sample),
        await exact.predictOne(sample),
      ];
      agreement.prompted += Number(wrote.heads.prompted === read.heads.prompted) / unseen.length;
      agreement.statistics += Number(wrote.heads.statistics === read.heads.statistics) / unseen.length;
      agreement.combined += Number(wrote.label === read.label) / unseen.length;
      agreement.rounding += Number(unrounded.label === read.label) / unseen.length;
      if (unrounded.label === read.label) apart = Math.max(apart, Math.abs(unrounded.confidence - read.confidence));
    }
    console.log(
      `${name}: of ${unseen.length} predictions the reader makes the writer's by the prompted head ${share(agreement.prompted)}, ` +
        `by the statistics head (which lacks the covariance) ${share(agreement.statistics)}, combined ${share(agreement.combined)}; ` +
        `with and without rounding ${share(agreement.rounding)}, confidences at most ${apart.toFixed(4)} apart`,
    );
    expect(agreement.prompted).toBeGreaterThanOrEqual(least);
    expect(agreement.rounding).toBeGreaterThanOrEqual(least);
    expect(apart).toBeLessThan(far);
  });

  it("goes on learning where it was taken over", async () => {
    const reader = streamLearner(192, 3);
    reader.restore(decodeSnapshot(encodeSnapshot(writer.saveCompact(), about)).state);
    const [learned] = await reader.learn([{ ...unseen[0]!, label: "new" }]);
    expect(learned!.poolVersion).toBe(writer.poolVersion + 1);
    expect(reader.labels).toEqual([...writer.labels, "new"]);
  });
});

/** The same state as a backbone so many times wider would have it. */
/** As of a wider ViT, whose query has no other part than q(x) any more. */
function widened({ arrays, meta }: LearnerState, times: number): LearnerState {
  const wider = Object.entries(arrays).map(([name, { data, shape }]) => {
    if (shape.length < 2 || name === "classMeans") return [name, { data, shape }] as const;
    const repeated = Float32Array.from({ length: data.length * times }, (_, i) => data[i % data.length]!);
    return [name, { data: repeated, shape: [...shape.slice(0, -1), shape.at(-1)! * times] }] as const;
  });
  return { arrays: Object.fromEntries(wider), meta };
}

const share = (part: number): string => `${(100 * part).toFixed(1)} %`;

describe("encodeSnapshot", () => {
  it("keeps what it says, counts and vectors as they are, and rounds matrices to fp16", () => {
    const { header, state } = decodeSnapshot(encoded);
    expect(header).toEqual({ ...about, precision: "fp16" });
    expect(state.meta).toEqual(small.meta);
    expect(state.arrays["counts"]).toEqual(small.arrays["counts"]);
    expect(state.arrays["losses"]).toEqual(small.arrays["losses"]);
    const keys = [...state.arrays["keys"]!.data];
    expect(keys.slice(1, 3)).toEqual([-2, 3]);
    expect(keys[5]).toBe(65_504);
    expect(keys[0]).not.toBe(Math.fround(0.1));
    expect(keys[0]).toBeCloseTo(0.1, 4);
  });

  it("gives the same bytes for the same state", () => {
    const turned = { ...small, arrays: Object.fromEntries(Object.entries(small.arrays).toReversed()) };
    expect(encodeSnapshot(turned, about)).toEqual(encoded);
  });

  it("is a plain .safetensors file, with int8 steps and a scale a row beside them", () => {
    const { metadata, tensors } = decodeSafetensors(encodeSnapshot(small, about, int8));
    expect([...metadata.keys()]).toEqual(["about", "format", "precision", "sha256", "state", "version"]);
    expect(tensors.get("keys")).toMatchObject({ dtype: "I8", shape: [2, 3] });
    expect(tensors.get("keys.scale")).toMatchObject({ dtype: "F32", shape: [2] });
    expect(tensors.get("counts")).toMatchObject({ dtype: "I32" });
    expect(decodeSafetensors(encoded).tensors.get("keys")).toMatchObject({ dtype: "F16" });
  });

  const matrix = fc
    .tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 5 }))
    .chain(([rows, width]) =>
      fc.tuple(
        fc.float32Array({ minLength: rows * width, maxLength: rows * width }),
        fc.constant<readonly number[]>([rows, width]),
      ),
    );

  it("rounds by half a step at most, and stores exactly what the precision cannot hold", () => {
    fc.assert(
      fc.property(matrix, fc.constantFrom(fp16, int8), ([data, shape], precision) => {
        const state = { arrays: { x: { data, shape } }, meta: {} };
        const { x } = decodeSnapshot(encodeSnapshot(state, about, precision)).state.arrays;
        expect(x!.shape).toEqual(shape);
        const held = data.every((value) => (precision === fp16 ? Math.abs(value) < 65_520 : Math.abs(value) <= 1e38));
        const width = shape[1]!;
        data.forEach((value, i) => {
          const row = data.subarray(i - (i % width), i - (i % width) + width);
          const largest = row.reduce((max, y) => Math.max(max, Math.abs(y)), 0);
          const bound = !held
            ? 0
            : precision === fp16
              ? Math.abs(value) * 2 ** -11 + 2 ** -25
              : (largest / 254) * 1.001 + 1e-43;
          expect(Object.is(x!.data[i], value) || Math.abs(x!.data[i]! - value) <= bound).toBe(true);
        });
      }),
    );
  });

  it("never makes a number infinite", () => {
    const data = Float32Array.of(1, 65_520, -70_000, 2);
    const { x } = decodeSnapshot(encodeSnapshot({ arrays: { x: { data, shape: [2, 2] } }, meta: {} }, about)).state
      .arrays;
    expect(x).toEqual({ data, shape: [2, 2] });
  });

  it("refuses to say what is not right about it", () => {
    for (const wrong of [{ createdAt: "yesterday" }, { accuracy: 2 }, { poolVersion: -1 }, { modelId: "" }]) {
      expect(() => encodeSnapshot(small, { ...about, ...wrong })).toThrow(
        expect.objectContaining({ code: "snapshot/format" }),
      );
    }
  });
});

const changed = (key: string, value: string): Uint8Array =>
  reforge(encoded, ({ __metadata__ }) => void (__metadata__[key] = value));

describe("decodeSnapshot", () => {
  it("notices every flipped bit", () => {
    const found = new Map<string, number>();
    for (let bit = 0; bit < encoded.length * 8; bit++) {
      const flipped = encoded.slice();
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      const code = codeOf(flipped);
      found.set(code, (found.get(code) ?? 0) + 1);
    }
    expect([...found]).toEqual([["snapshot/damaged", encoded.length * 8]]);
  });

  it("notices every missing and every added byte", () => {
    for (let length = 0; length < encoded.length; length++) {
      expect(codeOf(encoded.subarray(0, length))).toMatch(/^snapshot\/(damaged|format)$/);
    }
    expect(codeOf(Uint8Array.of(...encoded, 0))).toBe("snapshot/damaged");
  });

  it("refuses newer versions, other formats and the checkpoint's", () => {
    expect(codeOf(changed("version", "1"))).toBe("none");
    expect(codeOf(changed("version", "2"))).toBe("snapshot/version");
    expect(codeOf(changed("version", "one"))).toBe("snapshot/format");
    expect(codeOf(changed("format", "l2p-edge/checkpoint"))).toBe("snapshot/format");
    expect(codeOf(changed("format", "pt"))).toBe("snapshot/format");
    expect(codeOf(changed("precision", "fp4"))).toBe("snapshot/format");
    expect(codeOf(changed("about", "{}"))).toBe("snapshot/format");
    expect(codeOf(changed("state", "[]"))).toBe("snapshot/format");
    expect(codeOf(changed("state", "[".repeat(200_000)))).toBe("snapshot/format");
    expect(codeOf(changed("state", `{"a":${"[".repeat(200_000)}${"]".repeat(200_000)}}`))).toBe("none");
    expect(codeOf(new TextEncoder().encode("no snapshot"))).toBe("snapshot/format");
    expect(codeOf(new Uint8Array())).toBe("snapshot/format");
  });

  it("refuses int8 arrays without a scale for each row", () => {
    const file = encodeSnapshot(small, about, int8);
    const scale = "keys.scale";
    expect(
      codeOf(reforge(file, (header) => void (header[scale] = { ...(header[scale] as object), shape: [2, 1] }))),
    ).toBe("snapshot/format");
    const renamed = reforge(file, (header) => {
      header["other"] = header[scale];
      delete header[scale];
    });
    expect(codeOf(renamed)).toBe("snapshot/format");
  });

  it("gives a snapshot or a coded error for whatever bytes", () => {
    const known = /^(none|snapshot\/(format|damaged|version))$/;
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(codeOf(bytes)).toMatch(known);
      }),
    );
    const entry = fc.record(
      {
        dtype: fc.constantFrom("F32", "F16", "I8", "U8", "I64", "F8", "I32"),
        shape: fc.array(fc.oneof(fc.nat(4), fc.constant(2 ** 40)), { maxLength: 3 }),
        data_offsets: fc.tuple(fc.nat(16), fc.nat(16)),
      },
      { requiredKeys: [] },
    );
    const metadata = {
      format: fc.constantFrom("l2p-edge/snapshot", "x"),
      version: fc.constantFrom("1", "9", ""),
      precision: fc.constantFrom("fp16", "int8"),
      about: fc.oneof(fc.constant(JSON.stringify(about)), fc.json()),
      state: fc.oneof(fc.constant("{}"), fc.json()),
      sha256: fc.constant("0".repeat(64)),
    };
    const names = fc.oneof(fc.constantFrom("x", "x.scale", "__proto__", ".scale", ""), fc.string());
    const header = fc
      .tuple(fc.record(metadata, { requiredKeys: ["sha256"] }), fc.dictionary(names, entry, { maxKeys: 3 }))
      .map(([head, entries]) => ({ __metadata__: head, ...entries }));
    fc.assert(
      fc.property(header, fc.uint8Array({ maxLength: 16 }), (head, data) => {
        expect(codeOf(forge(head, data))).toMatch(known);
      }),
      { numRuns: 1000 },
    );
  });
});

describe("requireModel", () => {
  it("lets a snapshot be taken over by its own model only", () => {
    const { header } = decodeSnapshot(encoded);
    requireModel(header, { modelId: about.modelId, modelName: "a copy" });
    expect(() => requireModel(header, { modelId: "b".repeat(64), modelName: "b" })).toThrow(
      expect.objectContaining({
        code: "snapshot/model-mismatch",
        message: "saved for vit_tiny_patch16_224 (aaaaaaaaaaaa), running b (bbbbbbbbbbbb)",
      }),
    );
  });
});

describe("snapshotManifest", () => {
  it("describes the payload as it is sent", () => {
    const { header } = decodeSnapshot(encoded);
    const manifest = snapshotManifest(encoded, header, ["bolt"]);
    expect(manifest).toEqual({
      v: 1,
      ...about,
      precision: "fp16",
      sizeBytes: encoded.length,
      sha256: sha256(encoded),
      labels: ["bolt"],
    });
    expect(manifestSchema.parse(manifest)).toEqual(manifest);
  });
});
