import { afterEach, beforeEach, vi } from "vitest";
import { flush } from "./fake-stream.ts";

/** For a whole test file: time stands still in each test until it is advanced. */
export function useFakeTime(): void {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "Date", "performance"] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });
}

/** What is under way settles, then so many milliseconds pass. */
export async function advance(ms: number): Promise<void> {
  await flush();
  await vi.advanceTimersByTimeAsync(ms);
  await flush();
}
