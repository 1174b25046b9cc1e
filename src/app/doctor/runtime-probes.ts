import { stat } from "node:fs/promises";
import { createOnnxEngine } from "../../backbone/onnx-engine.ts";
import { readRuntimeVersion } from "../../backbone/runtime-version.ts";
import { startBackend } from "../../backbone/tfjs-backend.ts";
import { randomModel } from "../../bench/random-model.ts";
import type { RuntimeProbes } from "./runtime.ts";

/** Enough to run every operator of a ViT. */
const smallVit = {
  imageSize: 16,
  patchSize: 8,
  width: 12,
  depth: 2,
  heads: 3,
  mlpWidth: 24,
  layerNormEps: 1e-6,
} as const;

/** Files that NVIDIA's drivers make: a card's, a Jetson's. */
const gpuFiles = ["/dev/nvidia0", "/dev/nvhost-gpu", "/dev/nvgpu", "/etc/nv_tegra_release"];

export function runtimeProbes(): RuntimeProbes {
  return {
    async runOn(provider) {
      const model = randomModel("small", smallVit, 1);
      const engine = await createOnnxEngine({ model, head: { kind: "linear" }, provider, threads: 1 });
      try {
        return await engine.profile();
      } finally {
        await engine.close();
      }
    },
    runtimeVersion: async () => readRuntimeVersion(),
    async hasGpu() {
      const found = await Promise.all(gpuFiles.map((path) => stat(path).catch(() => undefined)));
      return found.some((file) => file !== undefined);
    },
    startTfjs: startBackend,
  };
}
