import { loadModel } from "../backbone/model.ts";
import { createOnnxEngine } from "../backbone/onnx-engine.ts";
import { prepareImage } from "../backbone/preprocess.ts";
import { openDataset } from "../dataset/dataset.ts";
import { type LabelledFeatures, probe, type ProbeResult } from "./probe.ts";

export interface CompareOptions {
  /** Model folders or .safetensors files. */
  readonly models: readonly string[];
  /** An ImageFolder tree with `train` and `test`, or a tar of one. */
  readonly dataPath: string;
  readonly trainPerClass: number;
  readonly testPerClass: number;
  /** 0 lets ONNX Runtime choose. */
  readonly threads: number;
  readonly onProgress?: (model: string, split: string, done: number, of: number) => void;
}

export interface ComparedModel extends ProbeResult {
  readonly model: string;
  readonly imageSizePx: number;
  readonly trainImages: number;
  readonly testImages: number;
  /** Of one q(x) in batches, preparing the image not counted. */
  readonly msPerImage: number;
}

const batchSize = 16;
const maxPixels = 16_000_000;

/** How well each model's frozen q(x) tells a data set's classes apart: the same images, one model after another. */
export async function compareModels(options: CompareOptions): Promise<ComparedModel[]> {
  const results: ComparedModel[] = [];
  for (const path of options.models) results.push(await measure(path, options));
  return results;
}

async function measure(path: string, options: CompareOptions): Promise<ComparedModel> {
  const { trainPerClass, testPerClass, threads, onProgress } = options;
  const model = await loadModel(path);
  const engine = await createOnnxEngine({ model, head: { kind: "linear" }, threads });
  const { name, width, queryWidth, imageSize } = model.info;
  const { resize, kernel } = model.manifest;
  let busyMs = 0;
  let done = 0;

  async function featuresOf(split: string, limitPerClass: number): Promise<LabelledFeatures> {
    const dataset = await openDataset(options.dataPath, { split, limitPerClass });
    const features = new Float32Array(dataset.size * width);
    const labels: string[] = [];
    let batch: Uint8Array[] = [];
    async function flush(): Promise<void> {
      const began = performance.now();
      const { data } = await engine.query({ pixels: Buffer.concat(batch), count: batch.length });
      busyMs += performance.now() - began;
      for (let b = 0; b < batch.length; b++) {
        const from = b * queryWidth;
        features.set(data.subarray(from, from + width), (labels.length - batch.length + b) * width);
      }
      done += batch.length;
      batch = [];
      onProgress?.(name, split, labels.length, dataset.size);
    }
    for await (const { bytes, label } of dataset) {
      batch.push(await prepareImage(bytes, { imageSize, resize, kernel, maxPixels }));
      labels.push(label);
      if (batch.length === batchSize) await flush();
    }
    if (batch.length > 0) await flush();
    await dataset.close();
    return { features, labels, width };
  }

  try {
    const train = await featuresOf("train", trainPerClass);
    const test = await featuresOf("test", testPerClass);
    const counts = { trainImages: train.labels.length, testImages: test.labels.length };
    return { model: name, imageSizePx: imageSize, ...counts, msPerImage: busyMs / done, ...probe(train, test) };
  } finally {
    await engine.close();
  }
}
