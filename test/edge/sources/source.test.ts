import { describe, expect, it } from "vitest";
import { keepRunning, type Source, type SourceOptions, type SourceRun } from "../../../src/edge/sources/source.ts";
import { fakeClock } from "../../../src/kernel/clock.ts";
import { appError } from "../../../src/kernel/errors.ts";
import { cleanUps } from "../../support/clean-up.ts";

const started = cleanUps();
const frame = { bytes: Uint8Array.of(1) };

interface Kept {
  readonly source: Source;
  readonly states: string[];
  readonly frames: number[];
  readonly until: (state: string) => Promise<void>;
}

function keep(run: SourceRun, options: Partial<SourceOptions> = {}): Kept {
  const states: string[] = [];
  const frames: number[] = [];
  let news = (): void => {};
  const source = keepRunning(run, {
    onFrame: ({ bytes }) => void frames.push(bytes[0]!),
    onState: (state) => {
      states.push(state.kind === "failing" ? state.fault.code : state.kind);
      news();
    },
    delayMs: () => 1,
    steadyMs: 1000,
    ...options,
  });
  started(source, (one) => one.close());
  const until = async (state: string): Promise<void> => {
    while (!states.includes(state)) await new Promise<void>((resolve) => (news = resolve));
  };
  return { source, states, frames, until };
}

/** Waits for the stop. */
const hang = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));

describe("keepRunning", () => {
  it("tries again until it works, and tells each kind of fault once", async () => {
    let tries = 0;
    const { source, states, frames, until } = keep(async (sink, signal) => {
      tries += 1;
      if (tries <= 3) throw appError("source/failed", "refused");
      if (tries <= 5) throw appError("source/stalled", "no picture");
      sink.frame(frame);
      sink.frame(frame);
      await hang(signal);
    });
    await until("running");
    expect(states).toEqual(["source/failed", "source/stalled", "running"]);
    expect(frames).toEqual([1, 1]);
    expect(source.stats()).toMatchObject({ state: { kind: "running" }, frames: 2, restarts: 5 });
    await source.close();
    expect(source.stats().state).toEqual({ kind: "closed" });
  });

  it("waits longer after each fault, and short again after it worked for long", async () => {
    const clock = fakeClock();
    const attempts: number[] = [];
    const workedMs = [0, 0, 0, 2000, 0];
    const { until } = keep(
      async (sink) => {
        const ms = workedMs.shift();
        if (ms === undefined) return;
        sink.works();
        clock.advance(ms);
        throw appError("source/ended", "it ended");
      },
      { clock, delayMs: (attempt) => attempts.push(attempt) },
    );
    await until("ended");
    expect(attempts).toEqual([0, 1, 2, 0, 1]);
  });

  it("ends with a source that ends", async () => {
    const { source, states, until } = keep(async (sink) => sink.frame(frame));
    await until("ended");
    expect(states).toEqual(["running", "ended"]);
    expect(source.stats()).toMatchObject({ frames: 1, restarts: 0 });
  });

  it("takes what is no coded fault for one", async () => {
    const { source, until } = keep(async () => {
      throw new Error("a bug");
    });
    await until("source/failed");
    expect(source.stats().state).toMatchObject({ fault: { message: "Error: a bug" } });
  });

  it("waits at the end only so long for what hangs", async () => {
    const { source } = keep(() => new Promise(() => {}), { closeMs: 10 });
    await source.close();
    await source.close();
    expect(source.stats()).toMatchObject({ state: { kind: "starting" } });
  });

  it("closes while it waits, and gives no frame after it", async () => {
    let late = (): void => {};
    const { source, frames, until } = keep(
      async (sink) => {
        late = () => sink.frame(frame);
        throw appError("source/failed", "refused");
      },
      { delayMs: () => 3_600_000 },
    );
    await until("source/failed");
    await source.close();
    await source.close();
    late();
    expect(frames).toEqual([]);
    expect(source.stats()).toMatchObject({ state: { kind: "closed" }, restarts: 0 });
  });
});
