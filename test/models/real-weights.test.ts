import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadModel } from "../../src/backbone/model.ts";
import { createOnnxEngine } from "../../src/backbone/onnx-engine.ts";
import { decodeSafetensors, encodeSafetensors } from "../../src/kernel/safetensors.ts";
import { dot, row } from "../../src/kernel/tensor.ts";
import { importModel } from "../../src/models/import.ts";
import { noiseImages as clouds } from "../../src/models/noise-images.ts";
import { makeVariant } from "../../src/models/variant.ts";
import { transformersNames } from "../support/foreign-names.ts";
import { photographsRight } from "../support/photos.ts";
import { needsSharedData, sharedData, sharedPath } from "../support/shared-data.ts";
import { noiseImages } from "../support/tiny-model.ts";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "l2p-real-"));
});
afterEach(() => rm(root, { recursive: true }));

describe.skipIf(sharedData === undefined)(`ViT-Tiny's real weights (${needsSharedData})`, () => {
  const path = (): string => sharedPath("models", "vit_tiny_patch16_224", "model.safetensors");

  it("come through transformers' names as they were: same tensors, same features", async () => {
    const { tensors } = decodeSafetensors(await readFile(path()));
    const file = join(root, "model.safetensors");
    await writeFile(file, encodeSafetensors(transformersNames(tensors, "vit.")));
    const { folder } = await importModel({ path: file, name: "vit-tiny", modelsFolder: root });
    const [direct, imported] = [await loadModel(path()), await loadModel(folder)];
    expect(imported.architecture).toEqual(direct.architecture);
    expect([...imported.weights.keys()].toSorted()).toEqual([...direct.weights.keys()].toSorted());
    const bytes = ({ buffer, byteOffset, byteLength }: Float32Array): Buffer =>
      Buffer.from(buffer, byteOffset, byteLength);
    for (const [name, { data }] of direct.weights) {
      expect(bytes(imported.weights.get(name)!.data).equals(bytes(data)), name).toBe(true);
    }
    const queries = [];
    for (const model of [direct, imported]) {
      const engine = await createOnnxEngine({ model, head: { kind: "linear" }, provider: "cpu", threads: 1 });
      queries.push((await engine.query(noiseImages(model, 2))).data);
      await engine.close();
    }
    expect(queries[1]).toEqual(queries[0]);
  });

  it("in timm's names keep their hash", async () => {
    const { manifest } = await importModel({ path: path(), name: "vit-tiny", modelsFolder: root });
    expect(manifest.sha256).toBe((await loadModel(path())).manifest.sha256);
  });

  it.each([
    { precision: "fp16", least: 0.9999, bytes: 11_448_384, said: "rounded to fp16" },
    { precision: "int8", least: 0.98, bytes: 7_489_152, said: "blocks.7.mlp.fc2" },
  ] as const)("in $precision give the features of float32, near enough", async ({ precision, least, bytes, said }) => {
    const name = "vit-tiny";
    await importModel({ path: path(), name, modelsFolder: root });
    const { folder, notes } = await makeVariant({ model: name, precision, modelsFolder: root });
    expect(notes.join()).toContain(said);
    expect((await stat(join(folder, "model.safetensors"))).size).toBe(bytes);
    const features = [];
    for (const model of [await loadModel(path()), await loadModel(folder)]) {
      const engine = await createOnnxEngine({ model, head: { kind: "linear" }, provider: "cpu", threads: 1 });
      features.push(row(await engine.query(clouds(1, 224, 9)), 0).slice(0, model.info.width));
      await engine.close();
    }
    const [a, b] = features as [Float32Array, Float32Array];
    expect(dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b))).toBeGreaterThan(least);
  });

  it("at 160 pixels still name photographs: ≥ 70 of 100 at top-1", async () => {
    const { folder } = await importModel({ path: path(), name: "vit-tiny-160", modelsFolder: root, imageSize: 160 });
    const { right, total } = await photographsRight(await loadModel(folder));
    console.info(`ViT-Tiny at 160 px: ${right} of ${total} photographs right at top-1`);
    expect(total).toBe(100);
    expect(right).toBeGreaterThanOrEqual(70);
  }, 180_000);
});
