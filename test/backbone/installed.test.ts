import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, test } from "vitest";
import { findModel, isModelName, userModelsFolder } from "../../src/backbone/installed.ts";
import { loadModel } from "../../src/backbone/model.ts";
import { tinyModel, writeModel } from "../support/tiny-model.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "l2p-installed-"));
});
afterEach(() => rm(folder, { recursive: true }));

it.each([
  [{ XDG_DATA_HOME: "/data", HOME: "/home/me" }, "/data/l2p-edge/models"],
  [{ XDG_DATA_HOME: "", HOME: "/home/me" }, "/home/me/.local/share/l2p-edge/models"],
  [{ XDG_DATA_HOME: "relative", HOME: "/home/me" }, "/home/me/.local/share/l2p-edge/models"],
])("with %j models are installed in %s", (env, expected) => {
  expect(userModelsFolder(env)).toBe(expected);
});

test("a model is found by the name it was installed as", async () => {
  await mkdir(join(folder, "mine"));
  const written = await writeModel(join(folder, "mine"), tinyModel());
  expect({ ...(await loadModel("mine", { modelsFolder: folder })), mappable: undefined }).toEqual(written);
});

test("a path wins over a name", async () => {
  await mkdir(join(folder, "README.md"));
  expect(await findModel("README.md", folder)).toBe("README.md"); // the repository's own, here
  await writeFile(join(folder, "x"), "");
  expect(await findModel("x", folder)).toBe(join(folder, "x"));
});

test.each(["", ".", "..", "../x", "a/b", ".x", "a\0b", "a".repeat(65), "ä"])("%j is no model's name", (name) => {
  expect(isModelName(name)).toBe(false);
});

test("what is neither path nor name is told with the folder that was looked in", async () => {
  await expect(findModel("nothing", folder)).rejects.toMatchObject({
    code: "model/not-found",
    message: expect.stringContaining(folder),
  });
  await expect(findModel("../nothing", folder)).rejects.toMatchObject({ code: "model/not-found" });
  await expect(findModel("no\0thing", folder)).rejects.toMatchObject({ code: "model/not-found" });
});
