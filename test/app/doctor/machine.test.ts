import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { type Finding, runChecks } from "../../../src/app/doctor/check.ts";
import { machineChecks, machineProbes, type MachineProbes } from "../../../src/app/doctor/machine.ts";

const { engines } = JSON.parse(readFileSync(resolve(import.meta.dirname, "../../../package.json"), "utf8")) as {
  engines: { node: string };
};

const files = {
  "/proc/cpuinfo": "model name\t: Some CPU\nflags\t\t: sse avx avx2 avx512f\n",
  "/proc/meminfo": "MemTotal:  8388608 kB\nMemFree: 1 kB\nMemAvailable: 4194304 kB\n",
};
const probes: MachineProbes = {
  nodeVersion: "20.19.0",
  architecture: "x64",
  cores: 4,
  read: async (path) => (files as Readonly<Record<string, string>>)[path],
  memoryLimitBytes: 0,
  temperatureC: async () => 45,
};

async function found(more: Partial<MachineProbes> = {}): Promise<Readonly<Record<string, Finding>>> {
  const findings: Record<string, Finding> = {};
  for await (const { name, ...finding } of runChecks(machineChecks({ ...probes, ...more }))) findings[name] = finding;
  return findings;
}

const cpu =
  (text: string): MachineProbes["read"] =>
  async (path) =>
    path === "/proc/cpuinfo" ? text : undefined;

describe("the machine", () => {
  it("is told when it is good", async () => {
    expect(await found()).toEqual({
      Node: { verdict: "ok", detail: "20.19.0" },
      processor: { verdict: "ok", detail: "Some CPU, 4 cores; AVX-512: the fastest path" },
      memory: { verdict: "ok", detail: "4096 of 8192 MiB available" },
      temperature: { verdict: "ok", detail: "45 °C" },
    });
  });

  it.each(["18.20.0", "20.18.3", "nonsense"])("Node %s is too old", async (nodeVersion) => {
    expect((await found({ nodeVersion })).Node).toMatchObject({
      verdict: "failed",
      advice: expect.stringContaining(`Node ${engines.node.slice(">=".length)} or newer`),
    });
  });

  it.each(["20.20.1", "22.0.0"])("Node %s is not", async (nodeVersion) => {
    expect((await found({ nodeVersion })).Node?.verdict).toBe("ok");
  });

  it.each([
    { architecture: "x64", text: "flags : sse2 avx", verdict: "warning", says: "no AVX2" },
    { architecture: "x64", text: "flags : avx2 fma", verdict: "ok", says: "AVX2" },
    { architecture: "arm64", text: "Features\t: fp asimd", verdict: "ok", says: "NEON" },
    { architecture: "arm64", text: "Features : fp asimd asimddp i8mm", verdict: "ok", says: "i8mm" },
    { architecture: "x64", text: "", verdict: "ok", says: "not told" },
    { architecture: "ia32", text: "flags : avx2", verdict: "failed", says: "ia32" },
  ])("$architecture with '$text': $verdict", async ({ architecture, text, verdict, says }) => {
    const { processor } = await found({ architecture, read: cpu(text) });
    expect(processor).toMatchObject({ verdict, detail: expect.stringContaining(says) });
  });

  it("counts a container's limit as the memory there is", async () => {
    const limited = async (mebibytes: number) => (await found({ memoryLimitBytes: mebibytes * 2 ** 20 })).memory;
    expect(await limited(500)).toMatchObject({ verdict: "warning", detail: "500 of 500 MiB available" });
    expect(await limited(128)).toMatchObject({ verdict: "failed" });
    expect(await limited(2 ** 43)).toMatchObject({ verdict: "ok", detail: "4096 of 8192 MiB available" });
    expect((await found({ read: async () => undefined })).memory).toEqual({ verdict: "ok", detail: "not told here" });
  });

  it("warns of heat, and takes a machine that tells none", async () => {
    expect((await found({ temperatureC: async () => 91 })).temperature).toMatchObject({ verdict: "warning" });
    expect((await found({ temperatureC: async () => null })).temperature).toMatchObject({ verdict: "ok" });
  });

  it("that runs this test can be asked", async () => {
    expect(await found(machineProbes())).toMatchObject({ Node: { verdict: "ok" } });
  });

  it("whose probe throws has a failed check, and the others go on", async () => {
    const findings = await found({ temperatureC: () => Promise.reject(new Error("no sensor")) });
    expect(findings.temperature).toMatchObject({ verdict: "failed", detail: "no sensor" });
    expect(findings.memory?.verdict).toBe("ok");
  });
});
