import { mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cellFile } from "../../src/evaluate/cell-file.ts";
import { openFeatureCache } from "../../src/evaluate/feature-cache.ts";
import { sha256 } from "../../src/evaluate/image.ts";
import { emptyRecord } from "../../src/evaluate/record.ts";
import { type CellSpec, groupName } from "../../src/evaluate/result.ts";
import { cellResult } from "../support/cell-result.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "l2p-edge-evaluate-"));
});
afterAll(() => rm(folder, { recursive: true }));

describe("the feature cache", () => {
  const key = (n: number): string => sha256(String(n));
  const feature = (n: number): Float32Array => Float32Array.of(n, n + 0.5, -n);

  it("gives back what was added, after it was opened again too", async () => {
    const path = join(folder, "deep/features.bin");
    const cache = await openFeatureCache(path, 3);
    await cache.add([
      [key(1), feature(1)],
      [key(2), feature(2)],
    ]);
    await cache.add([[key(3), feature(3)]]);
    expect(cache.get(key(2))).toEqual(feature(2));
    const again = await openFeatureCache(path, 3);
    for (const n of [1, 2, 3]) expect(again.get(key(n))).toEqual(feature(n));
    expect(again.get(key(4))).toBeUndefined();
  });

  it.each([1, 31, 32, 43])("leaves out a record cut short to %i bytes, and goes on", async (rest) => {
    const path = join(folder, `cut-${rest}.bin`);
    const cache = await openFeatureCache(path, 3);
    await cache.add([1, 2].map((n) => [key(n), feature(n)] as const));
    await truncate(path, 44 + rest);
    const cut = await openFeatureCache(path, 3);
    expect([cut.get(key(1)), cut.get(key(2))]).toEqual([feature(1), undefined]);
    await cut.add([[key(2), feature(9)]]);
    const again = await openFeatureCache(path, 3);
    expect([again.get(key(1)), again.get(key(2))]).toEqual([feature(1), feature(9)]);
  });
});

describe("a cell's file", () => {
  const result = cellResult({});
  const checkpoint = {
    next: 7,
    record: { ...emptyRecord(), labels: ["bolt"], right: { overall: "0110" } },
    method: {
      arrays: {
        a: { data: Float64Array.of(1, Math.PI), shape: [2] },
        b: { data: Float32Array.of(0.1), shape: [1, 1] },
        c: { data: new Int32Array(0), shape: [0] },
      },
      meta: { labels: ["bolt"], nested: { n: 1 } },
    },
  };

  it("holds a checkpoint bit for bit, and then the result", async () => {
    const path = join(folder, "cells/one.json");
    const file = cellFile(path, result.spec);
    expect(await file.readResult()).toBeUndefined();
    expect(await file.readCheckpoint()).toBeUndefined();
    await file.writeCheckpoint(checkpoint);
    expect(await file.readCheckpoint()).toEqual(checkpoint);
    await file.writeResult(result);
    expect(await file.readResult()).toEqual(result);
    expect(await file.readCheckpoint()).toBeUndefined();
  });

  it("takes no checkpoint of another cell or a damaged one", async () => {
    const path = join(folder, "two.json");
    await cellFile(path, result.spec).writeCheckpoint(checkpoint);
    expect(await cellFile(path, { ...result.spec, seed: 2 }).readCheckpoint()).toBeUndefined();
    const bytes = await readFile(`${path}.part`);
    await writeFile(`${path}.part`, bytes.subarray(0, bytes.length - 1));
    expect(await cellFile(path, result.spec).readCheckpoint()).toBeUndefined();
  });

  it("refuses a result of another cell, and what is no result", async () => {
    const path = join(folder, "three.json");
    await cellFile(path, result.spec).writeResult(result);
    const other: CellSpec = { ...result.spec, settings: { learningRate: 1 } };
    await expect(cellFile(path, other).readResult()).rejects.toMatchObject({ code: "evaluate/other-cell" });
    await writeFile(path, "{}");
    await expect(cellFile(path, result.spec).readResult()).rejects.toMatchObject({ code: "evaluate/result" });
  });

  it("is in a folder by all that must be equal for a comparison", () => {
    expect(groupName(result.spec)).toBe("parts-3-per-class-tiny");
    const other = {
      ...result.spec,
      protocol: "paper" as const,
      perClass: null,
      batch: 8,
      labelShare: 0.1,
      labels: "asked" as const,
      heldOut: 3,
      labelDelay: 5,
    };
    expect(groupName(other)).toBe("parts-paper-batch-8-share-0.1-asked-3-held-out-delay-5-tiny");
  });
});
