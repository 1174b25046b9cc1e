import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it, vi } from "vitest";
import { folderRun, type FolderRunOptions } from "../../../src/edge/sources/folder-run.ts";
import type { SourceFrame } from "../../../src/edge/sources/source.ts";
import { cleanUps } from "../../support/clean-up.ts";

const started = cleanUps();

interface Watched {
  readonly folder: string;
  readonly frames: SourceFrame[];
  readonly ended: Promise<void>;
  readonly works: () => number;
  readonly put: (name: string, bytes: Uint8Array | string, second: number) => void;
  readonly until: (count: number) => Promise<string[]>;
  /** Until it was looked at twice more. */
  readonly looked: () => Promise<void>;
}

function watch(before: (folder: string) => void = () => {}, options: Partial<FolderRunOptions> = {}): Watched {
  const folder = mkdtempSync(join(tmpdir(), "l2p-edge-folder-"));
  started(folder, (one) => rmSync(one, { recursive: true, force: true }));
  before(folder);
  const frames: SourceFrame[] = [];
  const stop = new AbortController();
  let works = 0;
  const sink = { frame: (one: SourceFrame) => void frames.push(one), works: () => void works++ };
  const ended = folderRun({ path: folder, everyMs: 10, maxFrameBytes: 100, stalledMs: 30_000, ...options })(
    sink,
    stop.signal,
  );
  ended.catch(() => {});
  started(stop, async (one) => {
    one.abort();
    await ended.catch(() => {});
  });
  return {
    folder,
    frames,
    ended,
    works: () => works,
    put: (name, bytes, second) => put(folder, name, bytes, second),
    async until(count) {
      while (frames.length < count) await sleep(5);
      return frames.map(({ bytes }) => Buffer.from(bytes).toString());
    },
    async looked() {
      const until = works + 2;
      const now = (): number => works;
      while (now() < until) await sleep(5);
    },
  };
}

/** Times are whole seconds of 2020, so that the order is the test's. */
function put(folder: string, name: string, bytes: Uint8Array | string, second: number): void {
  writeFileSync(join(folder, name), bytes);
  utimesSync(join(folder, name), 1_600_000_000, 1_600_000_000 + second);
}

describe("folderRun", () => {
  it("gives the newest picture that is there, and then each that is newer, with its name as the id", async () => {
    const {
      frames,
      put: add,
      until,
    } = watch((folder) => {
      put(folder, "a.jpg", "old", 1);
      put(folder, "b.png", "newest", 2);
    });
    await until(1);
    add("c d.webp", "newer", 3);
    expect(await until(2)).toEqual(["newest", "newer"]);
    expect(frames.map(({ frameId }) => frameId)).toEqual(["b", undefined]); // a blank is in no id
  });

  it("takes a file that was written over for another picture, and one that stays only once", async () => {
    const { put: add, until, looked } = watch((folder) => put(folder, "latest.jpg", "one", 1));
    await until(1);
    await looked();
    add("latest.jpg", "two", 2);
    await until(2);
    await looked();
    expect(await until(2)).toEqual(["one", "two"]);
  });

  it("gives no id to a picture that was written over: a label for the one must not meet the other", async () => {
    const { frames, put: add, until, looked } = watch((folder) => put(folder, "latest.jpg", "one", 1));
    await until(1);
    await looked();
    add("latest.jpg", "two", 2);
    await until(2);
    add("next.jpg", "three", 3);
    await until(3);
    expect(frames.map(({ frameId }) => frameId)).toEqual(["latest", undefined, "next"]);
  });

  it.each([
    ["new files", (n: number) => `${n}.jpg`],
    ["one file that is written over", () => "latest.jpg"],
  ])("keeps up with %s that come faster than it looks", async (_, name) => {
    const { frames, put: add } = watch(() => {}, { everyMs: 100 });
    for (let n = 1; frames.length < 3 && n < 200; n++) {
      add(name(n), `picture ${n}`, n);
      await sleep(60);
    }
    expect(frames.length).toBeGreaterThanOrEqual(3);
  });

  it("keeps nothing of a look in the signal that ends it", async () => {
    const { looked } = watch();
    await looked();
    const any = vi.spyOn(AbortSignal, "any");
    await looked();
    expect(any).not.toHaveBeenCalled();
  });

  it("leaves alone what is no image, hidden, empty, a folder or no file", async () => {
    const {
      frames,
      put: add,
      until,
      looked,
    } = watch((folder) => {
      mkdirSync(join(folder, "sub.jpg"));
      symlinkSync("nowhere", join(folder, "gone.jpg"));
      put(folder, ".part.jpg", "hidden", 8);
      put(folder, "notes.txt", "text", 9);
    });
    await looked();
    expect(frames).toEqual([]);
    add("a.jpeg", "picture", 1);
    expect(await until(1)).toEqual(["picture"]);
  });

  it("refuses a file that is too large, without reading it", async () => {
    const { ended, frames, works } = watch((folder) => put(folder, "a.jpg", new Uint8Array(101), 1));
    await expect(ended).rejects.toMatchObject({ code: "source/too-large" });
    expect(frames).toEqual([]);
    expect(works()).toBe(0); // or its state would change at every try
  });

  it("says so where there is no folder, or too much in it", async () => {
    const gone = watch((folder) => rmSync(folder, { recursive: true }));
    await expect(gone.ended).rejects.toMatchObject({ code: "source/folder" });
    const full = watch((folder) => [1, 2, 3].forEach((i) => put(folder, `${i}.jpg`, "x", i)), { maxFiles: 2 });
    await expect(full.ended).rejects.toMatchObject({ code: "source/folder", message: /has over 2 files/ });
  });
});
