import { createHash } from "node:crypto";
import { join } from "node:path";
import { buildFixed } from "../onnx/fixed.ts";
import { type EngineCache, openEngineCache } from "./engine-cache.ts";
import type { HeadKind } from "./engine.ts";
import { readGpuVersions } from "./gpu-versions.ts";
import { forwardGraph } from "./l2p-graph.ts";
import type { Model } from "./model.ts";
import { readRuntimeVersion } from "./runtime-version.ts";
import type { ProviderChoice } from "./session-protocol.ts";
import { cudaStep, dialects, ownBuffer, type SessionChoice, type SessionPlan } from "./session-plan.ts";

export interface TensorRtOptions {
  /** Samples of each forward; fewer are filled up, more are cut into several. */
  readonly batch: number;
  /** T: the prompt tokens of each sample. No other number can be run. */
  readonly tokens: number;
  /** Half precision where TensorRT finds it faster. */
  readonly fp16: boolean;
  /** Where built engines are kept, a node's own; undefined: they are built at each start. */
  readonly cacheFolder?: string | undefined;
}

export const defaultTensorRt: TensorRtOptions = { batch: 1, tokens: 25, fp16: false };

export interface TensorRtPlan extends SessionPlan {
  /** What is worth telling about the cache before the sessions are made. */
  readonly notes: readonly string[];
  /** The same, after. */
  readonly notesAfter: () => Promise<readonly string[]>;
}

/**
 * Two forwards of fixed shapes, each an engine of its own, and the step on CUDA. TensorRT gets operators of the standard
 * alone, no tensor without elements, and the weights in the model: it keeps them in its engines.
 * @throws AppError `engine/cache`
 */
export async function tensorRtPlan(
  model: Model,
  head: HeadKind,
  own: SessionChoice,
  options: TensorRtOptions,
): Promise<TensorRtPlan> {
  const { batch, tokens, fp16, cacheFolder } = options;
  const graphOf = (pass: "query" | "prompted"): Uint8Array =>
    buildFixed(forwardGraph(model, dialects.tensorrt, undefined, pass), { B: batch, T: tokens });
  const { modelId } = model.info;
  const hashOf = (pass: "query" | "prompted"): string => createHash("sha256").update(graphOf(pass)).digest("hex");
  const key = {
    modelId,
    graphs: [hashOf("query"), hashOf("prompted")],
    fp16,
    runtime: readRuntimeVersion(),
    ...readGpuVersions(),
  };
  const cache = cacheFolder === undefined ? undefined : await openEngineCache(cacheFolder, key);
  return {
    sessions: { query: "query", prompted: "prompted", step: "step" },
    atStart: ["query", "prompted"],
    options: (session) => {
      if (session === "step") return cudaStep(model, head, own);
      const pass = session as "query" | "prompted";
      // The engine's file is not named by the graph's shapes: a folder each.
      const providers = [tensorRt(fp16, cache && join(cache.folder, pass)), "cuda" as const];
      return { ...own, model: ownBuffer(graphOf(pass)), providers, weightsFolder: undefined };
    },
    complete: (_, feeds) => feeds,
    fixed: { batch, tokens },
    notes: cache ? notesOn(cache) : [],
    notesAfter: async () => ((await cache?.engines()) === 0 ? [notKept] : []),
  };
}

const notKept =
  "TensorRT left no engine in the cache: this build of ONNX Runtime's Node binding does not hand its options over, so fp16 is off and every start builds anew (deploy/jetson has the patch)";

function notesOn({ unknown, removed }: EngineCache): string[] {
  const versions = `nobody tells here the version of ${unknown.join(" and ")}: after an update of it remove the engines by hand`;
  return [
    ...(unknown.length > 0 ? [versions] : []),
    ...(removed > 0 ? [`${removed} set(s) of engines that fitted something else were removed`] : []),
  ];
}

/** Options by ONNX Runtime's names (onnxruntime.ai/docs/execution-providers/TensorRT-ExecutionProvider.html). */
function tensorRt(fp16: boolean, folder: string | undefined): ProviderChoice {
  const kept = folder && {
    trt_engine_cache_enable: "1",
    trt_engine_cache_path: folder,
    // How long each kernel took: a second build, of the other pass too, is shorter.
    trt_timing_cache_enable: "1",
    trt_timing_cache_path: folder,
  };
  return { name: "tensorrt", deviceId: 0, options: { trt_fp16_enable: fp16 ? "1" : "0", ...kept } };
}
