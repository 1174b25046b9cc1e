import { describe, expect, it } from "vitest";
import { type CameraOptions, type Picture, playCamera } from "../../src/app/camera-player.ts";
import { topics } from "../../src/message/topic.ts";

const options: Omit<CameraOptions, "publish"> = {
  topics: topics("l2p", "box-1"),
  camera: "camera-1",
  framesPerSecond: 1000,
  labelShare: 1,
  labelDelayMs: 1,
  seed: 1,
};

async function* pictures(count: number): AsyncGenerator<Picture> {
  for (let i = 0; i < count; i++) yield { bytes: Uint8Array.of(i), label: "bolt" };
}

describe("playCamera", () => {
  it("counts frames and labels, and ends when the last label is sent", async () => {
    let labels = 0;
    const publish = async (topic: string): Promise<void> => void (topic.includes("/label/") && (labels += 1));
    expect(await playCamera(pictures(30), { ...options, publish })).toEqual({ frames: 30, labels: 30 });
    expect(labels).toBe(30);
  });

  it("ends the play when a label cannot be sent, however long it would go on", async () => {
    const publish = async (topic: string): Promise<void> => {
      if (topic.includes("/label/")) throw new Error("the broker is gone");
    };
    await expect(playCamera(pictures(Infinity), { ...options, publish })).rejects.toThrow("the broker is gone");
  });
});
