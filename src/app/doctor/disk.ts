import { mkdtemp, open, rm, stat, statfs } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { Settings } from "../../settings/types.ts";
import { type Check, type Finding, failed, ok, warning } from "./check.ts";

/** What is asked of the file system; a test answers instead. */
export interface DiskProbes {
  /** Undefined where there is nothing. */
  readonly mode: (path: string) => Promise<{ readonly isFolder: boolean; readonly mode: number } | undefined>;
  readonly freeBytes: (folder: string) => Promise<number>;
  /** The file system's number, of statfs(2). */
  readonly kind: (folder: string) => Promise<number>;
  /** Appends and syncs as the journal does, in a temporary folder inside. @returns how long each took, ms */
  readonly sync: (folder: string) => Promise<readonly number[]>;
}

export function diskProbes(): DiskProbes {
  return {
    mode: async (path) => {
      const found = await stat(path).catch(() => undefined);
      return found && { isFolder: found.isDirectory(), mode: found.mode & 0o777 };
    },
    freeBytes: async (folder) => {
      const { bavail, bsize } = await statfs(folder);
      return bavail * bsize;
    },
    kind: async (folder) => (await statfs(folder)).type,
    sync: syncTimes,
  };
}

export function diskChecks({ state }: Pick<Settings, "state">, probes: DiskProbes): readonly Check[] {
  return [
    { name: "state folder", run: () => folderFinding(state.folder, probes) },
    { name: "disk space", run: () => spaceFinding(state, probes) },
    { name: "disk sync", run: () => syncFinding(state.folder, probes) },
  ];
}

async function folderFinding(folder: string, probes: DiskProbes): Promise<Finding> {
  const found = await probes.mode(folder);
  if (found === undefined) return ok(`${folder}: not there yet, the node creates it`);
  if (!found.isFolder) return failed(`${folder} is no folder`, "Set `state.folder` to another place.");
  const { mode } = found;
  const bits = mode.toString(8).padStart(3, "0");
  if ((mode & 0o077) === 0) return ok(`${folder}, mode ${bits}`);
  return warning(`${folder}, mode ${bits}: others may read frames and labels in it`, `chmod 700 ${folder}`);
}

const mebibyte = 2 ** 20;
/** A few checkpoints of the embedded backbone's learner. */
const leastFreeBytes = 64 * mebibyte;

async function spaceFinding(state: Settings["state"], probes: DiskProbes): Promise<Finding> {
  const free = await probes.freeBytes(await existing(state.folder, probes));
  const detail = `${Math.floor(free / mebibyte)} MiB free`;
  if (free < leastFreeBytes) return failed(detail, "Make room, or set `state.folder` to another disk.");
  if (free < leastFreeBytes + state.journalMaxBytes) {
    const journal = `${Math.ceil(state.journalMaxBytes / mebibyte)} MiB`;
    return warning(detail, `A full journal takes ${journal}: make room, or lower \`state.journalMaxBytes\`.`);
  }
  return ok(detail);
}

/** tmpfs and ramfs, of linux/magic.h. */
const memoryKinds: ReadonlySet<number> = new Set([0x0102_1994, 0x8584_58f6]);
/** Each label waits for one; a good SD card takes 5 to 20. */
const slowSyncMs = 50;

async function syncFinding(folder: string, probes: DiskProbes): Promise<Finding> {
  const place = await existing(folder, probes);
  const times = (await probes.sync(place)).toSorted((a, b) => a - b);
  const median = times[Math.floor(times.length / 2)] ?? 0;
  const detail = `${median.toFixed(1)} ms, at worst ${(times.at(-1) ?? 0).toFixed(1)} ms`;
  if (memoryKinds.has(await probes.kind(place))) {
    return warning(`${place} lies in memory: nothing survives a restart`, "Set `state.folder` to a place on a disk.");
  }
  if (median <= slowSyncMs) return ok(detail);
  return warning(detail, "Labels are acknowledged that slowly one by one: use a faster disk or SD card.");
}

/** The folder, or the nearest above it that is there. */
async function existing(folder: string, probes: DiskProbes): Promise<string> {
  let place = resolve(folder);
  while ((await probes.mode(place)) === undefined && dirname(place) !== place) place = dirname(place);
  return place;
}

const rounds = 9;

async function syncTimes(folder: string): Promise<readonly number[]> {
  const temporary = await mkdtemp(join(folder, ".l2p-edge-doctor-"));
  try {
    const file = await open(join(temporary, "sync"), "w", 0o600);
    try {
      const times: number[] = [];
      for (let round = 0; round < rounds; round++) {
        await file.write(new Uint8Array(4096));
        const startedAt = performance.now();
        await file.datasync();
        times.push(performance.now() - startedAt);
      }
      return times;
    } finally {
      await file.close();
    }
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}
