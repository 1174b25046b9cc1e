import { VirtualTimeScheduler } from "rxjs";
import { describe, expect, it } from "vitest";
import { fakeClock } from "../../src/kernel/clock.ts";
import { isAppError } from "../../src/kernel/errors.ts";
import { journalWriter, type JournalLane, type JournalWriter } from "../../src/stream/journal-writer.ts";
import type { JournalEntry } from "../../src/stream/parts.ts";
import { asyncMarbles, type Picture } from "../support/async-marbles.ts";
import { gatedJournal } from "../support/gated-journal.ts";

/** Letters l m n are labels, f g h frames, others batches. */
function laneOf(letter: string): JournalLane {
  return "lmn".includes(letter) ? "label" : "fgh".includes(letter) ? "frame" : "batch";
}

function entryOf(letter: string): JournalEntry {
  const key = { camera: "cam", frameId: letter, label: "bolt" };
  switch (laneOf(letter)) {
    case "label":
      return { kind: "label", ...key, receivedAt: 0 };
    case "frame":
      return { kind: "frame", camera: "cam", frameId: letter, frame: new Uint8Array(1) };
    case "batch":
      return { kind: "dropped", ...key, code: "label/late" };
  }
}

interface Stage {
  readonly writer: JournalWriter;
  readonly codes: string[];
  /**
   * `disk` ends the append that runs: `d` done, `x` failed, `f` full. `time`: `t` lets the retry come, `w` first lets
   * `journalWaitMs` pass, `c` closes the writer. Heard: `tried` (what each append holds), `written`, `failed`, `closed`, `asked` for room.
   */
  readonly play: (appended: string, disk: string, time?: string) => Promise<Picture>;
}

function stage(
  whenJournalFull: "hold" | "reject" = "reject",
  hasRoom = (): boolean => true,
  { isPaused = false, log = (): void => {} } = {},
): Stage {
  const { hear, play } = asyncMarbles();
  const clock = fakeClock();
  const scheduler = new VirtualTimeScheduler();
  const journal = gatedJournal((entries) => {
    for (const entry of entries) hear("tried", "frameId" in entry ? entry.frameId : "?");
  });
  const writer = journalWriter({
    journal,
    settings: { whenJournalFull, journalWaitMs: 1000, journalRetryMs: 10 },
    clock,
    scheduler,
    hasRoom,
    isPaused: () => isPaused,
    needsRoom: () => hear("asked", "r"),
    log,
  });
  const codes: string[] = [];

  function append(letter: string): void {
    writer.append([entryOf(letter)], laneOf(letter)).then(
      (end) => hear(end, letter),
      (error: unknown) => {
        codes.push(isAppError(error) ? error.code : "a bug");
        hear("failed", letter);
      },
    );
  }

  function pass(letter: string): void {
    if (letter === "c") return writer.close();
    clock.advance(letter === "w" ? 1000 : 10);
    scheduler.flush();
  }

  return {
    writer,
    codes,
    play: (appended, disk, time = "") =>
      play({ append: [appended, append], disk: [disk, (letter) => journal.end(letter)], time: [time, pass] }),
  };
}

describe("journal writer", () => {
  it("writes one append at a time, and shares the next among those that waited", async () => {
    expect(await stage().play("lmn------", "---d--d--")).toEqual({
      tried: "l--(mn)-----",
      written: "---l--(mn)--",
    });
  });

  it("takes batches first, then frames, then labels, each lane in its order", async () => {
    expect(await stage().play("lmfgbc---------", "------d--d--d--d")).toEqual({
      tried: "l-----(bc)--(fg)--m---",
      written: "------l--(bc)--(fg)--m",
    });
  });

  it("writes one by one what does not fit together, up to the first that does not", async () => {
    // m n together: full; m alone: done; n alone: full, and tried again later.
    expect(await stage().play("lmn---------", "---d-f-d-f-d", "----------t-")).toMatchObject({
      tried: "l--(mn)-m-n--n-",
      written: "---l-----m-n",
    });
  });

  it("asks for room at each failure, and tries again after a while", async () => {
    expect(await stage().play("l-------", "--x--d--", "---t----")).toEqual({
      tried: "l--l----",
      asked: "--r-----",
      written: "-----l--",
    });
  });

  it("lets a label fail that found no room for journalWaitMs; the next has its own time", async () => {
    const { play, codes } = stage();
    expect(await play("l----m-----", "--f---f-f-d", "----w----t-")).toMatchObject({
      tried: "l---l-m--m-",
      failed: "------l----",
      written: "----------m",
    });
    expect(codes).toEqual(["journal/full"]);
  });

  it("holds a label without end where told to", async () => {
    const { play, codes, writer } = stage("hold");
    await play("l-------", "-f-f-f--", "--w-w-w-");
    expect([codes, writer.waiting]).toEqual([[], 1]);
    expect(await play("-", "d")).toMatchObject({ written: "l" });
  });

  it("holds no label that waits to be learned while learning is paused: the command that ends it would wait behind", async () => {
    for (const [isPaused, codes] of [
      [true, ["label/overflow", "label/overflow"]],
      [false, []],
    ] as const) {
      const held = stage("hold", () => false, { isPaused });
      await held.play("lm-----", "", "--w-w-w");
      expect(held.codes).toEqual(codes);
    }
    // For room on the disk it still waits.
    const full = stage("hold", () => true, { isPaused: true });
    await full.play("l-------", "-f-f-f--", "--w-w-w-");
    expect(full.codes).toEqual([]);
  });

  it("says once that the journal takes nothing, until it takes something again", async () => {
    let lines = 0;
    const { play } = stage("hold", () => true, { log: () => (lines += 1) });
    await play("l-------m----", "-f-f-f-d--f-f", "--t-t-t----t-");
    expect(lines).toBe(2);
  });

  it("never lets a batch fail", async () => {
    const { play, codes } = stage();
    expect(await play("b-------", "-f-f-x-d", "--w-w-w-")).toMatchObject({ tried: "b-b-b-b-", written: "-------b" });
    expect(codes).toEqual([]);
  });

  it("tries what failed again at once when a batch comes: it may have made room", async () => {
    expect(await stage().play("l--b-----", "-f---d-d-")).toMatchObject({ tried: "l--b-l---", written: "-----b-l-" });
  });

  it("lets batches and frames pass a label that waits for room to be learned", async () => {
    let room = false;
    const { play, codes } = stage("reject", () => room);
    expect(await play("-l-fb----", "----d-d--")).toEqual({ tried: "---fb----", written: "----f-b--" });
    room = true;
    expect(await play("---", "--d", "-t-")).toEqual({ tried: "-l-", written: "--l" });
    expect(codes).toEqual([]);
  });

  it("refuses it with a code of its own when there is none for long", async () => {
    const { play, codes } = stage("reject", () => false);
    expect(await play("l---", "----", "-w--")).toMatchObject({ failed: "-l--" });
    expect(codes).toEqual(["label/overflow"]);
  });

  it("knows nothing of what a stop found in line, and takes nothing after it", async () => {
    const { play, writer } = stage();
    expect(await play("lm-b-", "-----", "--c--")).toEqual({ tried: "l----", closed: "--(lm)b-" });
    expect(writer.waiting).toBe(0);
  });
});
