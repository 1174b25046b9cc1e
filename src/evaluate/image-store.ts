import { join } from "node:path";
import type { Model } from "../backbone/model.ts";
import { createOnnxEngine } from "../backbone/onnx-engine.ts";
import { prepareImage } from "../backbone/preprocess.ts";
import { row } from "../kernel/tensor.ts";
import { type FeatureCache, openFeatureCache } from "./feature-cache.ts";
import { type ScenarioImage, sha256 } from "./image.ts";
import type { MethodKind, Shown } from "./methods/method.ts";

/** Images as methods see them: queries computed once and kept on disk, pixels made when asked for. */
export interface ImageStore {
  identities(images: readonly ScenarioImage[]): Promise<string[]>;
  /** Computes the queries that are not there yet. */
  prepare(images: readonly ScenarioImage[], onProgress: (done: number, of: number) => void): Promise<void>;
  show(images: readonly ScenarioImage[], indices: readonly number[], sees: MethodKind["sees"]): Promise<Shown[]>;
}

export interface ImageStoreOptions {
  readonly model: Model;
  readonly cacheFolder: string;
  readonly threads: number;
}

const batchSize = 16;
const maxPixels = 50_000_000;
const pixelMemoryBytes = 256 * 1024 * 1024;
const nothing = new Float32Array(0);
const noPixels = new Uint8Array(0);

export async function openImageStore({ model, cacheFolder, threads }: ImageStoreOptions): Promise<ImageStore> {
  const { queryWidth, imageSize, modelId } = model.info;
  const { resize, kernel, mean, std } = model.manifest;
  const rule = { imageSize, resize, kernel, maxPixels };
  // All that makes a feature of an image: the backbone's weights, and what is done to pixels before them.
  const transform = sha256(JSON.stringify({ imageSize, resize, kernel, mean, std })).slice(0, 8);
  const path = join(cacheFolder, `queries-${modelId.slice(0, 16)}-${transform}-${queryWidth}.bin`);
  const cache: FeatureCache = await openFeatureCache(path, queryWidth);
  const identities = new WeakMap<ScenarioImage, string>();

  async function identityOf(image: ScenarioImage): Promise<string> {
    const known = identities.get(image) ?? (await image.identity());
    identities.set(image, known);
    return known;
  }

  const memory = pixelMemory(pixelMemoryBytes);

  async function pixelsOf(image: ScenarioImage): Promise<Uint8Array> {
    return memory.get(image) ?? memory.keep(image, await prepareImage(await image.read(), rule));
  }

  async function identitiesOf(images: readonly ScenarioImage[]): Promise<string[]> {
    const all: string[] = [];
    // Some at a time: each is a file in memory.
    for (const part of parts(images, 64)) all.push(...(await Promise.all(part.map(identityOf))));
    return all;
  }

  return {
    identities: identitiesOf,
    prepare: async (images, onProgress) => {
      const missing = new Map<string, ScenarioImage>();
      for (const [i, identity] of (await identitiesOf(images)).entries()) {
        if (!cache.get(identity)) missing.set(identity, images[i]!);
      }
      if (missing.size === 0) return;
      const engine = await createOnnxEngine({ model, head: { kind: "linear" }, threads });
      try {
        let done = 0;
        for await (const { identities: keys, pixels } of preparedBatches(parts([...missing], batchSize), pixelsOf)) {
          const features = await engine.query({ pixels, count: keys.length });
          await cache.add(keys.map((identity, b) => [identity, row(features, b).slice()] as const));
          done += keys.length;
          onProgress(done, missing.size);
        }
      } finally {
        await engine.close();
      }
    },
    show: (images, indices, sees) =>
      Promise.all(
        indices.map(async (index) => {
          const image = images[index]!;
          return {
            image: index,
            query: sees === "pixels" ? nothing : cache.get(await identityOf(image))!,
            pixels: sees === "query" ? noPixels : await pixelsOf(image),
          };
        }),
      ),
  };
}

/** The pixels of the images that were asked for last: test images come again at every stop. */
function pixelMemory(mostBytes: number): {
  get(image: ScenarioImage): Uint8Array | undefined;
  keep(image: ScenarioImage, pixels: Uint8Array): Uint8Array;
} {
  const kept = new Map<ScenarioImage, Uint8Array>();
  let bytes = 0;
  return {
    get: (image) => kept.get(image),
    keep: (image, pixels) => {
      if (!kept.has(image)) bytes += pixels.length;
      kept.set(image, pixels);
      for (const [oldest, { length }] of kept) {
        if (bytes <= mostBytes) break;
        kept.delete(oldest);
        bytes -= length;
      }
      return pixels;
    },
  };
}

interface PreparedBatch {
  readonly identities: readonly string[];
  readonly pixels: Uint8Array;
}

/** Prepares the next batch while the backbone works on one. */
async function* preparedBatches(
  batches: readonly (readonly (readonly [string, ScenarioImage])[])[],
  pixelsOf: (image: ScenarioImage) => Promise<Uint8Array>,
): AsyncGenerator<PreparedBatch> {
  const start = async (batch: (typeof batches)[number]): Promise<PreparedBatch> => ({
    identities: batch.map(([identity]) => identity),
    pixels: Buffer.concat(await Promise.all(batch.map(([, image]) => pixelsOf(image)))),
  });
  let next = batches[0] && start(batches[0]);
  for (let i = 0; i < batches.length; i++) {
    const ready = await next!;
    const following = batches[i + 1];
    next = following && start(following);
    // A failure is met when its turn comes.
    next?.catch(() => {});
    yield ready;
  }
}

function parts<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));
}
