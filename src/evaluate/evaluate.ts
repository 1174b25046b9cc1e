import { join } from "node:path";
import { loadModel, type Model } from "../backbone/model.ts";
import { createOnnxEngine } from "../backbone/onnx-engine.ts";
import { appError } from "../kernel/errors.ts";
import { runCell } from "./cell.ts";
import { holdOut } from "./hold-out.ts";
import { sha256 } from "./image.ts";
import { type ImageStore, openImageStore } from "./image-store.ts";
import { methodKind } from "./methods/catalogue.ts";
import type { MethodKind, MethodSettings } from "./methods/method.ts";
import type { Protocol } from "./plan.ts";
import { type CellResult, type CellSpec, groupName } from "./result.ts";
import type { Scenario } from "./scenario.ts";
import type { ScenarioName } from "./scenarios/names.ts";
import { openScenarios } from "./scenarios/open.ts";

export interface EvaluateOptions {
  readonly scenario: ScenarioName;
  readonly dataPath: string | undefined;
  readonly modelPath: string;
  readonly methods: readonly string[];
  readonly seeds: readonly number[];
  readonly protocol: Protocol;
  readonly perClass: number | undefined;
  readonly testPerClass: number | undefined;
  /** Classes whose frames come without a label. */
  readonly heldOut: number;
  readonly settings: MethodSettings;
  readonly cacheFolder: string;
  readonly outFolder: string;
  /** 0 lets ONNX Runtime choose. */
  readonly threads: number;
  readonly checkpointMs: number;
  /** Stops after the turn that runs, with a checkpoint. */
  readonly signal: AbortSignal;
  readonly onProgress: (what: string, done: number, of: number) => void;
  readonly onResult: (result: CellResult, path: string) => void;
}

/**
 * Plays one scenario to methods, seed by seed; each result is a file `<out>/<group>/<method>-seed<seed>.json`. What is done
 * is not done again, what was stopped goes on.
 * @returns the results so far; not all when it was stopped
 * @throws AppError `evaluate/options`, `evaluate/data`, `evaluate/other-cell`, and those of data set, model and images
 */
export async function evaluate(options: EvaluateOptions): Promise<CellResult[]> {
  const kinds = options.methods.map(methodKind);
  checkProtocol(options.protocol, kinds);
  const { perClass, testPerClass, threads, cacheFolder } = options;
  const model = await loadModel(options.modelPath);
  const source = await openScenarios(options.scenario, options.dataPath, { perClass, testPerClass });
  try {
    const store = await openImageStore({ model, cacheFolder, threads });
    let measured: Promise<number> | undefined;
    const queryMs = (): Promise<number> => (measured ??= queryTime(model, threads));
    const results: CellResult[] = [];
    for (const seed of options.seeds) {
      const scenario = holdOut(await source.scenario(seed), options.heldOut, seed);
      checkScenario(scenario);
      if (kinds.some(({ sees }) => sees !== "pixels")) {
        await store.prepare(scenario.images, (done, of) => options.onProgress("features", done, of));
      }
      const identities = await store.identities(scenario.images);
      const images = sha256([...scenario.stream, ...identities].join(" "));
      for (const kind of kinds) {
        if (options.signal.aborted) return results;
        const spec = specOf(options, scenario, kind, { seed, images, model });
        const result = await cell(options, { spec, scenario, kind, model, store, queryMs });
        if (!result) return results;
        results.push(result);
      }
    }
    return results;
  } finally {
    await source.close();
  }
}

interface CellParts {
  readonly spec: CellSpec;
  readonly scenario: Scenario;
  readonly kind: MethodKind;
  readonly model: Model;
  readonly store: ImageStore;
  readonly queryMs: () => Promise<number>;
}

async function cell(options: EvaluateOptions, parts: CellParts): Promise<CellResult | undefined> {
  const { spec } = parts;
  const name = `${spec.method}-seed${spec.seed}`;
  const path = join(options.outFolder, groupName(spec), `${name}.json`);
  const { protocol, settings, threads, checkpointMs, signal } = options;
  const onProgress = (done: number, of: number): boolean => {
    options.onProgress(`${spec.scenario}, ${name}`, done, of);
    return signal.aborted;
  };
  const result = await runCell({ ...parts, path, protocol, settings, threads, checkpointMs, onProgress });
  if (result) options.onResult(result, path);
  return result;
}

function specOf(
  { protocol, perClass, testPerClass, heldOut, settings }: EvaluateOptions,
  scenario: Scenario,
  kind: MethodKind,
  { seed, images, model }: { seed: number; images: string; model: Model },
): CellSpec {
  const { name, modelId } = model.info;
  return {
    scenario: scenario.name,
    protocol: protocol.kind,
    perClass: perClass ?? null,
    testPerClass: testPerClass ?? null,
    batch: protocol.batch,
    labelShare: protocol.labelShare,
    labelDelay: protocol.labelDelay,
    ...(protocol.labels !== "random" && { labels: protocol.labels }),
    ...(heldOut > 0 && { heldOut }),
    method: kind.name,
    seed,
    model: { name, id: modelId },
    images,
    settings: { stops: protocol.stops, ...kind.settings?.(scenario.name, settings) },
  };
}

/** @throws AppError `evaluate/options` */
function checkProtocol({ kind, labels, labelDelay }: Protocol, kinds: readonly MethodKind[]): void {
  const mute = kinds.find(({ asks }) => asks !== true);
  if (labels === "asked" && mute)
    throw appError("evaluate/options", `${mute.name} asks for no labels: leave out --ask`);
  if (kind === "paper" && labels !== "random") {
    throw appError("evaluate/options", "with --protocol paper nothing is asked for: leave out --ask");
  }
  if (kind === "paper" && labelDelay > 0) {
    throw appError("evaluate/options", "with --protocol paper labels come at once: leave out --label-delay");
  }
}

/** @throws AppError `evaluate/data` */
function checkScenario({ segments, name }: Scenario): void {
  const empty = segments.find(({ end }, i) => end === (segments[i - 1]?.end ?? 0));
  if (empty) throw appError("evaluate/data", `"${empty.name}" of ${name} has no frames: raise --per-class`);
}

/** Median of one image at a time, ms: features come from the disk, so a cell cannot measure it. */
async function queryTime(model: Model, threads: number): Promise<number> {
  const engine = await createOnnxEngine({ model, head: { kind: "linear" }, threads });
  const blank = { pixels: new Uint8Array(model.info.imageSize ** 2 * 3), count: 1 };
  const times: number[] = [];
  for (let i = 0; i < 9; i++) {
    const began = performance.now();
    await engine.query(blank);
    times.push(performance.now() - began);
  }
  await engine.close();
  return times.toSorted((a, b) => a - b)[4]!;
}
