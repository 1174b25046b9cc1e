import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseCatalogue } from "../../src/backbone/catalogue.ts";
import { readCatalogue } from "../../src/backbone/model.ts";

const { hub } = await readCatalogue();
const parse = (changes: object): unknown =>
  parseCatalogue(JSON.stringify({ v: 1, models: [], hub: [{ ...hub[0], ...changes }] }), "test");

describe("the product's catalogue", () => {
  it("has the ViTs that it promises, all of the shape that is computed here", () => {
    expect(hub.map(({ name }) => name)).toEqual([
      ...["tiny", "small", "base"].map((size) => `vit_${size}_patch16_224.augreg_in21k`),
      ...["tiny", "small", "base"].map((size) => `vit_${size}_patch16_224.augreg_in21k_ft_in1k`),
      ...["tiny", "small"].map((size) => `deit_${size}_patch16_224.fb_in1k`),
      "vit_small_patch16_224.dino",
    ]);
    for (const { architecture } of hub) {
      expect(architecture).toMatchObject({ imageSize: 224, patchSize: 16, depth: 12 });
      expect(architecture.heads * 64).toBe(architecture.width);
    }
  });

  it("normalises DeiT and DINO by ImageNet's mean, AugReg by one half", () => {
    for (const { name, mean } of hub) expect(mean[0], name).toBe(name.includes("augreg") ? 0.5 : 0.485);
  });

  it("says no hash and no size that nobody here has seen", () => {
    expect(hub.filter(({ sha256, sizeBytes }) => sha256 !== undefined || sizeBytes !== undefined)).toEqual([]);
  });
});

describe("a catalogue", () => {
  it.each([
    ["name", ".."],
    ["name", "."],
    ["name", ".hidden"],
    ["name", "a/b"],
    ["name", "a\0b"],
    ["name", ""],
    ["name", "a".repeat(65)],
    ["repo", "../../etc"],
    ["repo", "/etc"],
    ["repo", "a//b"],
    ["repo", "a?b"],
    ["revision", ".."],
    ["file", "../model.safetensors"],
    ["file", "https://elsewhere"],
    ["sha256", "unknown"],
    ["sizeBytes", -1],
    ["surplus", 1],
  ])("with %s %j is refused by name", (key, value) => {
    expect(() => parse({ [key]: value })).toThrow(expect.objectContaining({ code: "manifest/invalid" }));
    expect(() => parse({ [key]: value })).toThrow(key === "surplus" ? /surplus/ : new RegExp(`hub\\.0\\.${key}`));
  });

  it("with one name twice is refused", () => {
    const twice = JSON.stringify({ v: 1, models: [], hub: [hub[0], hub[0]] });
    expect(() => parseCatalogue(twice, "test")).toThrow(/twice/);
  });

  it("fails with its code alone, whatever the text", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(() => parseCatalogue(text, "test")).toThrow(expect.objectContaining({ code: "manifest/invalid" }));
      }),
    );
  });
});
