import { readFileSync } from "node:fs";
import type { HeadKind } from "../backbone/engine.ts";
import { loadModel } from "../backbone/model.ts";
import { createOnnxEngine } from "../backbone/onnx-engine.ts";
import { lanesOf } from "./lanes.ts";

/** What this process takes, MiB; null where the system does not say (only Linux does). */
export interface MemoryUse {
  readonly after: string;
  /** Pages of a file that both sessions map count twice in it. */
  readonly residentMiB: number;
  /** Resident, each page counted once, and a page shared with other processes in part. */
  readonly proportionalMiB: number | null;
  /** Resident and backed by no file: what cannot be dropped and read again. */
  readonly anonymousMiB: number | null;
  /** The most that was resident until now. */
  readonly peakMiB: number | null;
}

export interface MemoryBenchOptions {
  readonly path: string;
  readonly threads: number;
  readonly batches: readonly number[];
  readonly selected: number;
  readonly promptLength: number;
  readonly prepack: boolean | undefined;
}

/** Loads, predicts and learns a few times as a node would, and looks at the process after each; wants a fresh one. */
export async function runMemoryBench(options: MemoryBenchOptions): Promise<MemoryUse[]> {
  const { path, threads, batches, selected, promptLength, prepack } = options;
  const uses = [memoryUse("start")];
  const head: HeadKind = { kind: "linear" };
  const model = await loadModel(path);
  uses.push(memoryUse("loading the model"));
  const engine = await createOnnxEngine({ model, head, threads, ...(prepack !== undefined && { prepack }) });
  try {
    for (const batch of batches) {
      const place = { engine, threads, batch, rounds: 1, tokens: selected * promptLength, selected };
      const [query, prompted, step] = lanesOf(place);
      for (let i = 0; i < 3; i++) for (const lane of [query!, prompted!]) await lane.run();
      uses.push(memoryUse(`predicting, batch ${batch}`));
      for (let i = 0; i < 3; i++) for (const lane of [query!, prompted!, step!]) await lane.run();
      uses.push(memoryUse(`learning, batch ${batch}`));
    }
  } finally {
    await engine.close();
  }
  return uses;
}

function cell(value: number | null): string {
  return (value === null ? "-" : String(value)).padStart(12);
}

/** A table for a terminal. */
export function memoryTable(uses: readonly MemoryUse[]): string {
  const head = `${"MiB after".padEnd(24)}${["resident", "each once", "anonymous", "peak"].map((name) => name.padStart(12)).join("")}`;
  const rows = uses.map(
    ({ after, residentMiB, proportionalMiB, anonymousMiB, peakMiB }) =>
      `${after.padEnd(24)}${[residentMiB, proportionalMiB, anonymousMiB, peakMiB].map(cell).join("")}`,
  );
  return [head, ...rows].join("\n");
}

function memoryUse(after: string): MemoryUse {
  const smaps = procFile("/proc/self/smaps_rollup");
  return {
    after,
    residentMiB: Math.round(process.memoryUsage.rss() / 2 ** 20),
    proportionalMiB: field(smaps, "Pss"),
    anonymousMiB: field(smaps, "Anonymous"),
    peakMiB: field(procFile("/proc/self/status"), "VmHWM"),
  };
}

function procFile(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function field(text: string, name: string): number | null {
  const kib = new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text)?.[1];
  return kib === undefined ? null : Math.round(Number(kib) / 1024);
}
