import { describe, expect, test } from "vitest";
import type { SnapshotStore } from "../../src/edge/store.ts";
import { encodeCheckpoint, type Checkpoint } from "../../src/message/checkpoint.ts";
import type { Log } from "../../src/stream/parts.ts";

/** A place that outlives its stores, as a disk does. */
export interface StorePlace {
  open(options: { readonly keep: number; readonly log: Log }): Promise<SnapshotStore>;
  /** Changes one byte of what was saved under this name. */
  damage(name: string): Promise<void>;
}

/** A checkpoint that can be told from others by its version. */
export function checkpointOf(poolVersion: number, createdAt = "2024-05-01T10:00:00.000Z"): Checkpoint {
  return {
    about: {
      modelId: "a".repeat(64),
      modelName: "vit",
      node: "box",
      createdAt,
      poolVersion,
      reason: "learned",
      accuracy: poolVersion / 1000,
    },
    state: { arrays: { keys: { data: Float32Array.of(poolVersion), shape: [1] } }, meta: { v: 1 } },
    stream: { through: poolVersion },
  };
}

export async function saveTo(store: SnapshotStore, checkpoint: Checkpoint): Promise<string> {
  return store.save(encodeCheckpoint(checkpoint), checkpoint.about);
}

/** Remembers what was logged. */
export function recordingLog(): { readonly log: Log; readonly lines: string[] } {
  const lines: string[] = [];
  return { log: (level, message) => void lines.push(`${level}: ${message}`), lines };
}

/** What every store promises, whatever it keeps checkpoints in. */
export function storeContract(name: string, newPlace: () => Promise<StorePlace>): void {
  describe(`store contract: ${name}`, () => {
    const quiet = recordingLog().log;

    test("is empty at first", async () => {
      const store = await (await newPlace()).open({ keep: 3, log: quiet });
      expect(await store.latest()).toBeNull();
      expect(await store.list()).toEqual([]);
    });

    test("gives back what was saved, to a store opened later too", async () => {
      const place = await newPlace();
      const store = await place.open({ keep: 3, log: quiet });
      const saved = checkpointOf(7);
      const savedName = await saveTo(store, saved);
      for (const reader of [store, await place.open({ keep: 3, log: quiet })]) {
        expect(await reader.latest()).toEqual({ name: savedName, checkpoint: saved });
        expect(await reader.read(savedName)).toEqual(saved);
        const sizeBytes = encodeCheckpoint(saved).length;
        expect(await reader.list()).toEqual([{ ...saved.about, name: savedName, sizeBytes }]);
      }
    });

    test("the newest is what was saved last, whatever versions and clocks say", async () => {
      const place = await newPlace();
      const before = await place.open({ keep: 9, log: quiet });
      await saveTo(before, checkpointOf(150, "2024-05-01T10:00:00.000Z"));
      await saveTo(before, checkpointOf(100, "1970-01-01T00:00:05Z"));
      const after = await place.open({ keep: 9, log: quiet });
      expect((await after.latest())?.checkpoint.about.poolVersion).toBe(100);
      await saveTo(after, checkpointOf(3, "1970-01-01T00:00:01Z"));
      const list = await after.list();
      expect(list.map(({ poolVersion }) => poolVersion)).toEqual([3, 100, 150]);
      const names = list.map((entry) => entry.name);
      expect(names.toSorted()).toEqual(names.toReversed());
    });

    test("keeps the newest N", async () => {
      const place = await newPlace();
      const store = await place.open({ keep: 3, log: quiet });
      const first = await saveTo(store, checkpointOf(1));
      for (const version of [2, 3, 4, 5]) await saveTo(store, checkpointOf(version));
      expect((await store.list()).map(({ poolVersion }) => poolVersion)).toEqual([5, 4, 3]);
      await expect(store.read(first)).rejects.toMatchObject({ code: "store/not-found" });
    });

    test("saves at the same time are all saved", async () => {
      const store = await (await newPlace()).open({ keep: 5, log: quiet });
      const names = await Promise.all([1, 2, 3].map((version) => saveTo(store, checkpointOf(version))));
      expect(new Set(names).size).toBe(3);
      expect(await store.list()).toHaveLength(3);
    });

    test("sets a damaged one aside, loudly, and takes the one before", async () => {
      const place = await newPlace();
      const writer = await place.open({ keep: 5, log: quiet });
      const whole = checkpointOf(1);
      await saveTo(writer, whole);
      const damaged = [await saveTo(writer, checkpointOf(2)), await saveTo(writer, checkpointOf(3))];
      for (const each of damaged) await place.damage(each);

      const { log, lines } = recordingLog();
      const store = await place.open({ keep: 5, log });
      await expect(store.read(damaged[0]!)).rejects.toMatchObject({ code: "snapshot/damaged" });
      expect((await store.latest())?.checkpoint).toEqual(whole);
      expect(lines.filter((line) => line.startsWith("error: "))).toHaveLength(2);
      for (const each of damaged) expect(lines.join()).toContain(each);
      expect((await store.list()).map(({ poolVersion }) => poolVersion)).toEqual([1]);
      await expect(store.read(damaged[0]!)).rejects.toMatchObject({ code: "store/not-found" });

      lines.length = 0;
      await saveTo(store, checkpointOf(4));
      expect((await store.latest())?.checkpoint.about.poolVersion).toBe(4);
      expect(lines).toEqual([]);
    });

    test("has nothing to give when all are damaged", async () => {
      const place = await newPlace();
      const store = await place.open({ keep: 5, log: quiet });
      await place.damage(await saveTo(store, checkpointOf(1)));
      expect(await store.latest()).toBeNull();
    });

    test("knows no other names", async () => {
      const store = await (await newPlace()).open({ keep: 3, log: quiet });
      const real = await saveTo(store, checkpointOf(1));
      for (const other of [
        "",
        ".",
        "..",
        "../x",
        "/etc/passwd",
        `../x/${real}`,
        `./${real}`,
        `${real}\0`,
        "__proto__",
      ]) {
        await expect(store.read(other)).rejects.toMatchObject({ code: "store/not-found" });
      }
    });
  });
}
