import { describe, expect, it } from "vitest";
import type { TelemetryMessage } from "../../src/message/telemetry.ts";
import { cleanUps } from "../support/clean-up.ts";
import { mosquittoBinary, needsMosquitto, startMosquitto } from "../support/mosquitto.ts";
import { type Config, startNode, workplace } from "../support/node.ts";
import { observe, type Observer } from "../support/observer.ts";
import { picture, pictureLabels } from "../support/pictures.ts";
import { sender } from "../support/sender.ts";

const started = cleanUps();
const cameraNames = ["cam0", "cam1", "cam2"];
const frames = 200;

interface Flood {
  readonly observer: Observer;
  /** All that was told, from the first to the one that counts everything. */
  readonly telemetry: readonly TelemetryMessage[];
}

/** Frames of three cameras as fast as they go, each with a label, all with QoS 1; ends when each label has. */
async function flood(stream: Config[string]): Promise<Flood> {
  const { url } = started(await startMosquitto(), (one) => one.remove());
  const place = started(await workplace(), (one) => one.remove());
  const observer = started(await observe(url), (one) => one.end());
  const cameras = started(await sender(url), (one) => one.end());
  const config = place.config({ mqtt: { url }, stream: { telemetryMs: 100, ...stream } });
  started(await startNode(config), (one) => one.stop());
  await observer.until("the node to be online", () => observer.statuses.at(-1)?.text === "online");

  const labels = Array.from({ length: frames }, (_, i) => pictureLabels[i % 3]!);
  const pictures = await Promise.all(labels.map((label, i) => picture(label, i)));
  await Promise.all(
    pictures.flatMap((bytes, i) => [
      cameras.frame(cameraNames[i % 3]!, `f${i}`, bytes),
      cameras.label(cameraNames[i % 3]!, `f${i}`, labels[i]!),
    ]),
  );
  await observer.until("every label to be learned or rejected", () => ended(observer).size === frames);
  const last = await observer.until("telemetry of all of it", () => {
    const told = observer.said.telemetry.at(-1)?.message;
    return told !== undefined && counted(told) === frames && answered(told) === frames && told;
  });
  const all = observer.said.telemetry.map(({ message }) => message);
  return { observer, telemetry: all.slice(0, all.indexOf(last) + 1) };
}

/** Frames predicted or replaced by newer ones. */
function counted({ totals, drops }: TelemetryMessage): number {
  return totals.predictions + (drops["mailbox/replaced"] ?? 0);
}

/** Labels learned or rejected. */
function answered({ totals, rejected }: TelemetryMessage): number {
  return totals.learned + Object.values(rejected).reduce((a, b) => a + b, 0);
}

function ended({ said }: Observer): Set<string | undefined> {
  return new Set([...said.learned, ...said.rejected].map(({ message }) => message.frameId));
}

describe.skipIf(mosquittoBinary === undefined)(`frames faster than they can be predicted (${needsMosquitto})`, () => {
  it("are predicted newest first, dropped by count, and all learned by their labels", async () => {
    const { observer, telemetry } = await flood({});
    const last = telemetry.at(-1)!;
    expect(last.rejected).toEqual({});
    expect(last.totals).toMatchObject({ frames, learned: frames, duplicates: 0 });
    expect(last.rejected).toEqual({});
    expect(Object.values(last.classCounts).reduce((a, b) => a + b, 0)).toBe(frames);
    for (const [i, camera] of cameraNames.entries()) {
      const newest = `f${frames - 1 - ((frames - 1 - i) % 3)}`;
      const ofCamera = observer.said.prediction.filter((one) => one.camera === camera);
      const ids = ofCamera.map(({ message }) => Number(message.frameId.slice(1)));
      expect(`f${ids.at(-1)}`).toBe(newest);
      expect(ids).toEqual(ids.toSorted((a, b) => a - b));
    }
    // What was predicted before it was learned counts as such; the others were learned all the same.
    expect(last.accuracy.samples).toBe(frames);
  });

  it("stay within tight bounds, and every label is answered", async () => {
    const bounds = {
      labelWindowFrames: 30,
      maxPendingLabels: 10,
      journalWaitMs: 50,
      journalRetryMs: 10,
      labelWindowMs: 3000,
    };
    const { observer, telemetry } = await flood(bounds);
    for (const { waiting } of telemetry) {
      expect(waiting.windowFrames).toBeLessThanOrEqual(bounds.labelWindowFrames);
      expect(waiting.pending).toBeLessThanOrEqual(bounds.maxPendingLabels + 256);
    }
    const codes = new Set(observer.said.rejected.map(({ message }) => message.code));
    for (const code of codes) expect(["label/overflow", "label/late", "label/unknown-frame"]).toContain(code);
    const learned = new Set(observer.said.learned.map(({ message }) => message.frameId));
    const refused = observer.said.rejected.map(({ message }) => message.frameId!);
    expect(refused.filter((id) => learned.has(id))).toEqual([]);
    expect(learned.size + new Set(refused).size).toBe(frames);
    const counts = Object.values(telemetry.at(-1)!.classCounts).reduce((a, b) => a + b, 0);
    expect(counts).toBe(learned.size);
  });
});
