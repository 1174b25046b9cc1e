import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, afterAll, describe, expect, it } from "vitest";
import { lockState } from "../../src/edge/state-lock.ts";
import { encodeSnapshot } from "../../src/message/snapshot.ts";
import { runCli } from "../support/cli.ts";
import { type Workplace, workplace } from "../support/node.ts";
import { picture } from "../support/pictures.ts";
import { teacher, type Teacher } from "../support/taught-state.ts";

let place: Workplace;
let taught: Teacher;
let state: string;
let images: { readonly path: string; readonly bytes: Buffer }[];

beforeAll(async () => {
  place = await workplace();
  state = join(place.folder, "state");
  taught = await teacher(place.model);
  await taught.teach();
  await taught.teach();
  await taught.save(state);
  images = await Promise.all(
    ["bolt", "nut", "ring"].map(async (label, i) => {
      const path = join(place.folder, `${label}.png`);
      const bytes = await picture(label, 100 + i);
      await writeFile(path, bytes);
      return { path, bytes };
    }),
  );
  await writeFile(join(place.folder, "broken.png"), images[0]!.bytes.subarray(0, 100));
});

afterAll(async () => {
  await taught.close();
  await place.remove();
});

const linesOf = (text: string): unknown[] =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as unknown);

describe("predict", () => {
  it("says what the learner of the checkpoint would, while a node holds the folder", async () => {
    const lock = await lockState(state);
    const args = ["predict", "--model", place.model, "--state", state, "--json", ...images.map(({ path }) => path)];
    const { status, stdout, stderr } = await runCli(args);
    await lock.release();
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    const lines = linesOf(stdout) as { readonly latencyMs: number; readonly image: string }[];
    expect(lines).toHaveLength(3);
    for (const [i, { latencyMs, ...line }] of lines.entries()) {
      const { path, bytes } = images[i]!;
      expect(line).toEqual({ image: path, ...(await taught.predict(bytes)), modelId: taught.about.modelId });
      expect(latencyMs).toBeGreaterThan(0);
    }
  });

  it("takes everything from a configuration, and an image from standard input", async () => {
    const config = join(place.folder, "config.yaml");
    await writeFile(config, JSON.stringify(place.config()));
    const { status, stdout } = await runCli(["predict", "--config", config, "-"], { input: images[1]!.bytes });
    const { label } = await taught.predict(images[1]!.bytes);
    expect(status).toBe(0);
    expect(stdout).toMatch(new RegExp(`^-: ${label} \\d+\\.\\d %, .*\\(prompts \\d( \\d){3}; \\d+ ms\\)\n$`));
  });

  it("takes a compact snapshot", async () => {
    const file = join(place.folder, "box.safetensors");
    await writeFile(file, encodeSnapshot(taught.learner.saveCompact(), taught.about));
    const { path, bytes } = images[2]!;
    const { status, stdout } = await runCli(["predict", "--model", place.model, "--snapshot", file, "--json", path]);
    const { heads } = await taught.predict(bytes);
    expect(status).toBe(0);
    expect(linesOf(stdout)).toMatchObject([{ heads: { prompted: heads.prompted }, poolVersion: 6 }]);
  });

  it("gives a bad image its coded line and status 1, and predicts the others", async () => {
    const args = ["predict", "--model", place.model, "--state", state];
    const list = [join(place.folder, "broken.png"), images[0]!.path, join(place.folder, "absent.png")];
    const text = await runCli([...args, ...list]);
    expect(text.status).toBe(1);
    expect(text.stdout.split("\n")).toHaveLength(2);
    expect(text.stderr.split("\n").map((line) => line.split(": ")[1])).toEqual([
      "image/damaged",
      "file/unreadable",
      undefined,
    ]);

    const json = await runCli([...args, "--json", ...list]);
    expect(json).toMatchObject({ status: 1, stderr: "" });
    expect(linesOf(json.stdout)).toMatchObject([
      { image: list[0], error: { code: "image/damaged" } },
      { image: list[1], poolVersion: 6 },
      { image: list[2], error: { code: "file/unreadable" } },
    ]);
  });

  it("refuses what was learned on another model", async () => {
    const other = await workplace(2);
    const { status, stderr } = await runCli(["predict", "--model", other.model, "--state", state, images[0]!.path]);
    await other.remove();
    expect(status).toBe(1);
    expect(stderr).toMatch(/^l2p-edge: snapshot\/model-mismatch: /);
  });
});
