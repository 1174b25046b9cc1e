import { describe, expect, it } from "vitest";
import { freshCalibration } from "../../src/learner/calibration.ts";
import { compactState } from "../../src/learner/compact.ts";
import { freshEffort } from "../../src/learner/effort.ts";
import type { LearnerState } from "../../src/learner/types.ts";
import { streamLearner, teach } from "../support/learned.ts";

describe("the compact part of a saved state", () => {
  it("is what the learner itself gives, before it learned anything and after", async () => {
    const learner = streamLearner(24);
    expect(compactState(learner.save())).toEqual(learner.saveCompact());
    await teach(learner, 3);
    expect(compactState(learner.save())).toEqual(learner.saveCompact());
  });

  it("leaves the verdict on the prompts and the confidences behind: they were of statistics that it does not have", async () => {
    const learner = streamLearner(24);
    await teach(learner, 3);
    const resting = { ...freshEffort, resting: true, rested: 7 };
    const withVerdict = ({ arrays, meta }: LearnerState): LearnerState => ({
      arrays,
      meta: { ...meta, effort: resting },
    });
    const reader = streamLearner(24);
    reader.restore(withVerdict(learner.saveCompact()));
    expect(reader.save().meta).toMatchObject({ effort: freshEffort, calibration: freshCalibration() });
    reader.restore(withVerdict(learner.save()));
    expect(reader.save().meta).toMatchObject({ effort: resting, calibration: learner.save().meta["calibration"] });
  });

  it("of a compact state is that state, in arrays of its own", async () => {
    const learner = streamLearner(24);
    await teach(learner, 2);
    const compact = learner.saveCompact();
    const again = compactState(compact);
    expect(again).toEqual(compact);
    expect(again.arrays["prompts"]!.data.buffer).not.toBe(compact.arrays["prompts"]!.data.buffer);
  });
});
