import type { Engine } from "../../backbone/engine.ts";
import type { PassProfile, Profile } from "../../backbone/profile.ts";
import type { Provider } from "../../backbone/session-protocol.ts";
import type { TfjsBackend } from "../../backbone/tfjs-backend.ts";
import type { Settings } from "../../settings/types.ts";
import { type Check, type Finding, failed, failure, ok, warning } from "./check.ts";

/** What is asked of the runtimes; a test answers instead. */
export interface RuntimeProbes {
  /** Starts the provider and runs every pass of a small random model on it. @returns where each node ran */
  readonly runOn: (provider: Provider) => Promise<Profile>;
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
    return ok(`${version}; on the CPU: ${profileText(await probes.runOn("cpu"))}`);
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
    const profile = await probes.runOn(provider);
    return provedFinding(provider, `starts: ${profileText(profile)}`, profile);
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

const passes = ["query", "prompted", "step"] as const;

/** `query: CUDA ran 92 nodes; prompted: …; step: …`, from ONNX Runtime's `CUDAExecutionProvider`. */
export function profileText(profile: Profile): string {
  return passes.map((pass) => `${pass}: ${nodesText(profile[pass])}`).join("; ");
}

function nodesText({ nodes }: PassProfile): string {
  const parts = Object.entries(nodes).map(([name, n]) => `${name.replace("ExecutionProvider", "")} ran ${n} nodes`);
  return parts.join(", ") || "no nodes were told";
}

/** A provider that was to run the nodes is warned of where the CPU ran some in its place, or all. */
export function provedFinding(provider: string, detail: string, profile: Profile): Finding {
  if (provider === "cpu") return ok(detail);
  const fallen = passes.flatMap((pass) => {
    const operators = Object.entries(profile[pass].onCpu).map(([name, n]) => `${name} ${n}×`);
    return operators.length > 0 ? [`${pass}: ${operators.join(", ")}`] : [];
  });
  if (fallen.length === 0) return ok(detail);
  const advice =
    "Each crossing between GPU and CPU costs time. This build of ONNX Runtime, or of TensorRT, has no kernel for them: `l2p-edge bench` tells whether another provider is faster.";
  return warning(`${detail}; fell back to the CPU: ${fallen.join("; ")}`, advice);
}

/** Runtimes explain themselves at length. */
function firstLine(text: string): string {
  const line = text.split("\n")[0]!.trim();
  return line.length <= 160 ? line : `${line.slice(0, 159)}…`;
}
