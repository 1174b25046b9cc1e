import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCli } from "../support/cli.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "l2p-edge-curves-"));
});
afterAll(() => rm(folder, { recursive: true }));

const stage = (batchSize: number, steps: readonly number[]): string =>
  JSON.stringify({
    recipe: { train: { batchSize } },
    log: steps.map((step) => ({ step, seconds: step, loss: 1 / step, heldOutCosine: 0.1, heldOutNearestMean: 0.05 })),
  });

describe("l2p-edge distil curves", () => {
  it("draws one stage after another, over the views of all", async () => {
    const [first, second, out] = ["first.json", "second.json", "curves.svg"].map((name) => join(folder, name));
    await writeFile(first!, stage(10, [50, 100]));
    await writeFile(second!, stage(20, [50, 100]));
    const { status, stderr } = await runCli(["distil", "curves", first!, second!, "--out", out!]);
    expect([status, stderr]).toEqual([0, ""]);
    const svg = await readFile(out!, "utf8");
    // 100 steps of 10 views, then 100 of 20.
    expect(svg).toContain(">3,000<");
    expect(svg).not.toContain(">3,500<");
    for (const text of ["first", "second", "loss", "nearest class mean"]) expect(svg).toContain(text);
    expect(svg).not.toContain("NaN");
  });

  it("draws trainings that each began anew over the same views", async () => {
    const [one, other, out] = ["one.json", "other.json", "beside.svg"].map((name) => join(folder, name));
    await writeFile(one!, stage(10, [50, 100]));
    await writeFile(other!, stage(10, [50, 200]));
    const { status } = await runCli(["distil", "curves", one!, other!, "--side-by-side", "--out", out!]);
    expect(status).toBe(0);
    const svg = await readFile(out!, "utf8");
    expect(svg).toContain(">2,000<");
    expect(svg).not.toContain(">2,200<");
  });

  it("says which file has no curves", async () => {
    const bad = join(folder, "bad.json");
    await writeFile(bad, "{}");
    const { status, stderr } = await runCli(["distil", "curves", bad, "--out", join(folder, "no.svg")]);
    expect(status).not.toBe(0);
    expect(stderr).toContain("distil/curves");
    expect(stderr).toContain(bad);
  });
});
