import { type BufferState, rehearsalBuffer } from "./buffer.ts";
import type { LabelledShown, Method, MethodContext } from "./method.ts";
import { type BatchGradient, type OldOutputs, type WeightTrainer, weightTrainer } from "./weight-trainer.ts";

/** What keeps a fine-tuned ViT from forgetting; each part is called at its time. */
export interface Remedy {
  /** Outputs of an older model that the batch's loss also asks for. */
  old?(batch: readonly LabelledShown[]): Promise<OldOutputs | undefined>;
  /** Adds to the gradients, in place. */
  penalise?(gradient: BatchGradient): void;
  learned?(batch: readonly LabelledShown[]): void;
  boundary?(): Promise<void>;
  stateBytes(): number;
  bufferedImages?(): readonly number[];
  save(): { readonly arrays: ReturnType<Method["save"]>["arrays"]; readonly meta: Record<string, unknown> };
  restore(state: ReturnType<Remedy["save"]>): void;
}

/**
 * Trains all weights of the backbone and a head, one step a batch.
 * @param rehearses Joins each batch with as many stored images (ER, Chaudhry et al. 2019).
 */
export function fineTuning(
  context: MethodContext,
  {
    rehearses = false,
    remedy: createRemedy,
  }: { rehearses?: boolean; remedy?: (trainer: WeightTrainer) => Remedy } = {},
): Method {
  const { bufferPerClass } = context.settings;
  const trainer = weightTrainer(context);
  const remedy = createRemedy?.(trainer);
  let buffer = rehearses ? rehearsalBuffer(bufferPerClass, context.seed) : undefined;

  async function withStored(batch: readonly LabelledShown[]): Promise<LabelledShown[]> {
    const drawn = buffer?.draw(batch.length) ?? [];
    const shown = drawn.length > 0 ? await context.recall(drawn.map(({ image }) => image)) : [];
    return [...batch, ...shown.map((image, i) => ({ ...image, label: drawn[i]!.label }))];
  }

  return {
    learn: async (batch) => {
      const known = trainer.labels.length;
      const joined = await withStored(batch);
      trainer.admit(joined.map(({ label }) => label));
      const gradient = await trainer.gradient(joined, await remedy?.old?.(joined));
      const before = batch.map((_, b) => trainer.say(gradient.logits, b, known));
      remedy?.penalise?.(gradient);
      trainer.update(gradient.gradients);
      remedy?.learned?.(batch);
      for (const { image, label } of batch) buffer?.add({ image, label });
      return before;
    },
    predict: async (batch) => {
      if (trainer.labels.length === 0) return batch.map(() => ({ label: null }));
      const logits = await trainer.logits(batch);
      return batch.map((_, b) => trainer.say(logits, b));
    },
    ...(remedy?.boundary && { boundary: () => remedy.boundary!() }),
    stateBytes: () => trainer.stateBytes() + (remedy?.stateBytes() ?? 0),
    ...((rehearses || remedy?.bufferedImages) && {
      bufferedImages: () => buffer?.stored.map(({ image }) => image) ?? remedy!.bufferedImages!(),
    }),
    save: () => {
      const own = trainer.save();
      const more = remedy?.save();
      return {
        arrays: { ...own.arrays, ...more?.arrays },
        meta: { trainer: own.meta, remedy: more?.meta, buffer: buffer?.save() },
      };
    },
    restore: ({ arrays, meta }) => {
      trainer.restore({ arrays, meta: meta["trainer"] as Record<string, unknown> });
      remedy?.restore({ arrays, meta: meta["remedy"] as Record<string, unknown> });
      const saved = meta["buffer"] as BufferState | undefined;
      if (saved) buffer = rehearsalBuffer(bufferPerClass, saved);
    },
    close: () => trainer.close(),
  };
}
