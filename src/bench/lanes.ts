import type { Engine, ImageBatch, StepInput } from "../backbone/engine.ts";
import { createRng, type Rng } from "../kernel/rng.ts";
import { sizeOf, type Tensor } from "../kernel/tensor.ts";

export type Work = "query" | "prompted" | "step";

/** One thing that is measured again and again, in turn with the others. */
export interface Lane {
  readonly engine: string;
  readonly provider: string;
  /** Threads within an operator; 0: as many as the runtime chooses. */
  readonly threads: number;
  readonly work: Work;
  readonly batch: number;
  /** How often it is measured. */
  readonly rounds: number;
  readonly run: () => Promise<unknown>;
  /** Milliseconds, one a round. */
  readonly took: number[];
  /** Milliseconds of processor time, of all threads together: what a busy machine disturbs least. */
  readonly spent: number[];
}

export interface LaneOptions {
  readonly engine: Engine;
  readonly threads: number;
  readonly batch: number;
  readonly rounds: number;
  /** Prompt tokens a sample: N selected prompts of Lp tokens. */
  readonly tokens: number;
  readonly selected: number;
}

const classes = 10;

/** Query, prompted forward and training step of one engine on one batch of noise. */
export function lanesOf({ engine, threads, batch, rounds, tokens, selected }: LaneOptions): Lane[] {
  const rng = createRng(batch);
  const { width, imageSize } = engine.info;
  const images: ImageBatch = {
    pixels: Uint8Array.from({ length: batch * imageSize ** 2 * 3 }, () => rng.int(256)),
    count: batch,
  };
  const targets: Tensor = { data: new Float32Array(batch * classes), shape: [batch, classes] };
  for (let i = 0; i < batch; i++) targets.data[i * classes + (i % classes)] = 1;
  const input: StepInput = {
    images,
    prompts: noise([batch, tokens, width], rng),
    queries: noise([batch, width], rng),
    keys: noise([batch, selected, width], rng),
    headWeight: noise([classes, width], rng),
    headBias: noise([classes], rng),
    targets,
    logitMask: { data: new Float32Array(batch * classes), shape: [batch, classes] },
    pullWeight: 0.1,
  };
  const work: Readonly<Record<Work, () => Promise<unknown>>> = {
    query: () => engine.query(images),
    prompted: () => engine.prompted(images, input.prompts),
    step: () => engine.step(input),
  };
  const { engine: name, provider } = engine.provider;
  return (Object.keys(work) as Work[]).map((kind) => ({
    engine: name,
    provider,
    threads,
    work: kind,
    batch,
    rounds,
    run: work[kind],
    took: [],
    spent: [],
  }));
}

/**
 * Each lane once as a warm-up, then all of them in turn, round by round: what disturbs the machine disturbs them alike.
 * @param onRound is told after each measurement how many are done, and what was measured.
 */
export async function measure(lanes: readonly Lane[], onRound: (done: number, lane: Lane) => void): Promise<void> {
  for (const lane of lanes) await lane.run();
  let done = 0;
  const most = Math.max(...lanes.map(({ rounds }) => rounds));
  for (let round = 0; round < most; round++) {
    for (const lane of lanes.filter(({ rounds }) => round < rounds)) {
      const [start, before] = [performance.now(), process.cpuUsage()];
      await lane.run();
      const { user, system } = process.cpuUsage(before);
      lane.took.push(performance.now() - start);
      lane.spent.push((user + system) / 1000);
      onRound(++done, lane);
    }
  }
}

function noise(shape: readonly number[], rng: Rng): Tensor {
  return { data: Float32Array.from({ length: sizeOf(shape) }, () => 0.1 * rng.normal()), shape };
}
