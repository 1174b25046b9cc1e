import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { copyFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodeSaved } from "../../src/app/snapshot-file.ts";
import { lockState } from "../../src/edge/state-lock.ts";
import { sha256 } from "../../src/message/snapshot-container.ts";
import { decodeSnapshot, encodeSnapshot } from "../../src/message/snapshot.ts";
import { cleanUps } from "../support/clean-up.ts";
import { runCli } from "../support/cli.ts";
import { mosquittoBinary, needsMosquitto, startMosquitto } from "../support/mosquitto.ts";
import { spawnNode, startNode, type Workplace, workplace } from "../support/node.ts";
import { observe } from "../support/observer.ts";
import { picture } from "../support/pictures.ts";
import { sender } from "../support/sender.ts";
import { type Teacher, teacher } from "../support/taught-state.ts";

const started = cleanUps();
let place: Workplace;
let taught: Teacher;
let state: string;
/** Its checkpoints, oldest first. */
let saved: string[];

beforeAll(async () => {
  place = await workplace();
  state = join(place.folder, "state");
  taught = await teacher(place.model);
  await taught.teach(["bolt", "nut"]);
  const first = await taught.save(state);
  await taught.teach(["ring"]);
  saved = [first, await taught.save(state)];
});

afterAll(async () => {
  await taught.close();
  await place.remove();
});

const inPlace = (name: string): string => join(place.folder, name);
const checkpoint = (index: 0 | 1): string => join(state, "checkpoints", saved[index]!);

async function json(args: readonly string[], input?: Uint8Array): Promise<unknown> {
  const { status, stdout, stderr } = await runCli([...args, "--json"], input === undefined ? {} : { input });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  return JSON.parse(stdout);
}

describe("snapshot show", () => {
  it("tells what a checkpoint says of itself, its labels with counts, and its arrays", async () => {
    const file = await readFile(checkpoint(1));
    const facts = (await json(["snapshot", "show", checkpoint(1)])) as { arrays: { name: string }[] };
    expect(facts).toMatchObject({
      kind: "checkpoint",
      ...taught.about,
      sizeBytes: file.length,
      sha256: sha256(file),
      labels: [
        ["bolt", 2],
        ["nut", 2],
        ["ring", 2],
      ],
    });
    expect(facts.arrays.find(({ name }) => name === "prompts")).toEqual({
      name: "prompts",
      dtype: "F32",
      shape: [10, 5, 12],
      sizeBytes: 4 * 10 * 5 * 12,
    });
  });

  it("tells the same for people", async () => {
    const { status, stdout } = await runCli(["snapshot", "show", checkpoint(1)]);
    expect(status).toBe(0);
    for (const text of ["tiny_random", taught.about.modelId, "bolt 2, nut 2, ring 2", "F32  [10, 5, 12]", "75.0 %"]) {
      expect(stdout).toContain(text);
    }
  });

  it("lets no label reach the terminal with its control characters", async () => {
    const { meta, arrays } = taught.learner.saveCompact();
    const bytes = encodeSnapshot({ meta: { ...meta, labels: ["\u001B[2J", "nut", "ring"] }, arrays }, taught.about);
    const { stdout } = await runCli(["snapshot", "show", "-"], { input: bytes });
    expect(stdout).not.toContain("\u001B");
    expect(stdout).toContain("[2J 2, nut 2");
  });

  it("lists the checkpoints of a state folder, newest first, and says which is damaged", async () => {
    expect(await json(["snapshot", "show", state])).toMatchObject([{ name: saved[1] }, { name: saved[0] }]);
    const copy = inPlace("damaged");
    await mkdir(join(copy, "checkpoints"), { recursive: true });
    await copyFile(checkpoint(0), join(copy, "checkpoints", saved[0]!));
    await writeFile(join(copy, "checkpoints", saved[1]!), (await readFile(checkpoint(1))).subarray(0, 900));
    const { status, stdout, stderr } = await runCli(["snapshot", "show", copy]);
    expect(status).toBe(1);
    expect(stdout).toContain(saved[0]);
    expect(stderr).toMatch(new RegExp(`^${saved[1]}: l2p-edge: snapshot/damaged: `));
    expect(await readdir(join(copy, "checkpoints"))).toHaveLength(2);
  });
});

describe("snapshot export", () => {
  it.each(["fp16", "int8"] as const)(
    "writes the newest checkpoint in %s, as the node would publish it",
    async (precision) => {
      const out = inPlace(`${precision}.safetensors`);
      const lock = await lockState(state);
      const { status, stdout } = await runCli([
        "snapshot",
        "export",
        "--state",
        state,
        "--out",
        out,
        "--precision",
        precision,
      ]);
      await lock.release();
      const bytes = await readFile(out);
      expect(status).toBe(0);
      expect(stdout).toBe(`${out}: ${saved[1]} in ${precision}, ${bytes.length} bytes\n`);
      expect(sha256(bytes)).toBe(sha256(encodeSnapshot(taught.learner.saveCompact(), taught.about, { precision })));
    },
  );

  it("writes to standard output, byte for byte", async () => {
    const { output } = await runCli(["snapshot", "export", "--state", state, "--out", "-"]);
    expect(decodeSnapshot(output).header).toMatchObject(taught.about);
  });

  it("says where it cannot write", async () => {
    const { status, stderr } = await runCli([
      "snapshot",
      "export",
      "--state",
      state,
      "--out",
      inPlace("no/such/folder"),
    ]);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^l2p-edge: file\/unwritable: /);
  });
});

describe("snapshot restore", () => {
  it("puts a snapshot into another box, which predicts by it", async () => {
    const file = inPlace("moved.safetensors");
    await writeFile(file, encodeSnapshot(taught.learner.saveCompact(), taught.about));
    const box = inPlace("other-box");
    const restored = await json(["snapshot", "restore", file, "--state", box, "--model", place.model]);
    expect(restored).toMatchObject({ replacedLabels: 0, waitingLabels: 0 });
    const image = await picture("nut", 50);
    const args = ["predict", "--model", place.model, "--state", box, "-"];
    const { heads } = await taught.predict(image);
    expect(await json(args, image)).toMatchObject({ heads: { prompted: heads.prompted } });
  });

  it("is refused while a node runs, and for another model", async () => {
    const lock = await lockState(state);
    const locked = await runCli(["snapshot", "restore", checkpoint(0), "--state", state]);
    await lock.release();
    expect(locked.status).toBe(1);
    expect(locked.stderr).toMatch(new RegExp(`^l2p-edge: state/locked: .* process ${process.pid}\\. `));

    const other = started(await workplace(2), (one) => one.remove());
    const args = ["snapshot", "restore", checkpoint(0), "--state", inPlace("fresh"), "--model", other.model];
    const foreign = await runCli(args);
    expect(foreign.status).toBe(1);
    expect(foreign.stderr).toMatch(/^l2p-edge: snapshot\/model-mismatch: /);
  });
});

describe("snapshot diff", () => {
  it("tells for people and for programs", async () => {
    const args = ["snapshot", "diff", checkpoint(0), checkpoint(1)];
    expect(await json(args)).toMatchObject({ versions: [2, 3], added: ["ring"], removed: [], renamed: [] });
    const { stdout } = await runCli(args);
    expect(stdout).toContain("version  2 → 3\n+ ring\n");
    expect(stdout).toMatch(/\n {2}keys {9}(\S+ ){9}\S+\n/);
  });
});

const subscriber: string = "mosquitto_sub";
const hasBroker = mosquittoBinary !== undefined && spawnSync(subscriber, ["--help"]).error === undefined;

describe.skipIf(!hasBroker)(`through a real broker (${needsMosquitto}, and mosquitto-clients)`, () => {
  /** As the help says: `mosquitto_sub -C 1 -N -t l2p/box/snapshot > FILE`. */
  async function subscribe(port: number, file: string, more: readonly string[]): Promise<void> {
    const args = ["-p", String(port), "-C", "1", ...more, "-W", "20", "-t", "l2p/box/snapshot"];
    const child = spawn(subscriber, args, { stdio: ["ignore", "pipe", "inherit"] });
    child.stdout.pipe(createWriteStream(file));
    await once(child, "close");
  }

  it("a published snapshot is saved by mosquitto_sub, shown, and restored into a box that then runs on it", async () => {
    const world = started(await workplace(), (one) => one.remove());
    const broker = started(await startMosquitto(), (one) => one.remove());
    const config = world.config({ mqtt: { url: broker.url }, snapshot: { everyLearned: 2 } });
    const node = started(await startNode(config), (one) => one.stop());
    const observer = started(await observe(broker.url), (one) => one.end());
    const cameras = started(await sender(broker.url), (one) => one.end());
    await observer.until("the node to be online", () => observer.statuses.some(({ text }) => text === "online"));
    for (const [i, label] of ["bolt", "nut"].entries()) {
      await cameras.frame("cam", `f${i}`, await picture(label, i));
      await cameras.label("cam", `f${i}`, label);
    }
    await observer.until("a snapshot of both", () => observer.said.manifest.at(-1)?.message.labels.length === 2);

    const [exact, ended] = [join(world.folder, "exact"), join(world.folder, "ended")];
    await subscribe(broker.port, exact, ["-N"]);
    await subscribe(broker.port, ended, []);
    const manifest = observer.said.manifest.at(-1)!.message;
    const { sizeBytes } = manifest;
    expect((await readFile(ended)).length).toBe(sizeBytes + 1);
    for (const file of [exact, ended]) {
      const facts = await json(["snapshot", "show", file]);
      expect(facts).toMatchObject({ kind: "snapshot", node: "box", sizeBytes, sha256: manifest.sha256 });
      expect(facts).toMatchObject({
        labels: [
          ["bolt", 1],
          ["nut", 1],
        ],
      });
    }

    // While the node runs, its state is predicted from and not written to.
    const folder = join(world.folder, "state");
    const image = await picture("nut", 9);
    expect(await json(["predict", "--model", world.model, "--state", folder, "-"], image)).toMatchObject({
      poolVersion: manifest.poolVersion,
    });
    const refused = await runCli(["snapshot", "restore", exact, "--state", folder]);
    expect(refused.stderr).toMatch(/^l2p-edge: state\/locked: /);
    await node.stop();

    const next = join(world.folder, "next");
    await json(["snapshot", "restore", exact, "--state", next, "--model", world.model]);
    const second = { ...world.config({ mqtt: { url: broker.url }, node: { id: "second" } }), state: { folder: next } };
    const box = await spawnNode(second, world.folder);
    started(box, (one) => one.kill("SIGKILL"));
    const watcher = started(await observe(broker.url, "second"), (one) => one.end());
    await watcher.until("the second node", () => watcher.statuses.some(({ text }) => text === "online"));
    const camera = started(await sender(broker.url, 4, "second"), (one) => one.end());
    await camera.frame("cam", "g", image);
    const { message } = await watcher.until("its prediction", () => watcher.said.prediction[0]);
    expect(message.poolVersion).toBe(manifest.poolVersion);
    expect(["bolt", "nut"]).toContain(message.label);
    expect(decodeSaved(await readFile(exact)).about.poolVersion).toBe(message.poolVersion);
  });
});
