import { appError } from "../kernel/errors.ts";
import { type Tensor, tensor } from "../kernel/tensor.ts";
import type { Graph } from "../onnx/graph.ts";
import { checkImages, checkPrompts, checkStep } from "./check-input.ts";
import type { Engine, HeadKind, ImageBatch, StepInput, StepOutput } from "./engine.ts";
import { forwardGraph, stepGraph } from "./l2p-graph.ts";
import type { Model } from "./model.ts";
import type { Provider, SessionService, TensorMessage, TensorMessages } from "./session-protocol.ts";
import { createWorkerHost, type WorkerHost } from "./worker-host.ts";

export interface OnnxEngineOptions {
  readonly model: Model;
  /** The head that `step` differentiates. */
  readonly head: HeadKind;
  /** `auto` takes CUDA where it starts, else the CPU; the others must start. Default `auto`. */
  readonly provider?: Provider | "auto";
  /** Threads within an operator; 0, the default, lets ONNX Runtime choose. */
  readonly threads?: number;
}

/** An engine that also tells where its nodes ran. */
export interface OnnxEngine extends Engine {
  /** One forward with the runtime's profiler on: how many nodes each provider ran, by ONNX Runtime's names. */
  profile(): Promise<Readonly<Record<string, number>>>;
}

/**
 * The frozen ViT on ONNX Runtime, in a worker thread. The training session is made at the first `step`.
 * @throws AppError `engine/provider` when none of the providers that were asked for starts.
 */
export async function createOnnxEngine(options: OnnxEngineOptions): Promise<OnnxEngine> {
  const { model, head, threads = 0, provider: wanted = "auto" } = options;
  const host = createWorkerHost<SessionService>("session-worker.js");
  const started = await startForward(host, model, wanted, threads).catch(async (error: unknown) => {
    await host.close();
    throw error;
  });
  const { provider, refused } = started;
  // TensorRT runs fixed forwards only; its CUDA runs the training.
  const stepProviders: Provider[] = provider === "cpu" ? ["cpu"] : ["cuda"];
  let stepLoaded: Promise<unknown> | undefined;

  const loadStep = (): Promise<unknown> =>
    host.call("load", "step", { model: bytes(stepGraph(model, head)), providers: stepProviders, threads });

  async function forward(images: ImageBatch, prompts: TensorMessage): Promise<Tensor> {
    const feeds = { pixels: pixels(model, images), prompts };
    return toTensor(await host.call("run", "forward", feeds), "features");
  }

  return {
    info: model.info,
    provider: { engine: "onnx", provider, refused },
    query: async (images) => {
      checkImages(model.info, images);
      return await forward(images, noPrompts(model, images.count));
    },
    prompted: async (images, prompts) => {
      checkPrompts(model.info, images, prompts);
      return await forward(images, copy(prompts));
    },
    step: async (input) => {
      checkStep(model.info, input);
      // A load that failed (memory was short) is tried again by the next step.
      stepLoaded ??= loadStep().catch((error: unknown) => {
        stepLoaded = undefined;
        throw error;
      });
      const run = host.call("run", "step", stepFeeds(model, input));
      // Both are sent at once and answered in order: a load that fails is what the caller hears of.
      const [, outputs] = await Promise.all([stepLoaded, run]);
      return toStepOutput(outputs);
    },
    profile: async () => {
      const blank = { pixels: new Uint8Array(model.info.imageSize ** 2 * 3), count: 1 };
      const feeds = { pixels: pixels(model, blank), prompts: noPrompts(model, 1) };
      const graph = bytes(forwardGraph(model, "onnx"));
      return await host.call("profile", { model: graph, providers: providerList(provider), threads }, feeds);
    },
    close: () => host.close(),
  };
}

/** Loads the forward session on the first provider that starts. */
async function startForward(
  host: WorkerHost<SessionService>,
  model: Model,
  wanted: Provider | "auto",
  threads: number,
): Promise<{ provider: Provider; refused: { provider: Provider; reason: string }[] }> {
  const candidates: Provider[] = wanted === "auto" ? ["cuda", "cpu"] : [wanted];
  const refused: { provider: Provider; reason: string }[] = [];
  for (const provider of candidates) {
    try {
      const graph = bytes(forwardGraph(model, "onnx"));
      await host.call("load", "forward", { model: graph, providers: providerList(provider), threads });
      return { provider, refused };
    } catch (error) {
      refused.push({ provider, reason: error instanceof Error ? error.message : String(error) });
    }
  }
  const reasons = refused.map(({ provider, reason }) => `${provider}: ${reason}`);
  throw appError("engine/provider", reasons.join("; "));
}

function providerList(provider: Provider): Provider[] {
  return provider === "tensorrt" ? ["tensorrt", "cuda"] : [provider];
}

/** The model's bytes in a buffer of their own, so that it can be transferred. */
function bytes(graph: Graph): Uint8Array<ArrayBuffer> {
  const model = graph.build() as Uint8Array<ArrayBuffer>;
  return model.byteLength === model.buffer.byteLength ? model : Uint8Array.from(model);
}

function pixels({ info }: Model, images: ImageBatch): TensorMessage {
  const dims = [images.count, info.imageSize, info.imageSize, 3];
  return { type: "uint8", data: Uint8Array.from(images.pixels), dims };
}

function noPrompts(model: Model, count: number): TensorMessage {
  return { type: "float32", data: new Float32Array(0), dims: [count, 0, model.info.width] };
}

function stepFeeds(model: Model, input: StepInput): TensorMessages {
  const { images, prompts, queries, keys, headWeight, headBias, targets, logitMask } = input;
  const tensors = { prompts, queries, keys, headWeight, headBias, targets, logitMask };
  return {
    pixels: pixels(model, images),
    ...Object.fromEntries(Object.entries(tensors).map(([name, value]) => [name, copy(value)])),
    pullWeight: { type: "float32", data: Float32Array.of(input.pullWeight), dims: [] },
  };
}

/** A copy to give away: a transferred buffer is lost to the caller. */
function copy(value: Tensor): TensorMessage {
  return { type: "float32", data: Float32Array.from(value.data), dims: value.shape };
}

function toTensor(outputs: TensorMessages, name: string): Tensor {
  const { data, dims } = outputs[name]!;
  return tensor(data as Float32Array, dims);
}

function toStepOutput(outputs: TensorMessages): StepOutput {
  return {
    features: toTensor(outputs, "features"),
    logits: toTensor(outputs, "logits"),
    losses: toTensor(outputs, "losses"),
    gradients: {
      prompts: toTensor(outputs, "dPrompts"),
      keys: toTensor(outputs, "dKeys"),
      headWeight: toTensor(outputs, "dHeadWeight"),
      headBias: toTensor(outputs, "dHeadBias"),
    },
  };
}
