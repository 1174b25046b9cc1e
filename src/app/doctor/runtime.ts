import type { Engine } from "../../backbone/engine.ts";
import type { Provider } from "../../backbone/session-protocol.ts";
import type { TfjsBackend } from "../../backbone/tfjs-backend.ts";
import type { Settings } from "../../settings/types.ts";
import { type Check, type Finding, failed, failure, ok, warning } from "./check.ts";

/** What is asked of the runtimes; a test answers instead. */
export interface RuntimeProbes {
  /** Starts the provider and runs one forward of a small random model on it. @returns nodes run by each provider */
  readonly runOn: (provider: Provider) => Promise<Readonly<Record<string, number>>>;
  readonly runtimeVersion: () => Promise<string>;
  /** Whether an NVIDIA GPU is here: then CUDA is expected to start. */
  readonly hasGpu: () => Promise<boolean>;
  readonly startTfjs: (candidates: readonly TfjsBackend[]) => Promise<Engine["provider"]>;
}

export function runtimeChecks(model: Settings["model"], probes: RuntimeProbes): readonly Check[] {
  return [
    { name: "ONNX Runtime", run: () => cpuFinding(model, probes) },
    { name: "CUDA", run: () => gpuFinding("cuda", model, probes) },
    { name: "TensorRT", run: () => gpuFinding("tensorrt", model, probes) },
    { name: "TensorFlow.js", run: () => tfjsFinding(model, probes) },
  ];
}

async function cpuFinding({ engine }: Settings["model"], probes: RuntimeProbes): Promise<Finding> {
  try {
    const version = await probes.runtimeVersion();
    return ok(`${version}; on the CPU: ${nodesText(await probes.runOn("cpu"))}`);
  } catch (error) {
    const { detail } = failure(error);
    const advice = "Run `npm ci` again on this machine (glibc, x64 or arm64), or set `model.engine: tfjs`.";
    return engine === "tfjs" ? warning(detail, "Not needed: `model.engine` is tfjs.") : failed(detail, advice);
  }
}

async function gpuFinding(
  provider: "cuda" | "tensorrt",
  model: Settings["model"],
  probes: RuntimeProbes,
): Promise<Finding> {
  try {
    return ok(`starts: ${nodesText(await probes.runOn(provider))}`);
  } catch (error) {
    const reason = firstLine(error instanceof Error ? error.message : String(error));
    if (model.engine === "onnx" && model.provider === provider) {
      return failed(reason, "Install its libraries (see deploy/), or set `model.provider: auto`.");
    }
    if (await probes.hasGpu()) {
      const advice =
        "There is an NVIDIA GPU: install the libraries and an ONNX Runtime with CUDA (see deploy/) to use it.";
      return warning(reason, advice);
    }
    return ok(`not here, and not needed: ${reason}`);
  }
}

async function tfjsFinding({ engine }: Settings["model"], probes: RuntimeProbes): Promise<Finding> {
  try {
    const { provider, refused } = await probes.startTfjs(["node", "wasm", "cpu"]);
    const others = refused.map((one) => `; ${one.provider} not: ${firstLine(one.reason)}`).join("");
    const detail = `${tfjsNames[provider] ?? provider}${others}`;
    if (engine !== "tfjs" || provider === "node") return ok(detail);
    return warning(detail, "Many times slower than `model.engine: onnx`: use that where ONNX Runtime starts.");
  } catch (error) {
    const { detail } = failure(error);
    if (engine === "tfjs") return failed(detail, "Run `npm ci` again on this machine, or set `model.engine: onnx`.");
    return warning(detail, "Not needed: `model.engine` is onnx. Run `npm ci` again to have it.");
  }
}

const tfjsNames: Readonly<Record<string, string>> = { node: "native (tfjs-node)", wasm: "WASM", cpu: "JavaScript" };

/** ONNX Runtime's `CUDAExecutionProvider` → `CUDA 92 nodes`. */
export function nodesText(counts: Readonly<Record<string, number>>): string {
  const parts = Object.entries(counts).map(([name, n]) => `${name.replace("ExecutionProvider", "")} ran ${n} nodes`);
  return parts.join(", ") || "no nodes were told";
}

/** Runtimes explain themselves at length. */
function firstLine(text: string): string {
  const line = text.split("\n")[0]!.trim();
  return line.length <= 160 ? line : `${line.slice(0, 159)}…`;
}
