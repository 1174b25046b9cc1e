import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { encodeEntry, openSegment } from "../../src/edge/queue-segment.ts";

/** The process ends at the step that `left` counts down to; what it was doing is half done. */
const { death, steps } = vi.hoisted(() => ({ death: { left: Infinity }, steps: [] as string[] }));

vi.mock("node:fs", async (importOriginal) => {
  const fs = await importOriginal<typeof import("node:fs")>();
  /** A write that dies has emptied the file, as opening it for writing does. */
  const halfDone: Readonly<Record<string, (...args: never[]) => void>> = {
    writeFileSync: (path: string | number) =>
      typeof path === "number" ? fs.ftruncateSync(path) : fs.writeFileSync(path, ""),
    openSync: fs.openSync,
  };
  const wrapped = (name: keyof typeof fs): unknown => {
    const real = fs[name] as (...args: never[]) => unknown;
    return (...args: never[]) => {
      if (death.left <= 0) throw new Error("dead");
      steps.push(name);
      death.left -= 1;
      if (death.left > 0) return real(...args);
      halfDone[name]?.(...args);
      throw new Error("dead");
    };
  };
  const names = [
    "writeFileSync",
    "writeSync",
    "openSync",
    "fsyncSync",
    "truncateSync",
    "ftruncateSync",
    "renameSync",
    "linkSync",
    "copyFileSync",
    "rmSync",
  ] as const;
  return { ...fs, ...Object.fromEntries(names.map((name) => [name, wrapped(name)])) };
});

const real = await vi.importActual<typeof import("node:fs")>("node:fs");
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "l2p-segment-"));
});
afterEach(() => {
  death.left = Infinity;
  rmSync(folder, { recursive: true, force: true });
});

const entryOf = (n: number): Buffer => encodeEntry({ n, topic: "t", payload: Buffer.from(`payload ${n}`) });
const good = Buffer.concat([entryOf(1), entryOf(2)]);
const broken = entryOf(3);
broken[20]! ^= 1;

describe.each([
  ["an unfinished append", Buffer.concat([good, entryOf(3).subarray(0, -1)]), false],
  ["damage in the midst", Buffer.concat([good, broken, entryOf(4)]), true],
])("mending %s", (_, bytes, isKeptAside) => {
  it("keeps what is good, wherever the process is killed meanwhile", () => {
    let killedAt = 1;
    for (; ; killedAt++) {
      const path = join(folder, "0000000000.log");
      real.writeFileSync(path, bytes);
      real.rmSync(`${path}.corrupt`, { force: true });
      steps.splice(0);
      death.left = killedAt;
      try {
        openSegment(folder, 0, () => {}).close();
      } catch {
        // killed
      }
      const wasKilled = death.left <= 0;
      death.left = Infinity;
      const segment = openSegment(folder, 0, () => {});
      expect(segment.read().records.map(({ entry }) => ("n" in entry ? entry.n : undefined))).toEqual([1, 2]);
      segment.close();
      expect(readFileSync(path)).toEqual(good);
      const aside = existsSync(`${path}.corrupt`) ? readFileSync(`${path}.corrupt`) : undefined;
      expect(aside).toEqual(isKeptAside ? bytes : undefined);
      expect(existsSync(`${path}.tmp`)).toBe(false);
      if (!wasKilled) break;
    }
    expect(killedAt).toBeGreaterThan(3);
    // Lasts through a power cut, too: on the disk before it takes the damaged one's place.
    expect(steps.slice(0, steps.indexOf("renameSync"))).toContain("fsyncSync");
  });
});
