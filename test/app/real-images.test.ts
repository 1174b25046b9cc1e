import { expect, it } from "vitest";
import { openDataset } from "../../src/dataset/dataset.ts";
import type { PredictionMessage } from "../../src/message/prediction.ts";
import { cleanUps } from "../support/clean-up.ts";
import { mosquittoBinary, needsMosquitto, startMosquitto } from "../support/mosquitto.ts";
import { startNode, workplace } from "../support/node.ts";
import { observe } from "../support/observer.ts";
import { sender } from "../support/sender.ts";
import { needsSharedData, sharedData, sharedPath } from "../support/shared-data.ts";

const started = cleanUps();
const perClass = 5;

interface Photo {
  readonly id: string;
  readonly label: string;
  readonly bytes: Uint8Array;
}

/** JPEGs of six kinds of waste, the kinds mixed. */
async function photos(split: "train" | "test", limitPerClass: number): Promise<Photo[]> {
  const path = sharedPath("data", "diverse.tar.gz");
  const dataset = started(
    await openDataset(path, { split: `4-waste/${split}`, limitPerClass, shuffleSeed: 5 }),
    (one) => one.close(),
  );
  const all: Photo[] = [];
  for await (const { bytes, label } of dataset) all.push({ id: `${split}-${all.length}`, label, bytes });
  return all;
}

it.skipIf(mosquittoBinary === undefined || sharedData === undefined)(
  `a node on ViT-Tiny learns real photographs by late labels, once each, and knows them after a restart (${needsMosquitto}; ${needsSharedData})`,
  async () => {
    const { url } = started(await startMosquitto(), (one) => one.remove());
    const place = started(await workplace(), (one) => one.remove());
    const path = sharedPath("models", "vit_tiny_patch16_224", "model.safetensors");
    const config = place.config({ mqtt: { url, version: 5 }, model: { path, provider: "cpu", threads: 0 } });
    const observer = started(await observe(url, "box", 5), (one) => one.end());
    const cameras = started(await sender(url, 5), (one) => one.end());
    const start = async (): Promise<{ stop(): Promise<void> }> => {
      const node = started(await startNode(config), (one) => one.stop());
      await observer.until("the node to be online", () => observer.statuses.at(-1)?.text === "online");
      return node;
    };
    const predict = async ({ id, bytes }: Photo, round: string): Promise<PredictionMessage> => {
      await cameras.frame("line", `${id}-${round}`, bytes);
      const { message } = await observer.until(`a prediction for ${id}`, () =>
        observer.said.prediction.find(({ message }) => message.frameId === `${id}-${round}`),
      );
      return message;
    };

    const node = await start();
    const training = await photos("train", perClass);
    const late = 7;
    for (const [i, photo] of training.entries()) {
      await cameras.frame("line", photo.id, photo.bytes);
      const labelled = training[i - late];
      if (labelled !== undefined) await cameras.label("line", labelled.id, labelled.label);
      // Some say it twice.
      if (labelled !== undefined && i % 5 === 0) await cameras.label("line", labelled.id, labelled.label);
    }
    for (const { id, label } of training.slice(-late)) await cameras.label("line", id, label);
    await observer.until("all of them to be learned", () => observer.said.learned.length === training.length);

    const held = await photos("test", 4);
    const before: PredictionMessage[] = [];
    for (const photo of held) before.push(await predict(photo, "before"));
    const right = held.filter(({ label }, i) => before[i]!.label === label).length;
    console.info(`ViT-Tiny after ${perClass} photographs a class: ${right} of ${held.length} right`);
    // Chance is 4 of 24.
    expect(right).toBeGreaterThan(9);

    await node.stop();
    await observer.until("it to stop", () => observer.statuses.at(-1)?.text === "stopped");
    expect(observer.snapshots.at(-1)!.length).toBeLessThan(36 * 1024);
    await start();
    for (const [i, photo] of held.slice(0, 6).entries()) {
      const { label, top, promptIds, poolVersion } = before[i]!;
      expect(await predict(photo, "after")).toMatchObject({ label, top, promptIds, poolVersion });
    }
    const counts = await observer.until("telemetry", () => observer.said.telemetry.at(-1)?.message.classCounts);
    expect(Object.values(counts)).toEqual(Array.from({ length: 6 }, () => perClass));
    expect(observer.said.rejected).toEqual([]);
    expect(observer.said.learned).toHaveLength(training.length);
  },
  180_000,
);
