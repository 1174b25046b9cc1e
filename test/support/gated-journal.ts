import { appError } from "../../src/kernel/errors.ts";
import type { JournalEntry } from "../../src/stream/parts.ts";

export interface GatedJournal {
  append(entries: readonly JournalEntry[]): Promise<void>;
  /** Ends the append that runs: `d` done, `x` a disk that fails, `f` a full journal. */
  readonly end: (letter: string) => void;
}

/** A disk that takes its time: an append ends when the test says so. @param heard Told of each append when it begins. */
export function gatedJournal(heard: (entries: readonly JournalEntry[]) => void): GatedJournal {
  let running: { readonly done: () => void; readonly failed: (error: Error) => void } | null = null;
  return {
    append: (entries) =>
      new Promise((done, failed) => {
        if (running !== null) throw new Error("two appends at once");
        running = { done, failed };
        heard(entries);
      }),
    end(letter) {
      const { done, failed } = running!;
      running = null;
      if (letter === "d") done();
      else failed(letter === "f" ? appError("journal/full", "no room") : appError("journal/io", "the disk failed"));
    },
  };
}
