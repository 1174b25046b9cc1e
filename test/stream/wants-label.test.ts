import { describe, expect, it, vi } from "vitest";
import { readStreamState } from "../../src/stream/checkpoint.ts";
import { box, type Box, type BoxOptions } from "../support/box.ts";
import { flush, frame, label, message, testTopics } from "../support/fake-stream.ts";
import { useFakeTime } from "../support/fake-time.ts";

useFakeTime();

/** A frame a second; @returns the seconds at which one asked. */
async function play(b: Box, seconds: number, from = 0): Promise<number[]> {
  const before = b.predictions.length;
  for (let i = from; i < from + seconds; i++) {
    b.send(frame("cam", String(i)));
    await flush();
    await vi.advanceTimersByTimeAsync(1000);
  }
  return b.predictions
    .slice(before)
    .filter(({ message: { wantsLabel } }) => wantsLabel)
    .map(({ message: { frameId } }) => Number(frameId));
}

const asking = (options: BoxOptions = {}): Box => box({ ...options, settings: { asksPerHour: 240 } });

describe("wantsLabel", () => {
  it("asks at once, then as often as the hour's budget has it", async () => {
    const asked = await play(asking(), 180);
    expect(asked[0]).toBe(0);
    expect(asked.length).toBeGreaterThanOrEqual(9);
    expect(asked.length).toBeLessThanOrEqual(13);
  });

  it("never asks with a budget of 0, and takes another one while it runs", async () => {
    const b = box({ settings: { asksPerHour: 0 } });
    expect(await play(b, 20)).toEqual([]);
    b.change({ asksPerHour: 3600 });
    expect((await play(b, 20, 20)).length).toBeGreaterThan(10);
  });

  it("goes on over a restart with what was left of the budget", async () => {
    const b = asking();
    await play(b, 16);
    b.send(message(testTopics.command("snapshot"), "{}"));
    await flush();
    const saved = JSON.parse(JSON.stringify(b.snapshots.at(-1)!.stream)) as unknown;
    b.stop();
    await flush();
    const left = readStreamState(saved)!.asker!.saved;
    expect(left).toBeLessThan(1);
    const restarted = asking({ streamState: saved });
    const asked = await play(restarted, Math.floor((1 - left) * 15) - 1, 100);
    expect(asked).toEqual([]);
    expect(await play(asking(), 1)).toEqual([0]);
  });

  it("does not ask for a frame that was learned", async () => {
    const b = box({ settings: { asksPerHour: 3600 } });
    b.send(frame("cam", "1"));
    await flush();
    b.send(label("cam", "1", "bolt"));
    await flush();
    await vi.advanceTimersByTimeAsync(10_000);
    b.send(frame("cam", "1"));
    await flush();
    expect(b.predictions.map(({ message: { wantsLabel } }) => wantsLabel)).toEqual([true, false]);
  });

  it("is counted in telemetry", async () => {
    const b = asking();
    const asked = await play(b, 30);
    b.stop();
    await flush();
    expect(b.telemetry.at(-1)!.totals).toMatchObject({ predictions: 30, unknown: 0, asked: asked.length });
  });
});
