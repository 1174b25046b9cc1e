import type { Engine } from "../backbone/engine.ts";
import type { Model } from "../backbone/model.ts";
import { createOnnxEngine } from "../backbone/onnx-engine.ts";
import { type Lane, lanesOf, measure, type Work } from "./lanes.ts";
import { ratioOf, type Spread, spreadOf } from "./spread.ts";

export interface VariantsOptions {
  /** The first is what the others are held against; all see images of their own size. */
  readonly models: readonly { readonly name: string; readonly model: Model }[];
  readonly rounds: number;
  /** Thread counts of ONNX Runtime; 0 is its own choice. */
  readonly threads: readonly number[];
  /** N selected prompts of Lp tokens each. */
  readonly selected: number;
  readonly promptLength: number;
  readonly onProgress?: (done: number, total: number, what: string) => void;
}

/** One kind of work of one model, at batch 1 on ONNX Runtime. */
export interface VariantTiming {
  readonly model: string;
  readonly precision: string;
  readonly threads: number;
  readonly work: Work;
  readonly ms: Spread;
  /** Its time ÷ that of the first model in the same round. */
  readonly toFirst: Spread;
  /** The same of processor time. */
  readonly cpuToFirst: Spread;
}

/** Measures models in turn, round by round, so that their ratios hold on a machine that does other work too. */
export async function benchVariants(options: VariantsOptions): Promise<VariantTiming[]> {
  const { models, rounds, threads, selected, promptLength, onProgress } = options;
  const engines: Engine[] = [];
  try {
    const groups: { name: string; model: Model; lanes: Lane[] }[] = [];
    for (const count of threads) {
      for (const { name, model } of models) {
        const engine = await createOnnxEngine({ model, head: { kind: "linear" }, threads: count });
        engines.push(engine);
        const lanes = lanesOf({ engine, threads: count, batch: 1, rounds, tokens: selected * promptLength, selected });
        groups.push({ name, model, lanes });
      }
    }
    // Work by work: what is compared is measured side by side.
    const works = groups[0]!.lanes.map(({ work }) => work);
    const lanes = works.flatMap((work) => groups.map((group) => laneOf(group.lanes, work)));
    await measure(lanes, (done, { work, threads: count }) =>
      onProgress?.(done, lanes.length * rounds, `${work}, ${count} threads`),
    );
    return groups.flatMap(({ name, model, lanes: own }, i) => {
      const first = groups[i - (i % models.length)]!.lanes;
      return own.map((lane) => {
        const against = laneOf(first, lane.work);
        return {
          model: name,
          precision: model.precision,
          threads: lane.threads,
          work: lane.work,
          ms: spreadOf(lane.took),
          toFirst: ratioOf(lane.took, against.took),
          cpuToFirst: ratioOf(lane.spent, against.spent),
        };
      });
    });
  } finally {
    for (const engine of engines) await engine.close();
  }
}

function laneOf(lanes: readonly Lane[], work: Work): Lane {
  return lanes.find((lane) => lane.work === work)!;
}
