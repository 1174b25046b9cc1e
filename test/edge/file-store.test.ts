import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { fileStore } from "../../src/edge/file-store.ts";
import { encodeCheckpoint } from "../../src/message/checkpoint.ts";
import { reforge } from "../message/snapshot-forge.ts";
import { checkpointOf, recordingLog, saveTo, storeContract } from "./store-contract.ts";

const folders: string[] = [];
async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "l2p-store-"));
  folders.push(folder);
  return folder;
}
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

async function damage(path: string): Promise<void> {
  const bytes = await readFile(path);
  bytes[bytes.length - 1]! ^= 1;
  await writeFile(path, bytes);
}

storeContract("file", async () => {
  const folder = await newFolder();
  return {
    open: (options) => fileStore({ folder: join(folder, "state", "deep"), ...options }),
    damage: (name) => damage(join(folder, "state", "deep", name)),
  };
});

describe("the file store", () => {
  test("names files so that people and `ls` read them in order", async () => {
    const folder = await newFolder();
    const store = await fileStore({ folder, keep: 3, log: recordingLog().log });
    await saveTo(store, checkpointOf(340));
    expect(await readdir(folder)).toEqual(["checkpoint-00000001-v340-20240501T100000Z.safetensors"]);
  });

  test("keeps one of the same version that a full journal asked for, again and again", async () => {
    const folder = await newFolder();
    const store = await fileStore({ folder, keep: 3, log: recordingLog().log });
    const save = (version: number, reason: string): Promise<string> => {
      const { about, ...rest } = checkpointOf(version);
      return saveTo(store, { ...rest, about: { ...about, reason } });
    };
    await save(1, "learned");
    await save(2, "learned");
    for (let again = 0; again < 5; again++) await save(2, "journal");
    await save(3, "journal");
    expect((await store.list()).map(({ poolVersion, reason }) => `${poolVersion} ${reason}`)).toEqual([
      "3 journal",
      "2 journal",
      "2 learned",
    ]);
  });

  test("removes what a crash left half written, and never gives it", async () => {
    const folder = await newFolder();
    const before = await fileStore({ folder, keep: 3, log: recordingLog().log });
    const name = await saveTo(before, checkpointOf(1));
    const half = "checkpoint-00000002-v2-20240501T100000Z.safetensors.tmp";
    await writeFile(join(folder, half), encodeCheckpoint(checkpointOf(2)).subarray(0, 50));
    const { log, lines } = recordingLog();
    const after = await fileStore({ folder, keep: 3, log });
    expect((await after.latest())?.name).toBe(name);
    expect(await readdir(folder)).toEqual([name]);
    expect(lines).toEqual([`warn: removed ${half}: a crash ended its writing`]);
  });

  test("keeps damaged files, as many as good ones, and never gives their numbers again", async () => {
    const folder = await newFolder();
    const store = await fileStore({ folder, keep: 2, log: recordingLog().log });
    for (const version of [1, 2, 3]) {
      await damage(join(folder, await saveTo(store, checkpointOf(version))));
      expect(await store.latest()).toBeNull();
    }
    const again = await fileStore({ folder, keep: 2, log: recordingLog().log });
    await saveTo(again, checkpointOf(4));
    expect((await readdir(folder)).map((name) => name.replace(/-\d{8}T.{7}\.safetensors/, "")).toSorted()).toEqual([
      "checkpoint-00000002-v2.corrupt",
      "checkpoint-00000003-v3.corrupt",
      "checkpoint-00000004-v4",
    ]);
  });

  test("leaves alone what a newer program wrote, and takes the one before", async () => {
    const folder = await newFolder();
    const { log, lines } = recordingLog();
    const store = await fileStore({ folder, keep: 3, log });
    const readable = await saveTo(store, checkpointOf(1));
    const newer = reforge(
      encodeCheckpoint(checkpointOf(2)),
      ({ __metadata__ }) => void (__metadata__["version"] = "2"),
    );
    const name = await store.save(newer, checkpointOf(2).about);
    expect((await store.latest())?.name).toBe(readable);
    expect(lines.join()).toContain(name);
    expect(await readdir(folder)).toContain(name);
  });

  test("takes no folder, link or stranger's file for a checkpoint, and removes none", async () => {
    const folder = await newFolder();
    const named = (n: number): string => join(folder, `checkpoint-0000009${n}-v9-20240501T100000Z.safetensors`);
    await mkdir(named(1));
    await writeFile(join(folder, "secret"), encodeCheckpoint(checkpointOf(9)));
    await symlink(join(folder, "secret"), named(2));
    await writeFile(join(folder, "notes.txt"), "mine");
    await writeFile(join(folder, "journal.tmp"), "the journal's");
    const store = await fileStore({ folder, keep: 1, log: recordingLog().log });
    expect(await store.latest()).toBeNull();
    await saveTo(store, checkpointOf(1));
    await saveTo(store, checkpointOf(2));
    expect((await readdir(folder)).toSorted()).toHaveLength(6);
  });

  test("says store/io where the folder cannot be used, and leaves nothing half written", async () => {
    const folder = await newFolder();
    await writeFile(join(folder, "file"), "");
    const log = recordingLog().log;
    await expect(fileStore({ folder: join(folder, "file", "x"), keep: 1, log })).rejects.toMatchObject({
      code: "store/io",
    });

    const gone = join(folder, "gone");
    const store = await fileStore({ folder: gone, keep: 1, log });
    await rm(gone, { recursive: true });
    await expect(saveTo(store, checkpointOf(1))).rejects.toMatchObject({ code: "store/io" });
    await expect(store.latest()).rejects.toMatchObject({ code: "store/io" });

    // The rename fails: a folder has the name.
    await mkdir(join(gone, "checkpoint-00000002-v2-20240501T100000Z.safetensors"), { recursive: true });
    await expect(saveTo(store, checkpointOf(2))).rejects.toMatchObject({ code: "store/io" });
    expect(await readdir(gone)).toHaveLength(1);
    // And it goes on where the folder is back.
    await saveTo(store, checkpointOf(3));
    expect((await store.latest())?.checkpoint.about.poolVersion).toBe(3);
  });
});
