import { createOnnxEngine } from "../../src/backbone/onnx-engine.ts";
import { loadModel } from "../../src/backbone/model.ts";
import { prepareImage } from "../../src/backbone/preprocess.ts";
import { checkpointFolder } from "../../src/app/newest-checkpoint.ts";
import { fileStore } from "../../src/edge/file-store.ts";
import { createLearner } from "../../src/learner/learner.ts";
import { stream } from "../../src/learner/presets.ts";
import type { Learner, Prediction } from "../../src/learner/types.ts";
import { encodeCheckpoint } from "../../src/message/checkpoint.ts";
import type { SnapshotAbout } from "../../src/message/snapshot-about.ts";
import { picture, pictureLabels } from "./pictures.ts";

/** A learner on a real engine that learns pictures and leaves checkpoints as a node does. */
export interface Teacher {
  readonly learner: Learner;
  readonly about: SnapshotAbout;
  /** Two pictures of each label, one label a batch. */
  teach(labels?: readonly string[]): Promise<void>;
  predict(image: Uint8Array): Promise<Prediction>;
  /** @returns the checkpoint's name */
  save(stateFolder: string, streamState?: unknown): Promise<string>;
  close(): Promise<void>;
}

export async function teacher(modelFolder: string): Promise<Teacher> {
  const model = await loadModel(modelFolder);
  const engine = await createOnnxEngine({ model, head: stream.head.kind, provider: "cpu", threads: 1 });
  const learner = createLearner({ engine, settings: stream, seed: 1 });
  const { imageSize, modelId, name: modelName } = model.info;
  const { resize, kernel } = model.manifest;
  let seed = 0;

  async function sampleOf(image: Uint8Array): Promise<{ pixels: Uint8Array; query: Float32Array }> {
    const pixels = await prepareImage(image, { imageSize, resize, kernel, maxPixels: 1e6 });
    return { pixels, query: await learner.query(pixels) };
  }

  const about = (): SnapshotAbout => ({
    modelId,
    modelName,
    node: "box",
    createdAt: "2026-01-02T03:04:05.000Z",
    poolVersion: learner.poolVersion,
    reason: "stop",
    accuracy: 0.75,
  });

  return {
    learner,
    get about() {
      return about();
    },
    async teach(labels = pictureLabels) {
      for (const label of labels) {
        const images = [await picture(label, ++seed), await picture(label, ++seed)];
        await learner.learn(await Promise.all(images.map(async (image) => ({ ...(await sampleOf(image)), label }))));
      }
    },
    predict: async (image) => learner.predictOne(await sampleOf(image)),
    async save(stateFolder, streamState = null) {
      const store = await fileStore({ folder: checkpointFolder(stateFolder), keep: 3, log: () => {} });
      return store.save(encodeCheckpoint({ about: about(), state: learner.save(), stream: streamState }), about());
    },
    close: () => engine.close(),
  };
}
