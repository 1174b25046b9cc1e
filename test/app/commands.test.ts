import { cp, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { PredictionMessage } from "../../src/message/prediction.ts";
import { cleanUps } from "../support/clean-up.ts";
import { type Config, type Node, startNode, type Workplace, workplace } from "../support/node.ts";
import { observe, type Observer } from "../support/observer.ts";
import { picture } from "../support/pictures.ts";
import { type Sender, sender } from "../support/sender.ts";

const started = cleanUps();

/** A node at its embedded broker, with somebody who sends it commands. */
interface World {
  readonly node: Node;
  readonly observer: Observer;
  readonly cameras: Sender;
  /** @returns the reply's result. @throws Error with the code of a refusal */
  ask(name: string, what?: Readonly<Record<string, unknown>>): Promise<Readonly<Record<string, unknown>>>;
  teach(label: string): Promise<void>;
  /** Its labels, likeliest first, for a picture that it has not learned. */
  predict(label: string): Promise<PredictionMessage>;
}

async function world(place: Workplace, config: Config = {}): Promise<World> {
  const node = started(await startNode(place.config(config)), (one) => one.stop());
  const observer = started(await observe(node.brokerUrl), (one) => one.end());
  const cameras = started(await sender(node.brokerUrl), (one) => one.end());
  await observer.until("the node to be online", () => observer.statuses.at(-1)?.text === "online");
  let count = 0;
  return {
    node,
    observer,
    cameras,
    async ask(name, what = {}) {
      const id = `${name}-${++count}`;
      await cameras.command(name, JSON.stringify({ id, ...what }));
      const { topic, message } = await observer.until(`the reply to ${id}`, () =>
        observer.said.reply.find((reply) => reply.message.id === id),
      );
      expect(topic).toBe(`l2p/box/reply/${name}`);
      if (!message.ok) throw new Error(message.code);
      return message.result ?? {};
    },
    async teach(label) {
      const frameId = `f${++count}`;
      await cameras.frame("cam0", frameId, await picture(label, count));
      await cameras.label("cam0", frameId, label);
      await observer.until(`${label} to be learned`, () =>
        observer.said.learned.find(({ message }) => message.frameId === frameId),
      );
    },
    async predict(label) {
      const frameId = `f${++count}`;
      await cameras.frame("cam0", frameId, await picture(label, count));
      const { message } = await observer.until("a prediction", () =>
        observer.said.prediction.find((one) => one.message.frameId === frameId),
      );
      return message;
    },
  };
}

async function place(): Promise<Workplace> {
  return started(await workplace(), (one) => one.remove());
}

/** What is on disk now, for another node: all that is left when this one is killed. */
async function asKilledNow(here: Workplace, name: string): Promise<Config> {
  const folder = join(here.folder, name);
  for (const part of ["checkpoints", "journal"]) {
    await cp(join(here.folder, "state", part), join(folder, part), { recursive: true });
  }
  await cp(join(here.folder, "state", "settings.json"), join(folder, "settings.json")).catch(() => {});
  return { state: { folder } };
}

function labelsOf({ top }: PredictionMessage): string[] {
  return top.map(([label]) => label).toSorted();
}

describe("commands over the broker", () => {
  it("pause and resume learning; what came meanwhile is learned then", async () => {
    const here = await world(await place());
    const { observer, cameras } = here;
    await here.ask("pause-learning");
    const { frameId } = await here.predict("bolt");
    await cameras.label("cam0", frameId, "bolt");
    const waits = await observer.until("the label to wait", () => {
      const told = observer.said.telemetry.at(-1)?.message;
      return told?.waiting.pending === 1 && told;
    });
    expect(waits).toMatchObject({ paused: true, poolVersion: 0 });
    expect((await here.predict("bolt")).label).toBeNull();
    expect(observer.said.learned).toEqual([]);
    await here.ask("resume-learning");
    const learned = await observer.until("it to be learned", () => observer.said.learned[0]);
    expect(learned.message).toMatchObject({ frameId, label: "bolt" });
  });

  it("rename and forget a label, for good", async () => {
    const here = await place();
    const first = await world(here);
    for (const label of ["bolt", "nut", "ring"]) await first.teach(label);
    await first.ask("rename-label", { from: "bolt", to: "screw" });
    await first.ask("forget-label", { label: "nut" });
    await expect(first.ask("rename-label", { from: "screw", to: "ring" })).rejects.toThrow("learner/label-taken");
    expect(labelsOf(await first.predict("bolt"))).toEqual(["ring", "screw"]);
    await first.node.stop();
    const second = await world(here);
    expect(labelsOf(await second.predict("bolt"))).toEqual(["ring", "screw"]);
    await second.teach("nut");
    expect(labelsOf(await second.predict("nut"))).toEqual(["nut", "ring", "screw"]);
  });

  it("last from their reply on: a node that is killed then is as it said", async () => {
    const here = await place();
    const first = await world(here);
    await first.teach("bolt");
    await first.teach("nut");
    await first.ask("rename-label", { from: "bolt", to: "screw" });
    const renamed = await asKilledNow(here, "renamed");
    await first.ask("forget-label", { label: "nut" });
    const forgotten = await asKilledNow(here, "forgotten");
    await first.ask("pause-learning");
    const paused = await asKilledNow(here, "paused");
    await first.ask("resume-learning");
    const resumed = await asKilledNow(here, "resumed");

    expect(labelsOf(await (await world(here, renamed)).predict("bolt"))).toEqual(["nut", "screw"]);
    expect(labelsOf(await (await world(here, forgotten)).predict("bolt"))).toEqual(["screw"]);
    await (await world(here, resumed)).teach("ring");

    const stays = await world(here, paused);
    const { observer, cameras } = stays;
    const { frameId } = await stays.predict("ring");
    await cameras.label("cam0", frameId, "ring");
    await observer.until("telemetry of a label that waits, and of the pause", () =>
      observer.said.telemetry.some(({ message }) => message.paused && message.waiting.pending === 1),
    );
    expect(stays.node.log.join("")).toContain("learning is paused");
    expect(observer.said.learned).toEqual([]);
    await stays.ask("resume-learning");
    await observer.until("it to be learned", () => observer.said.learned[0]);
  });

  it("set a setting, alive and over a restart; refuse others with what they may be", async () => {
    const here = await place();
    const first = await world(here, { stream: { telemetryMs: 100, learnMaxWaitMs: 0 } });
    const { observer, cameras, node } = first;
    expect(await first.ask("set", { key: "log.level", value: "debug" })).toEqual({
      key: "log.level",
      before: "info",
      after: "debug",
    });
    await first.ask("set", { key: "stream.telemetryMs", value: 150 });
    const told = await observer.until("telemetry of it", () => observer.said.telemetry.at(-1)?.message.box?.settings);
    expect(told).toMatchObject({ "log.level": "debug" });
    // No more than one label an update, from now on.
    await first.ask("set", { key: "stream.learnBatch", value: 1 });
    const frames = [await first.predict("bolt"), await first.predict("nut"), await first.predict("ring")];
    for (const { frameId } of frames) await cameras.label("cam0", frameId, "bolt");
    await observer.until("three updates", () => observer.said.learned.length === 3);
    expect(observer.said.learned.map(({ message }) => message.poolVersion)).toEqual([1, 2, 3]);
    expect(node.log.join("")).toContain("settings: stream.learnBatch: 8 → 1");

    await expect(first.ask("set", { key: "stream.telemetryMs", value: 1 })).rejects.toThrow("settings/invalid");
    await expect(first.ask("set", { key: "mqtt.url", value: "mqtt://x" })).rejects.toThrow("command/not-settable");
    const refusals = observer.said.reply.filter(({ message }) => !message.ok).map(({ message }) => message.detail);
    expect(refusals[0]).toMatch(/^stream.telemetryMs: must be at least 100, is 1/);
    expect(refusals[1]).toMatch(/^mqtt.url is none of them; set takes log.level, .*stream.whenJournalFull$/);
    await expect(first.ask("set", { key: "stream.learnBatch" })).rejects.toThrow("command/bad-arguments");

    const killed = await asKilledNow(here, "killed");
    const second = await world(here, { ...killed, stream: { telemetryMs: 100, learnMaxWaitMs: 0 } });
    expect(second.node.log.join("")).toContain("settings: stream.learnBatch is 1, by the command set");
    expect(await second.ask("set", { key: "stream.learnBatch", value: null })).toEqual({
      key: "stream.learnBatch",
      before: 1,
      after: 8,
    });
  });

  it("are refused with a code when the disk takes no checkpoint", async () => {
    const here = await place();
    const first = await world(here);
    await rm(join(here.folder, "state", "checkpoints"), { recursive: true });
    await expect(first.ask("pause-learning")).rejects.toThrow("command/not-durable");
    await mkdir(join(here.folder, "state", "checkpoints"));
    await first.ask("snapshot");
    expect(await here.checkpoints()).toHaveLength(1);
  });

  it("go back to an earlier checkpoint and to a named one, and stay there over a restart", async () => {
    const here = await place();
    const first = await world(here, { snapshot: { keep: 10 } });
    await first.teach("bolt");
    expect(await first.ask("snapshot")).toEqual({ poolVersion: 1 });
    await first.teach("nut");
    const before = await first.predict("nut");
    await first.ask("snapshot");

    const back = await first.ask("rollback", { steps: 1 });
    expect(back).toMatchObject({ poolVersion: 1 });
    expect(labelsOf(await first.predict("nut"))).toEqual(["bolt"]);
    await first.teach("ring");
    expect(labelsOf(await first.predict("nut"))).toEqual(["bolt", "ring"]);
    await first.node.stop();

    const second = await world(here, { snapshot: { keep: 10 } });
    expect(labelsOf(await second.predict("nut"))).toEqual(["bolt", "ring"]);
    const ofVersion2 = (await here.checkpoints()).find((name) => name.includes("-v2-"))!;
    expect(await second.ask("restore", { checkpoint: ofVersion2 })).toEqual({ checkpoint: ofVersion2, poolVersion: 2 });
    const after = await second.predict("nut");
    expect(labelsOf(after)).toEqual(["bolt", "nut"]);
    expect(after.poolVersion).toBe(before.poolVersion);
  });
});
