import { softmax } from "../../learner/loss.ts";
import { arraysOf, copyOf, weightsFrom } from "./ewc.ts";
import type { Remedy } from "./fine-tuning.ts";
import { weightKeys, type WeightTrainer } from "./weight-trainer.ts";
import type { Weights } from "./weight-session.ts";

/** T of the paper's section 3. */
const temperature = 2;
const oldWeight = 1;

/**
 * Learning without forgetting (Li and Hoiem 2017): on new images, the outputs for the classes of past segments stay near
 * what the model as it was at the last boundary says. It needs boundaries, and a second copy of all weights.
 */
export function withoutForgetting(trainer: WeightTrainer): Remedy {
  let teacher: Weights | undefined;

  return {
    old: async (batch) => {
      if (!teacher) return undefined;
      const known = teacher.headBias.length;
      const classes = trainer.labels.length;
      const outputs = await trainer.logits(batch, teacher);
      const targets = new Float32Array(batch.length * classes);
      for (let b = 0; b < batch.length; b++) {
        const row = outputs.subarray(b * known, (b + 1) * known);
        const soft = softmax(Float64Array.from(row, (x) => x / temperature));
        // T²: the gradient of softened outputs is 1/T² of the others'.
        targets.set(
          soft.map((p) => oldWeight * temperature ** 2 * p),
          b * classes,
        );
      }
      return { targets, known, temperature };
    },
    boundary: () => {
      teacher = copyOf(trainer.weights);
      return Promise.resolve();
    },
    stateBytes: () => (teacher ? 4 * weightKeys.reduce((sum, key) => sum + teacher![key].length, 0) : 0),
    save: () => ({ arrays: arraysOf("teacher", teacher), meta: { taught: teacher !== undefined } }),
    restore: ({ arrays, meta }) => {
      teacher = meta["taught"] === true ? weightsFrom(arrays, "teacher") : undefined;
    },
  };
}
