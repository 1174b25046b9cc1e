import { describe, expect, it } from "vitest";
import { compactState } from "../../src/learner/compact.ts";
import { streamLearner, teach } from "../support/learned.ts";

describe("the compact part of a saved state", () => {
  it("is what the learner itself gives, before it learned anything and after", async () => {
    const learner = streamLearner(24);
    expect(compactState(learner.save())).toEqual(learner.saveCompact());
    await teach(learner, 3);
    expect(compactState(learner.save())).toEqual(learner.saveCompact());
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
