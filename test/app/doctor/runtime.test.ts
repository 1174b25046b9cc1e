import { describe, expect, it } from "vitest";
import { type Finding, runChecks } from "../../../src/app/doctor/check.ts";
import type { Profile } from "../../../src/backbone/profile.ts";
import { runtimeChecks, type RuntimeProbes } from "../../../src/app/doctor/runtime.ts";
import { runtimeProbes } from "../../../src/app/doctor/runtime-probes.ts";
import type { ModelSettings } from "../../../src/settings/types.ts";

const model: ModelSettings = {
  engine: "onnx",
  provider: "auto",
  threads: 0,
  warmUpMs: 1000,
  tensorrt: { fp16: false, batch: 1 },
};

function everyPass(nodes: Readonly<Record<string, number>>, onCpu: Readonly<Record<string, number>> = {}): Profile {
  const pass = { nodes, onCpu };
  return { query: pass, prompted: pass, step: pass };
}

const probes: RuntimeProbes = {
  runOn: async (provider) => {
    if (provider !== "cpu") throw new Error("libcudart.so.12 is not there\n  at somewhere");
    return everyPass({ CPUExecutionProvider: 40 }, { MatMul: 12 });
  },
  runtimeVersion: async () => "1.2.3",
  hasGpu: async () => false,
  startTfjs: async () => ({ engine: "tfjs", provider: "wasm", refused: [{ provider: "node", reason: "absent" }] }),
};

async function found(
  settings: Partial<ModelSettings> = {},
  more: Partial<RuntimeProbes> = {},
): Promise<Readonly<Record<string, Finding>>> {
  const findings: Record<string, Finding> = {};
  const checks = runtimeChecks({ ...model, ...settings }, { ...probes, ...more });
  for await (const { name, ...finding } of runChecks(checks)) findings[name] = finding;
  return findings;
}

describe("the runtimes", () => {
  it("are told with the provider that ran the nodes, and why others do not start", async () => {
    expect(await found()).toEqual({
      "ONNX Runtime": {
        verdict: "ok",
        detail: "1.2.3; on the CPU: query: CPU ran 40 nodes; prompted: CPU ran 40 nodes; step: CPU ran 40 nodes",
      },
      CUDA: { verdict: "ok", detail: "not here, and not needed: libcudart.so.12 is not there" },
      TensorRT: { verdict: "ok", detail: "not here, and not needed: libcudart.so.12 is not there" },
      "TensorFlow.js": { verdict: "ok", detail: "WASM; node not: absent" },
    });
  });

  it("are a failure where the settings ask for what does not start", async () => {
    expect(await found({ provider: "cuda" })).toMatchObject({
      CUDA: { verdict: "failed" },
      TensorRT: { verdict: "ok" },
    });
    expect(await found({ provider: "tensorrt" })).toMatchObject({
      CUDA: { verdict: "ok" },
      TensorRT: { verdict: "failed" },
    });
  });

  it("are a warning where there is a GPU that nothing uses", async () => {
    const { CUDA } = await found({}, { hasGpu: async () => true });
    expect(CUDA).toMatchObject({ verdict: "warning", advice: expect.stringContaining("GPU") });
  });

  it("that start on a GPU say so", async () => {
    // What is on the CPU there computes sizes.
    const onGpu = everyPass({ CUDAExecutionProvider: 39, CPUExecutionProvider: 1 });
    const { CUDA } = await found({}, { runOn: async () => onGpu });
    expect(CUDA).toMatchObject({
      verdict: "ok",
      detail: expect.stringMatching(/^starts: query: CUDA ran 39 nodes, CPU ran 1 nodes; prompted: /),
    });
  });

  it("that leave work to the CPU are a warning, with the operators of each pass", async () => {
    const all = everyPass({ CUDAExecutionProvider: 39 });
    const step = { nodes: { CUDAExecutionProvider: 90, CPUExecutionProvider: 14 }, onCpu: { Gelu: 12, Erf: 2 } };
    const { CUDA, TensorRT } = await found({}, { runOn: async () => ({ ...all, step }) });
    for (const finding of [CUDA, TensorRT]) {
      expect(finding).toMatchObject({
        verdict: "warning",
        detail: expect.stringMatching(/; fell back to the CPU: step: Gelu 12×, Erf 2×$/),
        advice: expect.stringContaining("l2p-edge bench"),
      });
    }
  });

  it("matter by the engine that is set", async () => {
    const broken = { runOn: () => Promise.reject(new Error("no libonnxruntime")) };
    expect((await found({}, broken))["ONNX Runtime"]).toMatchObject({ verdict: "failed" });
    expect((await found({ engine: "tfjs" }, broken))["ONNX Runtime"]).toMatchObject({ verdict: "warning" });
    expect((await found({ engine: "tfjs" }))["TensorFlow.js"]).toMatchObject({ verdict: "warning" });
    const noTfjs = { startTfjs: () => Promise.reject(new Error("nothing computes")) };
    expect((await found({}, noTfjs))["TensorFlow.js"]).toMatchObject({ verdict: "warning" });
    expect((await found({ engine: "tfjs" }, noTfjs))["TensorFlow.js"]).toMatchObject({ verdict: "failed" });
  });

  it("of this machine run a real graph", async () => {
    const { runOn, runtimeVersion } = runtimeProbes();
    for (const { nodes } of Object.values(await runOn("cpu")))
      expect(nodes["CPUExecutionProvider"]).toBeGreaterThan(10);
    expect(await runtimeVersion()).toMatch(/^\d+\.\d+\.\d+/);
  });
});
