import { describe, expect, it } from "vitest";
import { type CameraOptions, type Picture, playCamera } from "../../src/app/camera-player.ts";
import { appError } from "../../src/kernel/errors.ts";
import { topics } from "../../src/message/topic.ts";
import { heapBytes } from "../support/heap.ts";

const bytes = Uint8Array.of(1);
const nowhere = async (): Promise<void> => {};

async function* pictures(count: number, label: string | null = "bolt"): AsyncGenerator<Picture> {
  for (let i = 0; i < count; i++) yield { bytes, label };
}

/** As fast as can be, a label for every frame, at once. */
function options(publish: (topic: string) => Promise<void>, more: Partial<CameraOptions> = {}): CameraOptions {
  const base = { framesPerSecond: 1e9, labelShare: 1, labelDelayMs: 0, seed: 1, publish };
  return { topics: topics("l2p", "box-1"), camera: "camera-1", ...base, ...more };
}

describe("playCamera", () => {
  it("sends each label after its frame, for the share of frames that gets one, and ends when the last is sent", async () => {
    const sent: string[] = [];
    const publish = async (topic: string): Promise<void> => void sent.push(topic);
    const played = await playCamera(pictures(400), options(publish, { labelShare: 0.25, labelDelayMs: 5 }));
    const idsOf = (kind: string): string[] => sent.filter((one) => one.includes(`/${kind}/`)).map((one) => idOf(one));
    expect(played).toEqual({ frames: 400, labels: idsOf("label").length });
    expect(new Set(idsOf("frame")).size).toBe(400);
    expect(Math.abs(played.labels - 100)).toBeLessThan(40);
    const at = (kind: string, id: string): number => sent.findIndex((one) => one.endsWith(`/${kind}/${id}`));
    for (const id of idsOf("label")) expect(at("label", id)).toBeGreaterThan(at("frame", id));
  });

  it("sends no label where nobody knows one", async () => {
    expect(await playCamera(pictures(5, null), options(nowhere))).toEqual({ frames: 5, labels: 0 });
  });

  it("ends at the signal, and sends the labels that were due later at once", async () => {
    const stop = new AbortController();
    const onFrame = (frames: number): void => (frames === 3 ? stop.abort() : undefined);
    const more = { labelDelayMs: 3_600_000, signal: stop.signal, onFrame };
    expect(await playCamera(pictures(100), options(nowhere, more))).toEqual({ frames: 3, labels: 3 });
  });

  it.each(["frame", "label"])("ends with the failure of a %s that cannot be sent", async (kind) => {
    const failure = appError("camera/broker", "gone");
    let sent = 0;
    const publish = async (topic: string): Promise<void> => {
      sent += 1;
      if (sent > 20 && topic.includes(`/${kind}/`)) throw failure;
    };
    // No end of pictures: it is the failure that ends it, and it is told of once.
    await expect(playCamera(pictures(Infinity), options(publish))).rejects.toBe(failure);
    expect(sent).toBeLessThan(30);
  });

  it("forgets labels that were sent", async () => {
    const count = 50_000;
    let before = 0;
    let after = 0;
    const onFrame = (frames: number): void => {
      if (frames === 1000) before = heapBytes();
      if (frames === count) after = heapBytes();
    };
    await playCamera(pictures(count), options(nowhere, { onFrame }));
    expect(after - before).toBeLessThan(20 * count); // a promise for each takes several times that
  });
});

function idOf(topic: string): string {
  return topic.split("/").at(-1)!;
}
