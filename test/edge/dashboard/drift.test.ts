import { expect, it } from "vitest";
import { createModel } from "../../../src/edge/dashboard/model.ts";
import { systemClock } from "../../../src/kernel/clock.ts";

it("a drift is a mark on the curve and a line in the log, with what changed and where", () => {
  const options = { node: "box", model: "tiny", clock: systemClock, teach: false, labelWindowMs: () => 1000 };
  const model = createModel(options);
  const before = model.version("history");
  model.inputs.drift({ watch: "similarity", camera: "belt", before: 0.759, after: 0.673 });
  model.inputs.drift({ watch: "error", camera: null, before: 0.1, after: 0.42 });
  const texts = [
    "Drift at belt: frames look less like what was learned, 0.76 before and 0.67 now",
    "Drift: 10 % of the answers were wrong, now 42 %",
  ];
  expect(model.version("history")).toBeGreaterThan(before);
  const { marks } = model.view("history") as { marks: { kind: string; text: string }[] };
  expect(marks.map(({ kind, text }) => [kind, text])).toEqual(texts.map((text) => ["drift", text]));
  const lines = model.view("events") as { kind: string; text: string }[];
  expect(lines.filter(({ kind }) => kind === "drift").map(({ text }) => text)).toEqual(texts.toReversed());
});
