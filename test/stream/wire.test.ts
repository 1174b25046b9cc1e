import { describe, expect, it } from "vitest";
import { wire } from "../../src/stream/wire.ts";
import { fakeLearner, memoryJournal, prepare, testSettings, testTopics } from "../support/fake-stream.ts";

describe("the label window", () => {
  it.each([
    [0, 100],
    [1000, 250],
    [3_600_000, 1000],
  ])("of %i ms is swept every %i ms: never in a busy loop, never late by much", (labelWindowMs, sweepMs) => {
    const settings = { ...testSettings, labelWindowMs };
    const parts = { settings, topics: testTopics, learner: fakeLearner(), journal: memoryJournal(), modelId: "m" };
    expect(wire({ ...parts, prepare, recovered: [] }).sweepMs()).toBe(sweepMs);
  });
});
