import { createReadStream } from "node:fs";
import { basename } from "node:path";
import { createGunzip } from "node:zlib";
import { extract } from "tar-stream";
import type { Model } from "../../src/backbone/model.ts";
import { createOnnxEngine } from "../../src/backbone/onnx-engine.ts";
import { prepareImage } from "../../src/backbone/preprocess.ts";
import { dot, row } from "../../src/kernel/tensor.ts";
import { sharedPath } from "./shared-data.ts";

/** How many of the shared photographs a model's own ImageNet head names right at top-1. */
export async function photographsRight(model: Model): Promise<{ readonly right: number; readonly total: number }> {
  const engine = await createOnnxEngine({ model, head: { kind: "linear" }, provider: "cpu", threads: 1 });
  const [headWeight, headBias] = [model.weights.get("head.weight")!, model.weights.get("head.bias")!];
  const { imageSize, width } = model.info;
  let [right, total] = [0, 0];
  for await (const { name, bytes } of photos(sharedPath("data", "photos.tar.gz"))) {
    const pixels = await prepareImage(bytes, { ...model.manifest, imageSize, maxPixels: 1e7 });
    const query = (await engine.query({ pixels, count: 1 })).data.subarray(0, width);
    const logits = Array.from(headBias.data, (bias, c) => dot(query, row(headWeight, c)) + bias);
    if (logits.indexOf(Math.max(...logits)) === Number(name.split("_")[0])) right++;
    total++;
  }
  await engine.close();
  return { right, total };
}

async function* photos(path: string): AsyncGenerator<{ name: string; bytes: Buffer }> {
  const entries = createReadStream(path).pipe(createGunzip()).pipe(extract());
  for await (const entry of entries) {
    const chunks: Buffer[] = [];
    for await (const chunk of entry) chunks.push(chunk as Buffer);
    if (entry.header.name.endsWith(".jpg")) yield { name: basename(entry.header.name), bytes: Buffer.concat(chunks) };
  }
}
