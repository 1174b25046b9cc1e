import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import * as fc from "fast-check";
import { pack } from "tar-stream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Dataset, type DatasetItem, openDataset } from "../../src/dataset/dataset.ts";
import { isAppError } from "../../src/kernel/errors.ts";
import { needsSharedData, sharedData, sharedPath } from "../support/shared-data.ts";

const tree: Record<string, string> = {
  "train/bolt/2.jpg": "train bolt 2",
  "train/bolt/1.jpg": "train bolt 1",
  "train/bolt/10.JPEG": "train bolt 10",
  "train/nut/a.png": "train nut a",
  "test/nut/b.webp": "test nut b",
  "train/nut/notes.txt": "no image",
  "train/nut/._a.png": "a Mac's shadow",
  "readme.md": "no image",
  "flat.jpg": "has no class",
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "dataset-test-"));
  for (const [name, content] of Object.entries(tree)) {
    await mkdir(dirname(join(folder, "tree", name)), { recursive: true });
    await writeFile(join(folder, "tree", name), content);
  }
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function tar(files: Record<string, string>): Promise<Buffer> {
  const packing = pack();
  for (const [name, content] of Object.entries(files)) packing.entry({ name }, content);
  packing.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of packing as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function write(name: string, bytes: Uint8Array): Promise<string> {
  await writeFile(join(folder, name), bytes);
  return join(folder, name);
}

async function all(dataset: Dataset): Promise<DatasetItem[]> {
  const items: DatasetItem[] = [];
  for await (const item of dataset) items.push(item);
  await dataset.close();
  return items;
}

async function texts(path: string, options?: Parameters<typeof openDataset>[1]): Promise<string[]> {
  return (await all(await openDataset(path, options))).map((item) => Buffer.from(item.bytes).toString());
}

const inOrder = ["test nut b", "train bolt 1", "train bolt 10", "train bolt 2", "train nut a"];

describe.each(["folder", "tar", "tar.gz"])("openDataset of a %s", (kind) => {
  let path: string;
  beforeAll(async () => {
    // The "./" is what `tar -C tree .` writes.
    const bytes = await tar(Object.fromEntries(Object.entries(tree).map(([name, content]) => [`./${name}`, content])));
    if (kind === "folder") path = join(folder, "tree");
    else path = await write(`tree.${kind}`, kind === "tar" ? bytes : gzipSync(bytes));
  });

  test("reads images in the order of their names, labelled by their folder", async () => {
    const dataset = await openDataset(path);
    expect(dataset.labels).toEqual(["bolt", "nut"]);
    expect(dataset.size).toBe(5);
    const items = await all(dataset);
    expect(items.map((item) => Buffer.from(item.bytes).toString())).toEqual(inOrder);
    expect(items[0]).toMatchObject({ label: "nut", name: "test/nut/b.webp" });
  });

  test("reads any image again, in any order", async () => {
    const dataset = await openDataset(path);
    const read = async (i: number): Promise<string> => Buffer.from(await dataset.entries[i]!.read()).toString();
    expect([await read(3), await read(0), await read(3)]).toEqual([inOrder[3], inOrder[0], inOrder[3]]);
    await dataset.close();
  });

  test("iterates again", async () => {
    const dataset = await openDataset(path);
    const names: string[] = [];
    for await (const item of dataset) names.push(item.name);
    for await (const item of dataset) names.push(item.name);
    await dataset.close();
    expect(names.slice(5)).toEqual(names.slice(0, 5));
  });

  test("keeps a split and the first of each class", async () => {
    expect(await texts(path, { split: "train", limitPerClass: 2 })).toEqual([
      "train bolt 1",
      "train bolt 10",
      "train nut a",
    ]);
  });

  test("shuffles by seed", async () => {
    const one = await texts(path, { shuffleSeed: 1 });
    expect(await texts(path, { shuffleSeed: 1 })).toEqual(one);
    expect(one).not.toEqual(inOrder);
    expect(one.toSorted()).toEqual(inOrder);
  });

  test("names the splits where the wanted one is absent", async () => {
    await expect(openDataset(path, { split: "validation" })).rejects.toSatisfy(
      (error) => isAppError(error, "dataset/no-images") && error.message.includes("test, train"),
    );
  });
});

test("a split may be a path", async () => {
  const path = await write("nested.tar", await tar({ "a/train/x/1.jpg": "a", "b/train/x/1.jpg": "b" }));
  expect(await texts(path, { split: "b/train" })).toEqual(["b"]);
  expect(await texts(path, { split: "train" })).toEqual(["a", "b"]);
});

test("paths that climb out, links and absolute paths are left out", async () => {
  const packing = pack();
  packing.entry({ name: "../../x/evil.jpg" }, "evil");
  packing.entry({ name: "x/../../evil.jpg" }, "evil");
  packing.entry({ name: "/x/evil.jpg" }, "evil");
  packing.entry({ name: "x/link.jpg", type: "symlink", linkname: "/etc/passwd" });
  packing.entry({ name: "x/good.jpg" }, "good");
  packing.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of packing as AsyncIterable<Buffer>) chunks.push(chunk);
  expect(await texts(await write("evil.tar", Buffer.concat(chunks)))).toEqual(["good"]);
});

test("links in a folder are not followed", async () => {
  await mkdir(join(folder, "linked/x"), { recursive: true });
  await writeFile(join(folder, "linked/x/good.jpg"), "good");
  await symlink("/etc/hostname", join(folder, "linked/x/bad.jpg"));
  await symlink("/etc", join(folder, "linked/outside"));
  expect(await texts(join(folder, "linked"))).toEqual(["good"]);
});

describe("answers what it cannot read with a code", () => {
  test("no such path", async () => {
    await expect(openDataset(join(folder, "absent"))).rejects.toSatisfy((e) => isAppError(e, "dataset/not-found"));
  });

  test("an empty folder and an empty archive", async () => {
    await mkdir(join(folder, "empty"), { recursive: true });
    await expect(openDataset(join(folder, "empty"))).rejects.toSatisfy((e) => isAppError(e, "dataset/no-images"));
    await expect(openDataset(await write("empty.tar", await tar({})))).rejects.toSatisfy((e) =>
      isAppError(e, "dataset/no-images"),
    );
  });

  test("a cut archive", async () => {
    const bytes = gzipSync(await tar({ "x/1.jpg": "1".repeat(5000), "x/2.jpg": "2".repeat(5000) }), { level: 0 });
    await expect(openDataset(await write("cut.tar.gz", bytes.subarray(0, 8000)))).rejects.toSatisfy((e) =>
      isAppError(e, "dataset/archive"),
    );
    const plain = await tar({ "x/1.jpg": "1".repeat(5000) });
    await expect(openDataset(await write("cut.tar", plain.subarray(0, 3000)))).rejects.toSatisfy((e) =>
      isAppError(e, "dataset/archive"),
    );
  });

  test("any other bytes", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 2000 }), fc.boolean(), async (noise, zipped) => {
        const path = await write("noise.tar", zipped ? gzipSync(noise) : noise);
        const outcome = await openDataset(path).catch((error: unknown) => error);
        expect(isAppError(outcome, "dataset/archive") || isAppError(outcome, "dataset/no-images")).toBe(true);
      }),
      { numRuns: 60 },
    );
  });
});

test.skipIf(!sharedData)(`reads real archives (${needsSharedData})`, async () => {
  const dataset = await openDataset(sharedPath("data", "diverse.tar.gz"), {
    split: "4-waste/test",
    limitPerClass: 2,
  });
  expect(dataset.labels).toEqual(["cardboard", "glass", "metal", "paper", "plastic", "trash"]);
  for (const item of await all(dataset)) {
    // JPEG, PNG or WebP by their first bytes.
    expect(["ffd8ff", "89504e", "524946"]).toContain(Buffer.from(item.bytes.subarray(0, 3)).toString("hex"));
  }
});
