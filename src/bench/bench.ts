import { arch, availableParallelism, cpus, loadavg } from "node:os";
import sharp from "sharp";
import { patchCount } from "../backbone/architecture.ts";
import type { Engine } from "../backbone/engine.ts";
import type { Model } from "../backbone/model.ts";
import { createOnnxEngine } from "../backbone/onnx-engine.ts";
import { prepareImage } from "../backbone/preprocess.ts";
import { createTfjsEngine } from "../backbone/tfjs-engine.ts";
import { sizeOf } from "../kernel/tensor.ts";
import { type Lane, lanesOf, measure, type Work } from "./lanes.ts";
import { ratioOf, type Spread, spreadOf } from "./spread.ts";

export interface BenchOptions {
  readonly model: Model;
  /** How often each thing is measured at batch 1; larger batches a third as often, TensorFlow.js at most 5 times. */
  readonly rounds: number;
  /** Thread counts of ONNX Runtime; 0 is its own choice. */
  readonly threads: readonly number[];
  readonly batches: readonly number[];
  /** N selected prompts of Lp tokens each. */
  readonly selected: number;
  readonly promptLength: number;
  /** Also TensorFlow.js, at batch 1. */
  readonly tfjs: boolean;
  readonly onProgress?: (done: number, total: number, what: string) => void;
}

export interface Timing {
  readonly engine: string;
  readonly provider: string;
  /** Null where the engine has no such setting. */
  readonly threads: number | null;
  readonly batch: number;
  readonly work: Work;
  readonly ms: Spread;
  /** Processor time of all threads; with more than one it holds their waiting too. */
  readonly cpuMs: Spread;
}

export interface Ratios {
  readonly engine: string;
  readonly threads: number | null;
  readonly batch: number;
  /** Training step ÷ prompted forward; the goal at batch 1 is 2.4 at most. */
  readonly stepToPrompted: Spread;
  /** Prompted forward ÷ query; the goal is within 10 % of `tokenRatio`. */
  readonly promptedToQuery: Spread;
  /** The same of processor time. */
  readonly cpu: { readonly stepToPrompted: Spread; readonly promptedToQuery: Spread };
}

export interface BenchReport {
  readonly machine: {
    readonly cpu: string;
    readonly cores: number;
    readonly arch: string;
    readonly node: string;
    /** Processes that ran or waited to run in the last minute before; 0 on an idle machine (and on Windows). */
    readonly loadBefore: number;
  };
  readonly model: { readonly name: string; readonly source: string; readonly parameters: number };
  readonly tokens: { readonly query: number; readonly prompts: number };
  /** Tokens of a prompted forward ÷ tokens of a query. */
  readonly tokenRatio: number;
  readonly timings: readonly Timing[];
  readonly ratios: readonly Ratios[];
  /** One 640×480 JPEG to the backbone's square. */
  readonly preprocessingMs: Spread;
  /** Resident memory of the whole process, MiB, after each stage. */
  readonly memory: readonly { readonly after: string; readonly rssMiB: number }[];
}

/** Measures both engines side by side, in turn; takes about `rounds` × 2 seconds with ViT-Tiny on two cores. */
export async function runBench(options: BenchOptions): Promise<BenchReport> {
  const { model, rounds, threads, batches, selected, promptLength, tfjs, onProgress } = options;
  const tokens = selected * promptLength;
  const memory: { after: string; rssMiB: number }[] = [];
  const remember = (after: string): void => {
    memory.push({ after, rssMiB: Math.round(process.memoryUsage.rss() / 2 ** 20) });
  };
  remember("loading the model");
  const loadBefore = loadavg()[0]!;

  const engines: Engine[] = [];
  try {
    const lanes: Lane[] = [];
    for (const count of threads) {
      const engine = await createOnnxEngine({ model, head: { kind: "linear" }, threads: count });
      engines.push(engine);
      const own = batches.map((batch) => (batch === 1 ? rounds : Math.ceil(rounds / 3)));
      const added = batches.flatMap((batch, i) =>
        lanesOf({ engine, threads: count, batch, rounds: own[i]!, tokens, selected }),
      );
      lanes.push(...added);
      if (engines.length === 1) {
        await added[0]!.run();
        remember("the first query on ONNX Runtime");
        await added[2]!.run();
        remember("the first training step on ONNX Runtime");
      }
    }
    if (tfjs) {
      const engine = await createTfjsEngine({ model, head: { kind: "linear" } });
      engines.push(engine);
      lanes.push(...lanesOf({ engine, threads: -1, batch: 1, rounds: Math.min(rounds, 5), tokens, selected }));
    }
    const total = lanes.reduce((sum, lane) => sum + lane.rounds, 0);
    await measure(lanes, (done, { engine, work, batch }) =>
      onProgress?.(done, total, `${engine} ${work}, batch ${batch}`),
    );
    remember("everything");
    const patches = 1 + patchCount(model.architecture);
    return {
      machine: {
        cpu: cpus()[0]?.model ?? "unknown",
        cores: availableParallelism(),
        arch: arch(),
        node: process.versions.node,
        loadBefore,
      },
      model: {
        name: model.info.name,
        source: model.manifest.source,
        parameters: [...model.weights.values()].reduce((sum, { shape }) => sum + sizeOf(shape), 0),
      },
      tokens: { query: patches, prompts: tokens },
      tokenRatio: (patches + tokens) / patches,
      timings: lanes.map(timingOf),
      ratios: ratiosOf(lanes),
      preprocessingMs: await preprocessing(model, rounds),
      memory,
    };
  } finally {
    for (const engine of engines) await engine.close();
  }
}

function timingOf({ engine, provider, threads, batch, work, took, spent }: Lane): Timing {
  const place = { engine, provider, threads: threads < 0 ? null : threads, batch, work };
  return { ...place, ms: spreadOf(took), cpuMs: spreadOf(spent) };
}

/** Lanes come in threes: query, prompted, step. */
function ratiosOf(lanes: readonly Lane[]): Ratios[] {
  return lanes
    .filter(({ work }) => work === "query")
    .map((query) => {
      const at = lanes.indexOf(query);
      const [prompted, step] = [lanes[at + 1]!, lanes[at + 2]!];
      return {
        engine: query.engine,
        threads: query.threads < 0 ? null : query.threads,
        batch: query.batch,
        stepToPrompted: ratioOf(step.took, prompted.took),
        promptedToQuery: ratioOf(prompted.took, query.took),
        cpu: {
          stepToPrompted: ratioOf(step.spent, prompted.spent),
          promptedToQuery: ratioOf(prompted.spent, query.spent),
        },
      };
    });
}

async function preprocessing(model: Model, rounds: number): Promise<Spread> {
  const noise = { type: "gaussian", mean: 128, sigma: 30 } as const;
  const picture = sharp({ create: { width: 640, height: 480, channels: 3, background: "#808080", noise } });
  const bytes = await picture.jpeg().toBuffer();
  const rule = { ...model.manifest, imageSize: model.info.imageSize, maxPixels: 640 * 480 };
  await prepareImage(bytes, rule);
  const took: number[] = [];
  for (let i = 0; i < rounds; i++) {
    const start = performance.now();
    await prepareImage(bytes, rule);
    took.push(performance.now() - start);
  }
  return spreadOf(took);
}
