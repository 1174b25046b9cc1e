import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { openBackbone } from "../../src/app/backbone.ts";
import { createRng } from "../../src/kernel/rng.ts";
import { createLearner } from "../../src/learner/learner.ts";
import { stream } from "../../src/learner/presets.ts";
import type { LearnerState } from "../../src/learner/types.ts";
import { decodeCheckpoint } from "../../src/message/checkpoint.ts";
import type { LearnedMessage } from "../../src/message/learned.ts";
import { cleanUps } from "../support/clean-up.ts";
import { mosquittoBinary, needsMosquitto, startMosquitto } from "../support/mosquitto.ts";
import { type NodeProcess, spawnNode, workplace } from "../support/node.ts";
import { observe, type Observer } from "../support/observer.ts";
import { picture, pictureLabels } from "../support/pictures.ts";
import { type Sender, sender } from "../support/sender.ts";

const started = cleanUps();
const seed = 7;
const labels = 120;
const kills = 6;

const idOf = (i: number): string => `f${i}`;
const labelOf = (i: number): string => pictureLabels[i % pictureLabels.length]!;

it.skipIf(mosquittoBinary === undefined)(
  `a node that is killed again and again learns every acknowledged label exactly once (${needsMosquitto})`,
  async () => {
    const broker = started(await startMosquitto(), (one) => one.remove());
    const place = started(await workplace(), (one) => one.remove());
    const observer = started(await observe(broker.url), (one) => one.end());
    const cameras = started(await sender(broker.url), (one) => one.end());
    // Two checkpoints among the labels: replays start from nothing, then from one.
    const config = place.config({
      mqtt: { url: broker.url },
      snapshot: { everyLearned: 50, publish: false },
      learner: { seed },
    });
    const pictures = await Promise.all(Array.from({ length: labels }, (_, i) => picture(labelOf(i), i)));
    const online = (): number => observer.statuses.filter(({ text }) => text === "online").length;
    const start = async (): Promise<NodeProcess> => {
      const before = online();
      const node = started(await spawnNode(config, place.folder), (one) => one.kill("SIGKILL"));
      await observer.until("the node to be online", () => online() > before);
      return node;
    };

    const rng = createRng(seed);
    let node = await start();
    const acknowledged: number[] = [];
    const publishing = publish(cameras, pictures, observer, acknowledged);
    for (let round = 0; round < kills; round++) {
      // At a moment that chance chose: while labels come in, are written, learned or said.
      const reached = Math.floor((labels * (round + rng.uniform())) / (kills + 1));
      await observer.until(`${reached} labels to be learned`, () => distinct(observer).size >= reached);
      await sleep(rng.int(15));
      await node.kill("SIGKILL");
      node = await start();
      // A camera that keeps its frames sends them again; the node that saw them did not outlive them.
      const known = distinct(observer);
      for (const i of acknowledged) {
        if (!known.has(idOf(i))) await cameras.frame("cam0", idOf(i), pictures[i]!);
      }
    }
    await publishing;
    expect(acknowledged).toHaveLength(labels);
    for (const i of acknowledged) {
      if (!distinct(observer).has(idOf(i))) await cameras.frame("cam0", idOf(i), pictures[i]!);
    }
    await observer.until("all labels to be learned", () => distinct(observer).size === labels);

    expect(observer.said.learned.some(({ message }) => message.replayed)).toBe(true);
    expect(observer.said.rejected).toEqual([]);
    for (let i = 0; i < labels; i++) {
      const learned = observer.said.learned.filter(({ message }) => message.frameId === idOf(i));
      // Said again only from the journal, and then in the same words.
      expect(new Set(learned.map(({ message }) => `${message.label} ${message.poolVersion}`)).size).toBe(1);
      // At least once: what the broker had just taken may come again in the same words.
      const said = learned.filter(({ message }) => !message.replayed).map(({ message }) => JSON.stringify(message));
      expect(new Set(said).size).toBeLessThanOrEqual(1);
      expect(learned[0]!.message.label).toBe(labelOf(i));
    }
    const counts = await observer.until("telemetry of all of them", () => {
      const told = observer.said.telemetry.at(-1)?.message.classCounts ?? {};
      return Object.values(told).reduce((sum, count) => sum + count, 0) >= labels && told;
    });
    expect(counts).toEqual({ bolt: labels / 3, nut: labels / 3, ring: labels / 3 });
    expect(await node.kill("SIGTERM")).toBe(0);

    const after = await newestState(join(place.folder, "state", "checkpoints"));
    expect(after).toEqual(await uncrashed(place.model, batchesOf(observer), pictures));
  },
);

/** Labels and frames, in their order or against it, each when the broker has the one before. */
async function publish(
  cameras: Sender,
  pictures: readonly Uint8Array[],
  observer: Observer,
  acknowledged: number[],
): Promise<void> {
  for (const [i, bytes] of pictures.entries()) {
    // Not too far ahead of the node, else all were sent before the first crash.
    await observer.until(`labels before ${i}`, () => distinct(observer).size > i - 25 || acknowledged.length < i);
    if (i % 2 === 0) await cameras.frame("cam0", idOf(i), bytes);
    await cameras.label("cam0", idOf(i), labelOf(i));
    acknowledged.push(i);
    if (i % 2 === 1) await cameras.frame("cam0", idOf(i), bytes);
  }
}

function distinct({ said }: Observer): ReadonlySet<string> {
  return new Set(said.learned.map(({ message }) => message.frameId));
}

/** The batches that were learned, in order, as `learned` tells them. */
function batchesOf({ said }: Observer): readonly (readonly LearnedMessage[])[] {
  const seen = new Set<string>();
  const batches = new Map<number, LearnedMessage[]>();
  for (const { message } of said.learned) {
    if (seen.has(message.frameId)) continue;
    seen.add(message.frameId);
    batches.set(message.poolVersion, [...(batches.get(message.poolVersion) ?? []), message]);
  }
  return [...batches].toSorted(([a], [b]) => a - b).map(([, batch]) => batch);
}

/** What a learner knows that learned the same batches and never crashed. */
async function uncrashed(
  model: string,
  batches: readonly (readonly LearnedMessage[])[],
  pictures: readonly Uint8Array[],
): Promise<LearnerState> {
  const options = { path: model, engine: "onnx", provider: "cpu", threads: 1, maxImagePixels: 1e6 } as const;
  const { engine, prepare } = await openBackbone({ ...options, head: stream.head.kind });
  started(engine, (one) => one.close());
  const learner = createLearner({ engine, settings: stream, seed });
  for (const batch of batches) {
    const samples = [];
    for (const { frameId, label } of batch) {
      const pixels = await prepare(pictures[Number(frameId.slice(1))]!);
      samples.push({ pixels, query: await learner.query(pixels), label });
    }
    await learner.learn(samples);
  }
  return learner.save();
}

async function newestState(folder: string): Promise<LearnerState> {
  const names = (await readdir(folder)).toSorted();
  return decodeCheckpoint(await readFile(join(folder, names.at(-1)!))).state;
}
