import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** What a TensorRT engine was built with; it fits no other. `unknown` where it is not told here. */
export interface GpuVersions {
  readonly tensorrt: string;
  readonly cuda: string;
  /** Of a Jetson: NVIDIA's Linux, e.g. `36.4.3`; `none` on other machines. */
  readonly l4t: string;
}

/** Where libraries lie: Debian's places, and the CUDA toolkit's. */
const libraryFolders = [
  "usr/lib/aarch64-linux-gnu",
  "usr/lib/x86_64-linux-gnu",
  "usr/lib64",
  "usr/local/cuda/lib64",
  "usr/local/cuda/targets/aarch64-linux/lib",
  "usr/local/tensorrt/lib",
];

/** Reads them from files, as NVIDIA's packages leave them. @param root `/`, but in tests */
export function readGpuVersions(root = "/"): GpuVersions {
  return {
    tensorrt: libraryVersion(root, "libnvinfer.so.") ?? "unknown",
    cuda: toolkitVersion(root) ?? libraryVersion(root, "libcudart.so.") ?? "unknown",
    l4t: l4tVersion(root),
  };
}

/** `# R36 (release), REVISION: 4.3, GCID: …` → `36.4.3` */
function l4tVersion(root: string): string {
  const text = textOf(join(root, "etc/nv_tegra_release"));
  if (text === undefined) return "none";
  const [, major, minor] = /^#\s*R(\d+)\b.*?\bREVISION:\s*([\d.]+)/m.exec(text) ?? [];
  return major === undefined ? "unknown" : `${major}.${minor}`;
}

/** version.json of the CUDA toolkit: `{"cuda": {"version": "12.6.68"}}`. */
function toolkitVersion(root: string): string | undefined {
  const text = textOf(join(root, "usr/local/cuda/version.json")) ?? "";
  return /"cuda"\s*:\s*\{[^{}]*"version"\s*:\s*"([\w.-]+)"/.exec(text)?.[1];
}

/** A library's file is named by its whole version, links to it by the first number. Several: all of them. */
function libraryVersion(root: string, prefix: string): string | undefined {
  const versions = libraryFolders
    .flatMap((folder) => namesIn(join(root, folder)))
    .filter((name) => name.startsWith(prefix))
    .map((name) => name.slice(prefix.length))
    .filter((version) => /^\d+(\.\d+){2,}$/.test(version));
  return [...new Set(versions)].toSorted().join("+") || undefined;
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
