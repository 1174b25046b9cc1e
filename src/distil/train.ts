import { adamW, type AdamWState, cosineRate, globalNorm } from "./adamw.ts";
import { type Checkpoint, readCheckpoint, writeCheckpoint } from "./checkpoint.ts";
import type { HeldOut } from "./held-out.ts";
import { type ParameterLayout } from "./parameters.ts";
import { choosePatches } from "./patches.ts";
import type { Samples } from "./samples.ts";
import type { LogEntry } from "./training-log.ts";
import type { TrainingSession } from "./training-session.ts";

/** The optimiser's numbers. */
export interface TrainSettings {
  readonly steps: number;
  /** Steps at the start in which the student sees `keptSide`² of the patches; all of them after that. */
  readonly keptSteps: number;
  readonly keptSide: number;
  readonly batchSize: number;
  readonly warmUpSteps: number;
  readonly peakRate: number;
  readonly floorRate: number;
  readonly weightDecay: number;
  readonly beta1: number;
  readonly beta2: number;
  /** Longest gradient over all parameters; longer ones are shortened. */
  readonly clipNorm: number;
  readonly seed: number;
}

export interface TrainOptions {
  readonly layout: ParameterLayout;
  readonly session: TrainingSession;
  readonly samples: Samples;
  readonly heldOut: HeldOut;
  readonly settings: TrainSettings;
  /** Weights to start from. */
  readonly start: Float32Array;
  readonly checkpointPath: string;
  /** See `writeCheckpoint`. */
  readonly recipe: string;
  readonly checkpointEverySteps: number;
  readonly logEverySteps: number;
  readonly watchEverySteps: number;
  onLog(entry: LogEntry): void;
}

/** Trains from the given weights, or on from the checkpoint, to the last step. Its result is the last checkpoint. */
export async function train(options: TrainOptions): Promise<Checkpoint> {
  const { layout, session, samples, heldOut, settings, checkpointPath, recipe } = options;
  const fullSide = layout.architecture.imageSize / layout.architecture.patchSize;
  const start = await readCheckpoint(checkpointPath, recipe);
  const weights = start?.weights ?? options.start.slice();
  const optimiser = start?.optimiser ?? { first: new Float32Array(layout.size), second: new Float32Array(layout.size) };
  const log: LogEntry[] = [...(start?.log ?? [])];
  const gradients = new Float32Array(layout.size);
  const began = performance.now();
  const seconds = (): number => (start?.seconds ?? 0) + (performance.now() - began) / 1000;
  let lossSum = 0;
  let lossSteps = 0;

  for (let step = start?.step ?? 0; step < settings.steps; step++) {
    const kept =
      step < settings.keptSteps ? choosePatches(settings.keptSide, fullSide, settings.seed, step) : undefined;
    const loss = await session.step(weights, samples.batch(step, settings.batchSize), gradients, kept);
    update(layout, weights, gradients, optimiser, step, settings);
    lossSum += loss;
    lossSteps += 1;

    const done = step + 1;
    const isLast = done === settings.steps;
    if (isLast || done % options.logEverySteps === 0) {
      const watched = isLast || done % options.watchEverySteps === 0 ? await heldOut.measure(weights) : {};
      const entry = { step: done, seconds: Math.round(seconds()), loss: lossSum / lossSteps, ...watched };
      lossSum = 0;
      lossSteps = 0;
      log.push(entry);
      options.onLog(entry);
    }
    if (isLast || done % options.checkpointEverySteps === 0) {
      await writeCheckpoint(checkpointPath, recipe, { step: done, seconds: seconds(), weights, optimiser, log });
    }
  }
  return { step: settings.steps, seconds: seconds(), weights, optimiser, log };
}

function update(
  { parameters }: ParameterLayout,
  weights: Float32Array,
  gradients: Float32Array,
  optimiser: AdamWState,
  step: number,
  settings: TrainSettings,
): void {
  const { steps, warmUpSteps, peakRate, floorRate, clipNorm, beta1, beta2 } = settings;
  const learningRate = cosineRate(step, steps, warmUpSteps, peakRate, floorRate);
  const gradientScale = Math.min(1, clipNorm / (globalNorm(gradients) + 1e-12));
  for (const parameter of parameters) {
    const weightDecay = parameter.decays ? settings.weightDecay : 0;
    adamW(weights, gradients, optimiser, parameter, {
      step: step + 1,
      learningRate,
      weightDecay,
      beta1,
      beta2,
      epsilon: 1e-8,
      gradientScale,
    });
  }
}
