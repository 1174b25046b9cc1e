import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readGpuVersions } from "../../src/backbone/gpu-versions.ts";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "l2p-versions-"));
});
afterEach(() => rm(root, { recursive: true }));

async function put(path: string, text = ""): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), text);
}

describe("the versions that an engine depends on", () => {
  test("are unknown where nothing tells them, and a machine that is no Jetson has no L4T", () => {
    expect(readGpuVersions(root)).toEqual({ tensorrt: "unknown", cuda: "unknown", l4t: "none" });
  });

  test("are read from the files that JetPack 6 leaves", async () => {
    // The first line of JetPack 6.1's file, as NVIDIA's forum shows it.
    await put(
      "etc/nv_tegra_release",
      "# R36 (release), REVISION: 4.0, GCID: 37537400, BOARD: generic, EABI: aarch64, DATE: Fri Sep 13 04:36:44 UTC 2024\n# KERNEL_VARIANT: oot\n",
    );
    await put("usr/lib/aarch64-linux-gnu/libnvinfer.so.10");
    await put("usr/lib/aarch64-linux-gnu/libnvinfer.so.10.3.0");
    await put("usr/lib/aarch64-linux-gnu/libnvinfer_plugin.so.10.3.0");
    await put("usr/local/cuda/version.json", JSON.stringify({ cuda: { name: "CUDA SDK", version: "12.6.11" } }));
    expect(readGpuVersions(root)).toEqual({ tensorrt: "10.3.0", cuda: "12.6.11", l4t: "36.4.0" });
  });

  test("are the library's where there is no toolkit, and all of them where several are installed", async () => {
    await put("usr/local/cuda/lib64/libcudart.so.12.2.140");
    await put("usr/lib/x86_64-linux-gnu/libnvinfer.so.8.6.2");
    await put("usr/lib/x86_64-linux-gnu/libnvinfer.so.10.3.0");
    expect(readGpuVersions(root)).toMatchObject({ tensorrt: "10.3.0+8.6.2", cuda: "12.2.140" });
  });

  test("a file that tells nothing makes the version unknown, not another machine's", async () => {
    await put("etc/nv_tegra_release", "something else");
    await put("usr/local/cuda/version.json", "{");
    expect(readGpuVersions(root)).toEqual({ tensorrt: "unknown", cuda: "unknown", l4t: "unknown" });
  });
});
