import { afterEach } from "vitest";

/** What a test started, ended after it in reverse, all of it even where one fails. Call once in a test file. */
export function cleanUps(): <T>(started: T, end: (started: T) => Promise<unknown> | void) => T {
  const ends: (() => Promise<unknown> | void)[] = [];
  afterEach(async () => {
    const failures: unknown[] = [];
    for (const end of ends.splice(0).toReversed()) {
      try {
        await end();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  });
  return (started, end) => {
    ends.push(() => end(started));
    return started;
  };
}
