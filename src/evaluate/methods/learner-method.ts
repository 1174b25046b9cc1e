import { createLearner } from "../../learner/learner.ts";
import type { LearnerSettings } from "../../learner/settings.ts";
import type { Prediction } from "../../learner/types.ts";
import { doubtOf } from "../../stream/ask.ts";
import { defaultDriftSettings, driftMonitor, type DriftMonitor, type DriftState } from "../../stream/drift.ts";
import type { Engine } from "../../backbone/engine.ts";
import { type BufferState, type RehearsalBuffer, rehearsalBuffer } from "./buffer.ts";
import { bytesIn } from "./closed-form.ts";
import type { LabelledShown, Method, MethodContext, Said } from "./method.ts";

export interface LearnerMethodOptions {
  readonly settings: LearnerSettings;
  /** Joins each batch with as many stored images. */
  readonly rehearses?: boolean;
  /** What a drift that it notices multiplies the learning rate by, as in a node (`drift.boost`); by default none is watched for. */
  readonly boost?: number | undefined;
}

/** All frames are one camera's. */
const camera = "camera";

/** The product's own learner, as a node runs it. */
export async function learnerMethod(context: MethodContext, options: LearnerMethodOptions): Promise<Method> {
  const { seed } = context;
  const { settings, rehearses = false, boost } = options;
  const prompted = settings.heads.includes("prompted");
  const engine = prompted ? await context.engine(settings.head.kind) : queriesOnly(context);
  const learner = createLearner({ engine, settings, seed });
  let buffer: RehearsalBuffer | undefined;
  if (rehearses) buffer = rehearsalBuffer(context.settings.bufferPerClass, seed);
  let monitor = watching();
  // Without prompts no pixel is looked at; the learner wants to see the right number of them all the same.
  const blank = new Uint8Array(engine.info.imageSize ** 2 * 3);
  const pixelsOf = (pixels: Uint8Array): Uint8Array => (prompted ? pixels : blank);

  function watching(saved?: DriftState): DriftMonitor {
    const watched = boost === undefined ? undefined : { ...defaultDriftSettings, boost };
    return driftMonitor({ settings: watched, maxCameras: () => 1, tell: () => {}, saved });
  }

  function said(prediction: Prediction, similarity: number | null): Said {
    const { label, confidence, heads, promptIds, novelty } = prediction;
    const parts = settings.heads.length > 1 ? settings.heads.map((name) => [name, heads[name]] as const) : [];
    const doubt = doubtOf(prediction);
    const told = { label, confidence, heads: Object.fromEntries(parts), promptIds, doubt, similarity };
    return { ...told, ...(novelty && { novelty }) };
  }

  async function rehearsed(count: number): Promise<LabelledShown[]> {
    const drawn = buffer?.draw(count) ?? [];
    const shown = drawn.length > 0 ? await context.recall(drawn.map(({ image }) => image)) : [];
    return shown.map((image, i) => ({ ...image, label: drawn[i]!.label }));
  }

  return {
    learn: async (batch) => {
      const near = batch.map(({ query }) => learner.similarity(query));
      const joined = [...batch, ...(await rehearsed(batch.length))];
      for (const similarity of near) monitor.predicted(camera, similarity);
      const { plasticity } = monitor;
      const learned = await learner.learn(
        joined.map(({ query, pixels, label }) => ({ query, pixels: pixelsOf(pixels), label })),
        { plasticity },
      );
      batch.forEach(({ label }, i) => monitor.judged(learned[i]!.before.label === label, false));
      monitor.learned(batch.length, plasticity, false);
      for (const { image, label } of batch) buffer?.add({ image, label });
      return learned.slice(0, batch.length).map(({ before }, i) => said(before, near[i]!));
    },
    predict: async (batch) => {
      const results: Said[] = [];
      for (const { query, pixels } of batch) {
        const prediction = await learner.predictOne({ query, pixels: pixelsOf(pixels) });
        results.push(said(prediction, learner.similarity(query)));
      }
      return results;
    },
    stateBytes: () => bytesIn(learner.save().arrays),
    ...(rehearses && { bufferedImages: () => buffer!.stored.map(({ image }) => image) }),
    save: () => {
      const { arrays, meta } = learner.save();
      return { arrays, meta: { learner: meta, buffer: buffer?.save(), drift: monitor.save() } };
    },
    restore: ({ arrays, meta }) => {
      learner.restore({ arrays, meta: meta["learner"] as Record<string, unknown> });
      const saved = meta["buffer"] as BufferState | undefined;
      monitor = watching(meta["drift"] as DriftState | undefined);
      if (saved) buffer = rehearsalBuffer(context.settings.bufferPerClass, saved);
    },
  };
}

const refuse = (): never => {
  throw new Error("a learner without prompts ran the backbone");
};

/** A learner without its prompted head never runs the backbone: queries are given. */
function queriesOnly({ model }: MethodContext): Engine {
  return {
    info: model.info,
    provider: { engine: "none", provider: "none", refused: [] },
    query: refuse,
    prompted: refuse,
    step: refuse,
    close: () => Promise.resolve(),
  };
}
