import type { Engine, HeadKind } from "../backbone/engine.ts";
import { embeddedModelPath, loadModel, type Model } from "../backbone/model.ts";
import type { Precision } from "../backbone/manifest.ts";
import { prepareImage } from "../backbone/preprocess.ts";
import type { Provider } from "../backbone/session-protocol.ts";
import type { TensorRtOptions } from "../backbone/tensorrt-plan.ts";

export interface BackboneOptions {
  /** A folder with manifest.json and model.safetensors, or a .safetensors file; undefined: the embedded one. */
  readonly path?: string | undefined;
  /** Undefined: the model as it is. */
  readonly precision?: Precision | undefined;
  readonly engine: "onnx" | "tfjs";
  readonly provider: Provider | "auto";
  /** 0: the runtime chooses. */
  readonly threads: number;
  /** The head that is trained on it. */
  readonly head: HeadKind;
  /** Images of more pixels are refused before they are decoded. */
  readonly maxImagePixels: number;
  /** Of the provider `tensorrt` alone. */
  readonly tensorrt?: TensorRtOptions;
  /** How long the engine may take to start, ms; no bound by default. */
  readonly warmUpMs?: number;
}

export interface Backbone {
  readonly model: Model;
  readonly engine: Engine;
  /** An image file as this backbone sees it. @throws AppError `image/…` */
  readonly prepare: (bytes: Uint8Array) => Promise<Uint8Array>;
}

/** Loads the frozen ViT and starts the engine that runs it. @throws AppError `model/…`, `engine/…` */
export async function openBackbone(options: BackboneOptions): Promise<Backbone> {
  const { path = embeddedModelPath, precision, engine: kind, maxImagePixels, ...rest } = options;
  const model = await loadModel(path, { precision });
  const { resize, kernel } = model.manifest;
  const { imageSize } = model.info;
  return {
    model,
    engine: await startEngine(kind, { ...rest, model }),
    prepare: (bytes) => prepareImage(bytes, { imageSize, resize, kernel, maxPixels: maxImagePixels }),
  };
}

type EngineOptions = { readonly model: Model } & Omit<
  BackboneOptions,
  "path" | "precision" | "engine" | "maxImagePixels"
>;

/** Imported when chosen: each brings a large runtime. */
async function startEngine(kind: "onnx" | "tfjs", options: EngineOptions): Promise<Engine> {
  if (kind === "tfjs") {
    const { createTfjsEngine } = await import("../backbone/tfjs-engine.ts");
    return createTfjsEngine({ model: options.model, head: options.head });
  }
  const { createOnnxEngine } = await import("../backbone/onnx-engine.ts");
  return createOnnxEngine(options);
}
