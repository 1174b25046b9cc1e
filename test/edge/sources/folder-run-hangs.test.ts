import { mkdtempSync, rmSync } from "node:fs";
import { opendir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { folderRun } from "../../../src/edge/sources/folder-run.ts";

vi.mock("node:fs/promises", async (original) => {
  const real = await original<typeof import("node:fs/promises")>();
  return { ...real, opendir: vi.fn<typeof real.opendir>(real.opendir) };
});

/** As a network file system whose server is away. */
let answers: () => void;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "l2p-edge-hangs-"));
  const answered = new Promise<never>((_, reject) => (answers = () => reject(new Error("gone"))));
  vi.mocked(opendir)
    .mockClear()
    .mockImplementationOnce(() => answered);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it("a folder that does not answer has stalled, and is not asked again beside that until it answers", async () => {
  const run = folderRun({ path: folder, everyMs: 5, maxFrameBytes: 100, stalledMs: 20 });
  const stop = new AbortController();
  const sink = { frame: vi.fn<() => void>(), works: vi.fn<() => void>(() => stop.abort()) };
  await expect(run(sink, stop.signal)).rejects.toMatchObject({ code: "source/stalled" });
  await expect(run(sink, stop.signal)).rejects.toMatchObject({ code: "source/stalled" });
  expect(opendir).toHaveBeenCalledTimes(1);
  expect(sink.works).not.toHaveBeenCalled();
  answers();
  await run(sink, stop.signal); // until it works
  expect(sink.works).toHaveBeenCalledTimes(1);
});

it("is stopped while its folder does not answer, and gives nothing after it", async () => {
  const stop = new AbortController();
  const sink = { frame: vi.fn<() => void>(), works: vi.fn<() => void>() };
  const ended = folderRun({ path: folder, everyMs: 5, maxFrameBytes: 100, stalledMs: 3_600_000 })(sink, stop.signal);
  await sleep(5);
  stop.abort();
  await ended;
  answers();
  expect(sink.works).not.toHaveBeenCalled();
});
