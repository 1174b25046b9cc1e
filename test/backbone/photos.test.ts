import { createReadStream } from "node:fs";
import { basename } from "node:path";
import { createGunzip } from "node:zlib";
import { extract } from "tar-stream";
import { expect, test } from "vitest";
import { loadModel } from "../../src/backbone/model.ts";
import { createOnnxEngine } from "../../src/backbone/onnx-engine.ts";
import { prepareImage } from "../../src/backbone/preprocess.ts";
import { dot, row } from "../../src/kernel/tensor.ts";
import { needsSharedData, sharedData, sharedPath } from "../support/shared-data.ts";

test.skipIf(sharedData === undefined)(
  `ViT-Tiny classifies photographs with its own ImageNet head, ≥ 80 of 100 at top-1 (${needsSharedData})`,
  async () => {
    const model = await loadModel(sharedPath("models", "vit_tiny_patch16_224", "model.safetensors"));
    const engine = await createOnnxEngine({ model, head: { kind: "linear" }, provider: "cpu" });
    const [headWeight, headBias] = [model.weights.get("head.weight")!, model.weights.get("head.bias")!];
    const { imageSize } = model.info;
    let [right, total] = [0, 0];

    for await (const { name, bytes } of photos(sharedPath("data", "photos.tar.gz"))) {
      const pixels = await prepareImage(bytes, { ...model.manifest, imageSize, maxPixels: 1e7 });
      const query = (await engine.query({ pixels, count: 1 })).data;
      const logits = Array.from(headBias.data, (bias, c) => dot(query, row(headWeight, c)) + bias);
      if (logits.indexOf(Math.max(...logits)) === Number(name.split("_")[0])) right++;
      total++;
    }
    await engine.close();

    console.info(`ViT-Tiny: ${right} of ${total} photographs right at top-1`);
    expect(total).toBe(100);
    expect(right).toBeGreaterThanOrEqual(80);
  },
);

async function* photos(path: string): AsyncGenerator<{ name: string; bytes: Buffer }> {
  const entries = createReadStream(path).pipe(createGunzip()).pipe(extract());
  for await (const entry of entries) {
    const chunks: Buffer[] = [];
    for await (const chunk of entry) chunks.push(chunk as Buffer);
    if (entry.header.name.endsWith(".jpg")) yield { name: basename(entry.header.name), bytes: Buffer.concat(chunks) };
  }
}
