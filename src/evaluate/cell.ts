import type { Engine, HeadKind } from "../backbone/engine.ts";
import type { Model } from "../backbone/model.ts";
import { createOnnxEngine } from "../backbone/onnx-engine.ts";
import { cellFile } from "./cell-file.ts";
import { driftAlarms } from "./drift-alarms.ts";
import type { ImageStore } from "./image-store.ts";
import { measure } from "./measure.ts";
import type { Method, MethodContext, MethodKind, MethodSettings } from "./methods/method.ts";
import { paperEpochs, planTurns, type Protocol } from "./plan.ts";
import { play } from "./play.ts";
import { emptyRecord, type RunRecord } from "./record.ts";
import type { CellResult, CellSpec, Cost } from "./result.ts";
import type { Scenario } from "./scenario.ts";

export interface CellOptions {
  readonly spec: CellSpec;
  readonly scenario: Scenario;
  readonly kind: MethodKind;
  readonly protocol: Protocol;
  readonly settings: MethodSettings;
  readonly model: Model;
  /** Holds the queries of all images, where the method uses them. */
  readonly store: ImageStore;
  /** Where the result goes. */
  readonly path: string;
  readonly threads: number;
  /** Time of one q(x): asked for when a cell ends that uses it. */
  readonly queryMs: () => Promise<number>;
  /** A checkpoint is written when the last one is older than that. */
  readonly checkpointMs: number;
  /** @returns true to stop after this turn, with a checkpoint. */
  onProgress(turns: number, of: number): boolean;
}

/**
 * Runs a cell, or goes on with it, or finds it done.
 * @returns undefined when it was stopped before its end
 */
export async function runCell(options: CellOptions): Promise<CellResult | undefined> {
  const { spec, scenario, kind, protocol, path } = options;
  const file = cellFile(path, spec);
  const done = await file.readResult();
  if (done) return done;

  const epochs = protocol.kind === "paper" ? paperEpochs : 1;
  const turns = planTurns(scenario, protocol, kind.order ?? { order: "stream", epochs }, spec.seed);
  const engines: Engine[] = [];
  const method = await kind.create(contextOf(options, engines));
  try {
    const saved = await file.readCheckpoint();
    if (saved) method.restore(saved.method);
    const record = saved?.record ?? emptyRecord();
    let savedAt = performance.now();
    const ended = await play({
      scenario,
      protocol,
      seed: spec.seed,
      turns,
      method,
      show: (images) => options.store.show(scenario.images, images, kind.sees),
      record,
      from: saved?.next ?? 0,
      onTurn: async (next) => {
        const stop = options.onProgress(next, turns.length);
        if (next < turns.length && (stop || performance.now() - savedAt > options.checkpointMs)) {
          await file.writeCheckpoint({ next, record, method: method.save() });
          savedAt = performance.now();
        }
        return stop;
      },
    });
    if (!ended) return undefined;
    const result = resultOf(options, record, await costOf(options, method, record));
    await file.writeResult(result);
    return result;
  } finally {
    await method.close?.();
    for (const engine of engines) await engine.close();
  }
}

function contextOf({ scenario, kind, ...options }: CellOptions, engines: Engine[]): MethodContext {
  const { spec, settings, model, threads, store } = options;
  return {
    scenario: spec.scenario,
    seed: spec.seed,
    settings,
    model,
    threads,
    engine: async (head: HeadKind) => {
      const engine = await createOnnxEngine({ model, head, threads });
      engines.push(engine);
      return engine;
    },
    recall: (images) => store.show(scenario.images, images, kind.sees),
  };
}

function resultOf({ spec, scenario }: CellOptions, record: RunRecord, cost: Cost): CellResult {
  const { stream, segments, tests, images } = scenario;
  return {
    v: 1,
    spec,
    stream: {
      frames: stream.length,
      classes: new Set(stream.map((index) => images[index]!.label)).size,
      segments,
      tests: tests.map((test) => ({ name: test.name, images: test.images.length, learnedIn: test.learnedIn })),
    },
    points: record.points,
    right: record.right,
    bins: record.bins,
    promptUse: record.promptUse,
    drift: driftAlarms(record),
    metrics: measure(record, tests),
    cost,
  };
}

function each(ms: number, samples: number): number {
  return samples === 0 ? 0 : ms / samples;
}

async function costOf({ scenario, kind, queryMs }: CellOptions, method: Method, { cost }: RunRecord): Promise<Cost> {
  const stored = method.bufferedImages?.() ?? [];
  const files = await Promise.all(stored.map((image) => scenario.images[image]!.read()));
  return {
    learnMs: each(cost.learnMs, cost.learned),
    predictMs: each(cost.predictMs, cost.predicted),
    queryMs: kind.sees === "pixels" ? null : await queryMs(),
    stateBytes: method.stateBytes(),
    bufferImages: stored.length,
    bufferBytes: files.reduce((sum, { length }) => sum + length, 0),
  };
}
