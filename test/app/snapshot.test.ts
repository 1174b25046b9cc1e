import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { PredictionMessage } from "../../src/message/prediction.ts";
import { decodeSnapshot } from "../../src/message/snapshot.ts";
import { sha256 } from "../../src/message/snapshot-container.ts";
import { cleanUps } from "../support/clean-up.ts";
import { type Mosquitto, mosquittoBinary, needsMosquitto, startMosquitto } from "../support/mosquitto.ts";
import { type Config, type Node, spawnNode, startNode, type Workplace, workplace } from "../support/node.ts";
import { observe, type Observer } from "../support/observer.ts";
import { picture, pictureLabels } from "../support/pictures.ts";
import { type Sender, sender } from "../support/sender.ts";

const started = cleanUps();

/** A node of some name, and clients around it. */
interface Box {
  readonly observer: Observer;
  readonly cameras: Sender;
  /** Starts it (again) and waits until it is online. */
  start(config: Config): Promise<Node>;
}

async function box(broker: Mosquitto, name = "box"): Promise<Box> {
  const observer = started(await observe(broker.url, name), (one) => one.end());
  const cameras = started(await sender(broker.url, 4, name), (one) => one.end());
  const online = (): number => observer.statuses.filter(({ text }) => text === "online").length;
  return {
    observer,
    cameras,
    async start(config) {
      const before = online();
      const node = started(await startNode(config), (one) => one.stop());
      await observer.until(`${name} to be online`, () => online() > before);
      return node;
    },
  };
}

async function place(seed = 1): Promise<Workplace> {
  return started(await workplace(seed), (one) => one.remove());
}

async function mosquitto(): Promise<Mosquitto> {
  return started(await startMosquitto(), (one) => one.remove());
}

let frames = 0;

/** Sends labelled pictures of each label, and waits until they are learned. */
async function teach({ cameras, observer }: Box, labels: readonly string[], each = 3): Promise<void> {
  for (let i = 0; i < each * labels.length; i++) {
    const label = labels[i % labels.length]!;
    const frameId = `taught${++frames}`;
    await cameras.frame("cam0", frameId, await picture(label, frames));
    await cameras.label("cam0", frameId, label);
    await observer.until(`${frameId} to be learned`, () =>
      observer.said.learned.find(({ message }) => message.frameId === frameId),
    );
  }
}

/** What it predicts for four pictures that it has not learned. */
async function predictions({ cameras, observer }: Box): Promise<PredictionMessage[]> {
  const result: PredictionMessage[] = [];
  for (const [i, label] of [...pictureLabels, "else"].entries()) {
    const frameId = `asked${++frames}`;
    await cameras.frame("cam0", frameId, await picture(label, 1000 + i));
    const said = await observer.until(`a prediction for ${frameId}`, () =>
      observer.said.prediction.find(({ message }) => message.frameId === frameId),
    );
    result.push(said.message);
  }
  return result;
}

/** What must not change over a restart. */
function kept(all: readonly PredictionMessage[]): unknown {
  return all.map(({ label, top, promptIds, poolVersion }) => ({ label, top, promptIds, poolVersion }));
}

describe.skipIf(mosquittoBinary === undefined)(`what a node leaves behind (${needsMosquitto})`, () => {
  it("goes on after a stop exactly as before", async () => {
    const [broker, here] = [await mosquitto(), await place()];
    const writer = await box(broker);
    const config = here.config({ mqtt: { url: broker.url } });
    const first = await writer.start(config);
    await teach(writer, ["bolt", "nut"]);
    const before = await predictions(writer);
    await first.stop();
    await writer.start(config);
    expect(kept(await predictions(writer))).toEqual(kept(before));
    // And what it had learned is not learned again.
    await writer.cameras.label("cam0", "taught1", "bolt");
    await writer.observer.until(
      "the old label to be known",
      () => writer.observer.said.telemetry.at(-1)?.message.totals.duplicates === 1,
    );
  });

  it("publishes a snapshot from which an empty node predicts as the writer's prompted head", async () => {
    const [broker, here, there] = [await mosquitto(), await place(), await place()];
    const writer = await box(broker, "elder");
    const promptedOnly = { learner: { overrides: { heads: ["prompted"] } } };
    const elder = await writer.start(
      here.config({ node: { id: "elder" }, mqtt: { url: broker.url }, ...promptedOnly }),
    );
    await teach(writer, pictureLabels);
    const expected = await predictions(writer);
    await elder.stop();

    // Whoever comes later finds it, and its manifest says what it is.
    const later = await box(broker, "elder");
    const bytes = await later.observer.until("the retained snapshot", () => later.observer.snapshots[0]);
    const { message } = await later.observer.until("its manifest", () => later.observer.said.manifest[0]);
    expect(message).toMatchObject({ sha256: sha256(bytes), sizeBytes: bytes.length, labels: pictureLabels });
    const { header, state } = decodeSnapshot(bytes);
    expect(header).toMatchObject({ node: "elder", reason: "stop", poolVersion: 9, modelName: "tiny_random" });
    expect(state.meta["labels"]).toEqual(pictureLabels);

    const config = there.config({
      mqtt: { url: broker.url },
      snapshot: { warmStart: "l2p/elder/snapshot" },
      ...promptedOnly,
    });
    const reader = await box(broker);
    await reader.start(config);
    const found = await predictions(reader);
    for (const [i, { label, top, promptIds, poolVersion }] of found.entries()) {
      const wanted = expected[i]!;
      expect({ label, promptIds, poolVersion }).toEqual({
        label: wanted.label,
        promptIds: wanted.promptIds,
        poolVersion: 9,
      });
      // Rounded to fp16 on the way.
      for (const [j, [, probability]] of top.entries()) expect(probability).toBeCloseTo(wanted.top[j]![1], 2);
    }
  });

  it("keeps what it started warm with, even when it is killed at its first label", async () => {
    const [broker, here, there] = [await mosquitto(), await place(), await place()];
    const writer = await box(broker, "elder");
    const elder = await writer.start(here.config({ node: { id: "elder" }, mqtt: { url: broker.url } }));
    await teach(writer, ["bolt", "nut"]);
    await elder.stop();

    const reader = await box(broker);
    const { observer } = reader;
    const config = there.config({ mqtt: { url: broker.url }, snapshot: { warmStart: "l2p/elder/snapshot" } });
    const killed = started(await spawnNode(config, there.folder), (one) => one.kill("SIGKILL"));
    await observer.until("it to be online", () => observer.statuses.at(-1)?.text === "online");
    await teach(reader, ["ring"], 1);
    const before = await predictions(reader);
    await killed.kill("SIGKILL");
    await reader.start(config);
    await observer.until("the replay", () => observer.said.learned.find(({ message }) => message.replayed));
    expect(kept(await predictions(reader))).toEqual(kept(before));
    expect(before[0]!.top.map(([label]) => label).toSorted()).toEqual(["bolt", "nut", "ring"]);
  });

  it("refuses another model's checkpoint and another model's snapshot, in one line", async () => {
    const [broker, here, other, third] = [await mosquitto(), await place(1), await place(2), await place(2)];
    const writer = await box(broker);
    const elder = await writer.start(here.config({ mqtt: { url: broker.url } }));
    await teach(writer, ["bolt"], 1);
    await elder.stop();

    const state = { folder: join(here.folder, "state") };
    const warmStart = "l2p/box/snapshot";
    const faults = [
      other.config({ mqtt: { url: broker.url }, state }),
      third.config({ node: { id: "box3" }, mqtt: { url: broker.url }, snapshot: { warmStart } }),
    ];
    for (const config of faults) {
      const refused = await spawnNode(config, other.folder);
      expect(await refused.exited).toBe(1);
      const lines = refused.stderr().split("\n");
      expect(lines.filter((line) => line.startsWith("l2p-edge:"))).toHaveLength(1);
      expect(lines.at(-2)).toMatch(
        /^l2p-edge: snapshot\/model-mismatch: saved for tiny_random \(\w{12}\), running tiny_random \(\w{12}\)\. Run the model/,
      );
    }
    await writer.observer.until("it to say so", () => writer.observer.statuses.at(-1)?.text === "stopped");
    // Nothing was lost by trying.
    const again = await writer.start(here.config({ mqtt: { url: broker.url } }));
    expect(again.log.join("")).toContain("goes on from version 1 with 1 labels");
  });

  it("uses the checkpoint before a damaged one, and says so aloud; the journal makes up the rest", async () => {
    const [broker, here] = [await mosquitto(), await place()];
    const writer = await box(broker);
    const config = here.config({ mqtt: { url: broker.url } });
    const first = await writer.start(config);
    await teach(writer, ["bolt", "nut"], 1);
    await writer.cameras.command("snapshot", "{}");
    await writer.observer.until("the first checkpoint", () => writer.observer.snapshots[0]);
    await teach(writer, ["ring"], 2);
    const before = await predictions(writer);
    await first.stop();

    const newest = join(here.folder, "state", "checkpoints", (await here.checkpoints()).at(-1)!);
    const bytes = await readFile(newest);
    bytes[bytes.length - 100]! ^= 1;
    await writeFile(newest, bytes);

    const second = await writer.start(config);
    await writer.observer.until(
      "the journal's batches",
      () => writer.observer.said.learned.filter(({ message }) => message.replayed).length === 2,
    );
    expect(kept(await predictions(writer))).toEqual(kept(before));
    const errors = second.log.filter((line) => line.includes('"level":50'));
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatch(/checkpoint \S+ cannot be used; the one before it is/);
    expect((await here.checkpoints()).some((name) => name.endsWith(".corrupt"))).toBe(true);
  });
});
