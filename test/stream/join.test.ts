import { asyncScheduler, map, NEVER, of } from "rxjs";
import { describe, expect, it } from "vitest";
import { fakeClock } from "../../src/kernel/clock.ts";
import type { ArrivedLabel } from "../../src/stream/decode.ts";
import { frameWindow, holdFrame } from "../../src/stream/frame-window.ts";
import { join, type JoinOptions } from "../../src/stream/join.ts";
import { labelBook } from "../../src/stream/label-book.ts";
import { labelMemory } from "../../src/stream/label-memory.ts";
import type { ArrivedFrame } from "../../src/stream/outcome.ts";
import { bytesOf } from "../support/fake-stream.ts";
import { marbles } from "../support/marbles.ts";

const settings = {
  labelWindowMs: 20,
  labelWindowFrames: 9,
  labelWindowBytes: 999,
  correctionWindowMs: 9,
  maxLabels: 9,
};
const nothing = (): void => {};

describe("join", () => {
  it("finds a label's frame before it, after it, or never", () => {
    marbles(({ cold, expectObservable }, scheduler) => {
      const clock = { now: () => scheduler.now(), monotonicMs: () => scheduler.now() };
      const window = frameWindow(settings, clock, nothing);
      const book = labelBook(labelMemory({ dedupeFrames: 9 }), clock);
      const options: JoinOptions = {
        window,
        book,
        settings,
        known: () => [],
        lineIsFull: () => false,
        sweepMs: () => 10,
        changed$: NEVER,
        scheduler,
      };
      const frameOf = (frameId: string): ArrivedFrame => {
        const content = { camera: "cam", frameId, bytes: bytesOf(frameId), capturedAt: null };
        const frame = window.add(holdFrame(content, fakeClock(), 1000));
        return { kind: "frame", frame, label: null, topic: "t", receivedAt: 0, arrivedMs: 0, qos: 1, settle: nothing };
      };
      const labelOf = (frameId: string): ArrivedLabel => {
        const key = { camera: "cam", frameId, label: "bolt" };
        return { kind: "label", key, topic: "t", receivedAt: 0, qos: 1, settle: nothing };
      };
      const in$ = cold("F-L--e---G--x-----------------------------|", {
        F: "F",
        L: "F",
        e: "G",
        G: "G",
        x: "never",
      }).pipe(map((id) => (scheduler.frame === 0 || scheduler.frame === 9 ? frameOf(id) : labelOf(id))));
      const out$ = in$.pipe(
        join(options),
        map((joined) => {
          // As `persist` does it, without a disk.
          if (joined.kind === "label") book.secure(joined.item);
          return joined.kind[0];
        }),
      );
      expectObservable(out$).toBe("--l--l---f--l---------------------------e-|");
    });
  });

  it("lets labels whose senders wait stand in a full line, and refuses others", () => {
    const clock = fakeClock();
    const options: JoinOptions = {
      window: frameWindow(settings, clock, nothing),
      book: labelBook(labelMemory({ dedupeFrames: 9 }), clock),
      settings,
      known: () => [],
      lineIsFull: () => true,
      sweepMs: () => 10,
      changed$: NEVER,
      scheduler: asyncScheduler,
    };
    const labelOf = (frameId: string, qos: 0 | 1): ArrivedLabel => {
      const key = { camera: "cam", frameId, label: "bolt" };
      return { kind: "label", key, topic: "t", receivedAt: 0, qos, settle: nothing };
    };
    const seen: string[] = [];
    of(labelOf("a", 1), labelOf("b", 0))
      .pipe(join(options))
      .subscribe((joined) => seen.push(joined.kind === "rejected" ? joined.rejected.code : joined.kind));
    expect(seen).toEqual(["label", "label/overflow"]);
  });
});

describe("label memory", () => {
  const key = { camera: "cam", frameId: "1", label: "bolt" };

  it("knows a label by its frame's bytes, and takes other bytes for another frame", () => {
    const memory = labelMemory({ dedupeFrames: 9 });
    memory.add(key, "aa");
    expect([memory.has(key, "aa"), memory.has(key, null), memory.has(key, "bb")]).toEqual([true, true, false]);
    memory.add(key, "bb");
    expect([memory.has(key, "aa"), memory.has(key, "bb")]).toEqual([false, true]);
  });

  it("tells a correction from a first label", () => {
    const memory = labelMemory({ dedupeFrames: 9 });
    const second = { ...key, label: "nut" };
    memory.add(key, null);
    memory.add(second, "aa");
    expect([memory.isCorrection(key), memory.isCorrection(second)]).toEqual([false, true]);
    memory.remove(key, "aa");
    expect(memory.isCorrection(second)).toBe(false);
  });

  it("is bounded, and comes back from a checkpoint as it was", () => {
    const memory = labelMemory({ dedupeFrames: 3 });
    for (const frameId of ["1", "2", "3", "4"]) memory.add({ ...key, frameId }, frameId);
    expect(memory.has(key, null)).toBe(false);
    const again = labelMemory({ dedupeFrames: 3 }, memory.save());
    expect(again.save()).toEqual(memory.save());
    expect(again.save()).toHaveLength(3);
    again.rename("bolt", "screw");
    expect(again.has({ ...key, frameId: "4", label: "screw" }, "4")).toBe(true);
  });
});

describe("frame window", () => {
  const clock = fakeClock();
  const hold = (frameId: string, bytes = frameId): ReturnType<typeof holdFrame> =>
    holdFrame({ camera: "cam", frameId, bytes: bytesOf(bytes), capturedAt: null }, clock, 100);

  it("lets go by time, count and bytes, and remembers who was here", () => {
    const evicted: string[] = [];
    const bounds = { labelWindowMs: 100, labelWindowFrames: 2, labelWindowBytes: 10, correctionWindowMs: 10 };
    const window = frameWindow(bounds, clock, (reason) => void evicted.push(reason));
    for (const id of ["1", "2", "3"]) window.add(hold(id));
    window.add(hold("4", "ten bytes!"));
    expect([window.frames, window.bytes, window.wasHere("cam", "1"), window.wasHere("cam", "9")]).toEqual([
      1,
      10,
      true,
      false,
    ]);
    window.learned(window.get("cam", "4")!);
    clock.advance(10);
    window.sweep();
    window.add(hold("5"));
    clock.advance(100);
    window.sweep();
    expect([window.frames, window.bytes]).toEqual([0, 0]);
    // Frame 4 was learned: that is no loss.
    expect(evicted).toEqual(["window/count", "window/count", "window/bytes", "window/expired"]);
  });

  it("keeps what it knows of a frame that comes again, and forgets it for other bytes", () => {
    const bounds = { labelWindowMs: 100, labelWindowFrames: 9, labelWindowBytes: 99, correctionWindowMs: 10 };
    const window = frameWindow(bounds, clock, nothing);
    const first = window.add(hold("1"));
    expect(window.add(hold("1"))).toBe(first);
    expect(window.add(hold("1", "other"))).not.toBe(first);
    expect([window.frames, window.bytes]).toEqual([1, 5]);
  });
});
