import { TestScheduler, type RunHelpers } from "rxjs/testing";
import { expect } from "vitest";

/** Runs a marble test in virtual time. */
export function marbles(test: (helpers: RunHelpers, scheduler: TestScheduler) => void): void {
  const scheduler = new TestScheduler((actual, expected) => expect(actual).toEqual(expected));
  scheduler.run((helpers) => test(helpers, scheduler));
}
