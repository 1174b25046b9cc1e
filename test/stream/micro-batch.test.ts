import { NEVER, type Observable, of, startWith } from "rxjs";
import type { TestScheduler } from "rxjs/testing";
import { describe, it } from "vitest";
import { microBatch, type MicroBatchOptions } from "../../src/stream/micro-batch.ts";
import { marbles } from "../support/marbles.ts";

const options = (scheduler: TestScheduler, of: Partial<MicroBatchOptions> = {}): MicroBatchOptions => ({
  size: 2,
  maxWaitMs: 0,
  open$: NEVER.pipe(startWith(true)),
  stop$: NEVER,
  scheduler,
  ...of,
});

const joined =
  (cold: (marble: string, values: Record<string, string>) => Observable<string>) => (batch: readonly string[]) =>
    cold("---(r|)", { r: batch.join("") });

describe("microBatch", () => {
  it("takes what waits, up to its size, when the last batch is done", () => {
    marbles(({ cold, expectObservable }, scheduler) => {
      const out$ = cold("abcd------|").pipe(microBatch(options(scheduler), joined(cold)));
      expectObservable(out$).toBe("---a--p--d|", { a: "a", p: "bc", d: "d" });
    });
  });

  it("drains at the end", () => {
    marbles(({ cold, expectObservable }, scheduler) => {
      const out$ = cold("(abcd|)").pipe(microBatch(options(scheduler), joined(cold)));
      expectObservable(out$).toBe("---a--p--(d|)", { a: "a", p: "bc", d: "d" });
    });
  });

  it("ends the batch that runs with whoever hears it, also one that followed a batch without delay", () => {
    marbles(({ cold, expectObservable, expectSubscriptions }, scheduler) => {
      const slow = cold("-----r|");
      const project = (batch: readonly string[]): Observable<string> => (batch[0] === "a" ? of("now") : slow);
      const out$ = cold("(abc)").pipe(microBatch(options(scheduler, { size: 1 }), project));
      expectObservable(out$, "^--!").toBe("n", { n: "now" });
      expectSubscriptions(slow.subscriptions).toBe("^--!");
    });
  });

  it("waits for more as long as it is told to", () => {
    marbles(({ cold, expectObservable }, scheduler) => {
      const out$ = cold("a-b--c-----------|").pipe(microBatch(options(scheduler, { maxWaitMs: 5 }), joined(cold)));
      expectObservable(out$).toBe("-----p-------c---|", { p: "ab", c: "c" });
    });
  });

  it("takes nothing while closed, and leaves what waits when it ends closed", () => {
    marbles(({ cold, hot, expectObservable }, scheduler) => {
      const open$ = hot("c---o----c", { c: false, o: true }).pipe(startWith(false));
      const out$ = cold("ab--------x-|").pipe(microBatch(options(scheduler, { open$ }), joined(cold)));
      expectObservable(out$).toBe("-------p----|", { p: "ab" });
    });
  });

  it("finishes its batch and takes no other when stopped", () => {
    marbles(({ cold, hot, expectObservable }, scheduler) => {
      const stop$ = hot("-s");
      const out$ = cold("(abcd|)").pipe(microBatch(options(scheduler, { stop$ }), joined(cold)));
      expectObservable(out$).toBe("---(a|)");
    });
  });
});
