import type { Tensor } from "../kernel/tensor.ts";
import { checkImages, checkPrompts, checkStep } from "./check-input.ts";
import type { Engine, HeadKind, ImageBatch, StepInput } from "./engine.ts";
import type { Model } from "./model.ts";
import type { TfjsBackend } from "./tfjs-backend.ts";
import type { TfjsService } from "./tfjs-service.ts";
import { createWorkerHost } from "./worker-host.ts";

export interface TfjsEngineOptions {
  readonly model: Model;
  readonly head: HeadKind;
  /** Default `auto`: node, else wasm, else cpu. */
  readonly backend?: "auto" | TfjsBackend;
}

/**
 * The engine on TensorFlow.js with its own automatic differentiation, in a worker thread: what every gradient of the
 * ONNX engine is held against, and what runs where ONNX Runtime cannot. Clear before fast.
 * @throws AppError `engine/provider` when no backend starts.
 */
export async function createTfjsEngine({ model, head, backend = "auto" }: TfjsEngineOptions): Promise<Engine> {
  const { architecture, manifest, info } = model;
  const host = createWorkerHost<TfjsService>("tfjs-worker.js");
  const load = {
    architecture,
    normalisation: { mean: manifest.mean, std: manifest.std },
    weights: new Map([...model.weights].map(([name, weight]) => [name, copy(weight)])),
    head,
    backends: backend === "auto" ? (["node", "wasm", "cpu"] as const) : [backend],
  };
  const provider = await host.call("load", load).catch(async (error: unknown) => {
    await host.close();
    throw error;
  });
  return {
    info,
    provider,
    query: async (images) => {
      checkImages(info, images);
      return await host.call("query", copyImages(images));
    },
    prompted: async (images, prompts) => {
      checkPrompts(info, images, prompts);
      return await host.call("prompted", copyImages(images), copy(prompts));
    },
    step: async (input) => {
      checkStep(info, input);
      return await host.call("step", copyStep(input));
    },
    close: () => host.close(),
  };
}

/** A copy to give away: a transferred buffer is lost to the caller. */
function copy({ data, shape }: Tensor): Tensor {
  return { data: new Float32Array(data), shape };
}

function copyImages({ pixels, count }: ImageBatch): ImageBatch {
  return { pixels: new Uint8Array(pixels), count };
}

function copyStep(input: StepInput): StepInput {
  return {
    images: copyImages(input.images),
    prompts: copy(input.prompts),
    queries: copy(input.queries),
    keys: copy(input.keys),
    headWeight: copy(input.headWeight),
    headBias: copy(input.headBias),
    targets: copy(input.targets),
    logitMask: copy(input.logitMask),
    pullWeight: input.pullWeight,
  };
}
