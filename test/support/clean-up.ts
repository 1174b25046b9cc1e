import { afterEach } from "vitest";

/** What a test started, ended after it in reverse. Call once in a test file. */
export function cleanUps(): <T>(started: T, end: (started: T) => Promise<unknown> | void) => T {
  const ends: (() => Promise<unknown> | void)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).toReversed()) await end();
  });
  return (started, end) => {
    ends.push(() => end(started));
    return started;
  };
}
