import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { temperatureC } from "../../src/edge/machine.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "l2p-edge-"));
});
afterEach(() => rm(folder, { recursive: true }));

async function zone(name: string, temp?: string): Promise<void> {
  await mkdir(join(folder, name));
  if (temp !== undefined) await writeFile(join(folder, name, "temp"), temp);
}

describe("the box's temperature", () => {
  it("is the hottest zone's", async () => {
    await zone("thermal_zone0", "41500\n");
    await zone("thermal_zone1", "63000\n");
    await zone("cooling_device0", "99000\n");
    expect(await temperatureC(folder)).toBe(63);
  });

  it("may be below zero", async () => {
    await zone("thermal_zone0", "-12500\n");
    expect(await temperatureC(folder)).toBe(-12.5);
  });

  it("leaves out zones that tell nothing", async () => {
    await zone("thermal_zone0");
    await zone("thermal_zone1", "\n");
    await zone("thermal_zone2", "off\n");
    expect(await temperatureC(folder)).toBeNull();
    await zone("thermal_zone3", "20000\n");
    expect(await temperatureC(folder)).toBe(20);
  });

  it("is null where there are no zones, and never fails on a real box", async () => {
    expect(await temperatureC(join(folder, "none"))).toBeNull();
    const real = await temperatureC();
    expect(real === null || Number.isFinite(real)).toBe(true);
  });
});
