import { describe, it } from "vitest";
import { snapshotPolicy, type SnapshotCue } from "../../src/stream/snapshot-policy.ts";
import { marbles } from "../support/marbles.ts";

const cues: Record<string, SnapshotCue> = {
  l: { kind: "learned", count: 1 },
  L: { kind: "learned", count: 8 },
  d: { kind: "drift" },
  c: { kind: "command" },
  j: { kind: "journal" },
  x: { kind: "dropped" },
};
const reasons = { n: "learned", t: "interval", d: "drift", c: "command", j: "journal", s: "stop" };

describe("snapshotPolicy", () => {
  it.each([
    ["-l-l-l--d--l--c-|", "-----n--d-----c-(s|)", 3, 0],
    ["-L---l-l-L|", "-n-------n(s|)", 3, 0],
    ["-l-----------l---|", "-----t---------t-(s|)", 0, 5],
    // A full journal: at once, whatever was learned; again when something was learned or dropped.
    ["-j-l-j-j|", "-j---j--(s|)", 0, 0],
    ["-j-j-x-j|", "-j-----j(s|)", 0, 0],
    ["-l-j-c-j-l-j|", "-n-j-c---n-j(s|)", 1, 0],
    // It stays full: after 30 s, then twice as long each time.
    ["j 29s j 1s j 59s j 1s j 119s j 1s j|", "j 30001ms j 60001ms j 120001ms j(s|)", 0, 0],
  ])("%s", (input, output, snapshotEveryLearned, snapshotEveryMs) => {
    marbles(({ cold, expectObservable }, scheduler) => {
      const out$ = cold(input, cues).pipe(snapshotPolicy({ snapshotEveryLearned, snapshotEveryMs, scheduler }));
      expectObservable(out$).toBe(output, reasons);
    });
  });
});
