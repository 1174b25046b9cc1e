import { readFileSync } from "node:fs";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { parseCatalogue } from "../../src/backbone/catalogue.ts";
import { parseManifest } from "../../src/backbone/manifest.ts";
import { AppError } from "../../src/kernel/errors.ts";
import { tinyModel } from "../support/tiny-model.ts";

const { manifest } = tinyModel();

test("a manifest comes back as it was written", () => {
  expect(parseManifest(JSON.stringify(manifest), "m.json")).toEqual(manifest);
  const distilled = { ...manifest, distilledFrom: "vit_tiny_patch16_224", trainedOn: "photographs" };
  expect(parseManifest(JSON.stringify(distilled), "m.json")).toEqual(distilled);
});

test("every fault is named at once, with the file", () => {
  const wrong = {
    ...manifest,
    sha256: "ABC",
    std: [1, 0, 1],
    resize: "stretch",
    architecture: { ...manifest.architecture, depth: 0.5 },
    extra: 1,
  };
  const faults = ["m.json", "sha256", "std.1", "resize", "architecture.depth", "extra"];
  const parse = (): unknown => parseManifest(JSON.stringify(wrong), "m.json");
  expect(parse).toThrow(expect.objectContaining({ code: "manifest/invalid" }));
  for (const fault of faults) expect(parse).toThrow(fault);
});

test.each(["", "{", "null", "[]", '"text"', '{"v":2}', '{"__proto__":{}}'])("%j is no manifest", (json) => {
  expect(() => parseManifest(json, "m.json")).toThrow(expect.objectContaining({ code: "manifest/invalid" }));
});

test("any JSON is a manifest or a coded error", () => {
  fc.assert(
    fc.property(fc.json(), (json) => {
      expect(() => parseManifest(json, "m.json")).toThrow(AppError);
    }),
  );
});

test("the product's catalogue is valid and has every name and hash once", () => {
  const path = new URL("../../models/catalogue.json", import.meta.url);
  const { models } = parseCatalogue(readFileSync(path, "utf8"), "catalogue.json");
  expect(models.length).toBeGreaterThan(0);
  expect(new Set(models.map(({ name }) => name)).size).toBe(models.length);
  expect(new Set(models.map(({ sha256 }) => sha256)).size).toBe(models.length);
});
