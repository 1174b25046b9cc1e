import { readFile } from "node:fs/promises";
import { arch, availableParallelism } from "node:os";
import { temperatureC } from "../../edge/machine.ts";
import { type Check, type Finding, failed, ok, warning } from "./check.ts";

/** What is asked of the machine; a test answers instead. */
export interface MachineProbes {
  readonly nodeVersion: string;
  /** Node's name of it: x64, arm64. */
  readonly architecture: string;
  readonly cores: number;
  /** A text file, undefined where there is none. */
  readonly read: (path: string) => Promise<string | undefined>;
  /** The container's memory limit in bytes; 0 or huge where there is none. */
  readonly memoryLimitBytes: number;
  readonly temperatureC: () => Promise<number | null>;
}

export function machineProbes(): MachineProbes {
  return {
    nodeVersion: process.versions.node,
    architecture: arch(),
    cores: availableParallelism(),
    read: (path) => readFile(path, "utf8").catch(() => undefined),
    memoryLimitBytes: process.constrainedMemory(),
    temperatureC: () => temperatureC(),
  };
}

export function machineChecks(probes: MachineProbes): readonly Check[] {
  return [
    { name: "Node", run: async () => nodeFinding(probes.nodeVersion) },
    { name: "processor", run: () => processorFinding(probes) },
    { name: "memory", run: () => memoryFinding(probes) },
    { name: "temperature", run: () => temperatureFinding(probes) },
  ];
}

/** As `engines` in package.json says. */
const oldestNode = [20, 19] as const;

function nodeFinding(version: string): Finding {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const isEnough = major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1]);
  return isEnough ? ok(version) : failed(version, `Install Node ${oldestNode.join(".")} or newer: https://nodejs.org`);
}

interface Unit {
  readonly flag: RegExp;
  readonly means: string;
}

/** Best first, by the names in /proc/cpuinfo. */
const units: Readonly<Record<string, readonly Unit[]>> = {
  x64: [
    { flag: /\bavx512_vnni\b/, means: "AVX-512 with VNNI: the fastest path" },
    { flag: /\bavx512f\b/, means: "AVX-512: the fastest path" },
    { flag: /\bavx2\b/, means: "AVX2: a fast path" },
  ],
  arm64: [
    { flag: /\bi8mm\b/, means: "NEON with i8mm: the fastest path" },
    { flag: /\basimddp\b/, means: "NEON with dot products: a fast path" },
    { flag: /\basimd\b/, means: "NEON: a fast path" },
  ],
};

async function processorFinding({ architecture, cores, read }: MachineProbes): Promise<Finding> {
  const known = units[architecture];
  if (known === undefined) {
    return failed(architecture, "ONNX Runtime comes for x64 and arm64: use such a machine, or `model.engine: tfjs`.");
  }
  const info = await read("/proc/cpuinfo");
  const name = /^(?:model name|Model)\s*:\s*(.+)$/m.exec(info ?? "")?.[1] ?? architecture;
  const where = `${name}, ${cores} ${cores === 1 ? "core" : "cores"}`;
  const flags = /^(?:flags|Features)\s*:\s*(.+)$/m.exec(info ?? "")?.[1];
  if (flags === undefined) return ok(`${where}; its vector units are not told here`);
  const best = known.find(({ flag }) => flag.test(flags));
  if (best === undefined) {
    return warning(`${where}; no AVX2: several times slower`, "It works. For more frames a second, use a newer box.");
  }
  return ok(`${where}; ${best.means}`);
}

const mebibyte = 2 ** 20;
/** A node took 180 to 270 MiB on the embedded backbone and 230 to 340 on ViT-Tiny, as measured in models/README.md. */
const tightMebibytes = 512;
const leastMebibytes = 256;

async function memoryFinding({ read, memoryLimitBytes }: MachineProbes): Promise<Finding> {
  const text = (await read("/proc/meminfo")) ?? "";
  const kibibytes = (key: string): number => Number(new RegExp(`^${key}:\\s*(\\d+) kB`, "m").exec(text)?.[1] ?? NaN);
  const limit = memoryLimitBytes > 0 ? memoryLimitBytes / mebibyte : Infinity;
  const total = Math.min(kibibytes("MemTotal") / 1024, limit);
  const free = Math.min(kibibytes("MemAvailable") / 1024, limit);
  if (Number.isNaN(free)) return ok("not told here");
  const detail = `${Math.round(free)} of ${Math.round(total)} MiB available`;
  if (free < leastMebibytes) return failed(detail, "End other programs, or use a box with more memory.");
  if (free < tightMebibytes)
    return warning(
      detail,
      "Enough for the embedded backbone; a node with ViT-Tiny takes up to 340 MiB, larger ones more.",
    );
  return ok(detail);
}

/** Most processors slow themselves down from about here. */
const hotC = 80;

async function temperatureFinding(probes: MachineProbes): Promise<Finding> {
  const hottest = await probes.temperatureC();
  if (hottest === null) return ok("the machine tells none");
  const detail = `${hottest.toFixed(0)} °C`;
  return hottest < hotC ? ok(detail) : warning(detail, "It will slow itself down: give it air, or fewer frames.");
}
