import { Subject, takeUntil } from "rxjs";
import { describe, it } from "vitest";
import { ticks } from "../../src/stream/ticks.ts";
import { marbles } from "../support/marbles.ts";

describe("ticks", () => {
  it("follows a period that changes, begins anew then, and not where it stayed the same", () => {
    marbles(({ cold, hot, expectObservable }, scheduler) => {
      let periodMs = 2;
      const changed$ = new Subject<void>();
      // a: another period; s: something else changed; o: none; b: the period as at first.
      const changes: Record<string, number> = { a: 4, s: 4, o: 0, b: 2 };
      cold("-----a--s----o-----b", changes).subscribe((ms) => {
        periodMs = ms;
        changed$.next();
      });
      const out$ = ticks(() => periodMs, changed$, scheduler).pipe(takeUntil(hot("------------------------x")));
      expectObservable(out$).toBe("--0-1----a-----------b-c|", { 0: 0, 1: 1, a: 0, b: 0, c: 1 });
    });
  });
});
