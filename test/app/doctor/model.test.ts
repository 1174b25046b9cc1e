import { describe, expect, it } from "vitest";
import { runChecks } from "../../../src/app/doctor/check.ts";
import { modelChecks } from "../../../src/app/doctor/model.ts";
import { parseSettings } from "../../../src/settings/load.ts";

describe("the model's check", () => {
  it("proves by profiling where query, prompted and step ran, whatever was asked for", async () => {
    const settings = parseSettings(
      JSON.stringify({ node: { id: "box" }, model: { provider: "auto", threads: 1 } }),
      "test",
      {},
    );
    const found: Record<string, unknown> = {};
    for await (const { name, ...finding } of runChecks(modelChecks(settings))) found[name] = finding;
    expect(found["image decoders"]).toMatchObject({ verdict: "ok" });
    expect(found["model"]).toMatchObject({
      verdict: "ok",
      detail: expect.stringMatching(
        /on (cpu|cuda); query: (CPU|CUDA) ran \d{3} nodes.*; prompted: (CPU|CUDA) ran \d{3} nodes.*; step: (CPU|CUDA) ran \d{3} nodes/,
      ),
    });
  });
});
