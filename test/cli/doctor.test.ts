import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { cleanUps } from "../support/clean-up.ts";
import { runCli } from "../support/cli.ts";
import { freePort } from "../support/mosquitto.ts";
import { type Config, type Workplace, workplace } from "../support/node.ts";

const started = cleanUps();

interface Report {
  readonly ok: boolean;
  readonly checks: readonly {
    readonly name: string;
    readonly verdict: string;
    readonly detail: string;
    readonly advice?: string;
  }[];
}

async function withConfig(more: Config = {}): Promise<{ readonly place: Workplace; readonly file: string }> {
  const place = started(await workplace(), (one) => one.remove());
  const file = join(place.folder, "config.yaml");
  await writeFile(file, JSON.stringify(place.config(more)));
  return { place, file };
}

describe("doctor", () => {
  it("finds this machine fit for a small node, and writes nothing into its folder", async () => {
    const { place, file } = await withConfig();
    const before = await readdir(place.folder);
    const { status, stdout, stderr } = await runCli(["doctor", "--config", file, "--json"], { cwd: place.folder });
    expect(await readdir(place.folder)).toEqual(before);
    const report = JSON.parse(stdout) as Report;
    expect(stderr).toBe("");
    expect(report.checks.filter(({ verdict }) => verdict === "failed")).toEqual([]);
    expect({ status, ok: report.ok }).toEqual({ status: 0, ok: true });
    const model = report.checks.find(({ name }) => name === "model");
    expect(model?.detail).toMatch(
      /^tiny_random, sha256 .* on cpu; query: CPU ran \d+ nodes; prompted: CPU ran \d+ nodes; step: CPU ran \d+ nodes$/,
    );
    const names = ["configuration", "Node", "processor", "memory", "ONNX Runtime", "CUDA", "TensorFlow.js", "model"];
    expect(report.checks.map(({ name }) => name)).toEqual(expect.arrayContaining(names));
  });

  it("says for each failing check what to do, and ends with status 1", async () => {
    const url = `mqtt://127.0.0.1:${await freePort()}`;
    const { place, file } = await withConfig({ mqtt: { url } });
    await writeFile(join(place.model, "model.safetensors"), "cut short");
    const { status, stdout } = await runCli(["doctor", "--config", file]);
    expect(status).toBe(1);
    expect(stdout).toMatch(/^✗ model +model\/hash: .+\n {2}→ .+$/m);
    expect(stdout).toMatch(/^✗ broker +mqtt\/unreachable: .+\n {2}→ .+$/m);
    expect(stdout).toMatch(/^✓ Node +\d+\.\d+/m);
    expect(stdout).toMatch(/\d+ checks: \d+ ✓ {2}\d+ ! {2}2 ✗\n$/);
  });

  it("takes a wrong configuration as one failing check among the others", async () => {
    const { place, file } = await withConfig();
    await writeFile(file, "mqtt:\n  ulr: x\nmodel:\n  threads: many\n");
    const { status, stdout } = await runCli(["doctor", "--config", file, "--json"], { cwd: place.folder });
    const [first, ...others] = (JSON.parse(stdout) as Report).checks;
    expect(status).toBe(1);
    expect(first).toMatchObject({ verdict: "failed", detail: expect.stringContaining("threads") });
    expect(others.length).toBeGreaterThan(10);
  });
});
