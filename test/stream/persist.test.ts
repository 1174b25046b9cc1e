import { Subject } from "rxjs";
import { describe, expect, it } from "vitest";
import { fakeClock } from "../../src/kernel/clock.ts";
import { appError } from "../../src/kernel/errors.ts";
import { holdFrame, type HeldFrame } from "../../src/stream/frame-window.ts";
import type { Joined } from "../../src/stream/join.ts";
import { journalWriter, type JournalWriter } from "../../src/stream/journal-writer.ts";
import { labelBook, type LabelBook } from "../../src/stream/label-book.ts";
import { labelMemory } from "../../src/stream/label-memory.ts";
import { refuse } from "../../src/stream/outcome.ts";
import { dropped, persist, type PersistOptions } from "../../src/stream/persist.ts";
import { asyncMarbles, type Picture } from "../support/async-marbles.ts";
import { bytesOf, testSettings, testTopics } from "../support/fake-stream.ts";
import { gatedJournal } from "../support/gated-journal.ts";

interface Stage {
  readonly book: LabelBook;
  readonly writer: JournalWriter;
  readonly options: PersistOptions;
  readonly codes: string[];
  /** Plays what comes in, and how the disk answers: `d` done, `x` failed. */
  readonly play: (incoming: string, disk: string) => Promise<Picture>;
}

/**
 * Frame ids are the letters: a capital is a label with its frame; a small letter a label alone, and the next time the
 * frame that it waited for. `!` a refusal, `=` a duplicate, `?` the oldest label that waits expires, `|` the end.
 */
function stage(): Stage {
  const { hear, play } = asyncMarbles();
  const clock = fakeClock();
  const book = labelBook(labelMemory({ dedupeFrames: 9 }), clock);
  const journal = gatedJournal((entries) => {
    for (const entry of entries) hear("disk", "frameId" in entry ? entry.frameId : "-");
  });
  const writer = journalWriter({
    journal,
    settings: { ...testSettings, journalWaitMs: 0 },
    clock,
    hasRoom: () => true,
    isPaused: () => false,
    needsRoom: () => {},
    log: () => {},
  });
  const codes: string[] = [];
  const labelDropped = (): void => hear("dropped", "x");
  const options = { book, writer, topics: testTopics, labelDropped, log: () => {} };
  const in$ = new Subject<Joined>();
  in$.pipe(persist(options)).subscribe({
    next(out) {
      hear("out", out.kind === "ready" ? out.item.key.frameId : out.kind === "rejected" ? "!" : "=");
      if (out.kind === "rejected") codes.push(out.rejected.code);
      if (out.kind !== "ready") out.settle();
    },
    complete: () => hear("out", "|"),
  });

  const keyOf = (frameId: string): { camera: string; frameId: string; label: string } => ({
    camera: "cam",
    frameId,
    label: "bolt",
  });
  const frameOf = (frameId: string): HeldFrame =>
    holdFrame({ camera: "cam", frameId, bytes: bytesOf(frameId), capturedAt: null }, clock, 1000);

  function joined(letter: string): Joined {
    const settle = (): void => hear("settle", letter);
    const topic = "t";
    if (letter === "!") return refuse(appError("label/late", "late"), keyOf("!"), topic, settle);
    if (letter === "=") return { kind: "duplicate", settle };
    if (letter === "?") return { kind: "expired", item: book.expire(0)[0]! };
    if (letter !== letter.toLowerCase()) {
      return { kind: "label", item: book.open(keyOf(letter), frameOf(letter), 0, settle), topic };
    }
    const waits = book.find(keyOf(letter), null) !== undefined;
    if (!waits) return { kind: "label", item: book.open(keyOf(letter), null, 0, settle), topic };
    const frame = frameOf(letter);
    return { kind: "frame", frame, items: book.attach(frame), topic, settle };
  }

  return {
    book,
    writer,
    options,
    codes,
    play: (incoming, disk) =>
      play({
        in: [incoming, (letter) => (letter === "|" ? in$.complete() : in$.next(joined(letter)))],
        disk: [disk, (letter) => (letter === "c" ? writer.close() : journal.end(letter))],
      }),
  };
}

describe("persist", () => {
  it("settles a label when it is on disk; it is ready with its frame", async () => {
    const { play, book } = stage();
    expect(await play("A-b---b---|", "--d--d---d-")).toEqual({
      disk: "A-b---b----",
      settle: "--A--b---b-",
      out: "--A------b|",
    });
    expect(book.pending).toBe(2);
  });

  it("writes what comes meanwhile in one append", async () => {
    expect(await stage().play("ABCD-----", "----d--d-")).toEqual({
      disk: "A---(BCD)----",
      settle: "----A--(BCD)-",
      out: "----A--(BCD)-",
    });
  });

  it("writes a frame behind its label, though both stand in line", async () => {
    expect(await stage().play("Aaa-------", "---d--d---")).toEqual({
      disk: "A--(aa)------",
      settle: "---A--(aa)---",
      out: "---A--a---",
    });
  });

  it("refuses a label that found no room; another may be given", async () => {
    const { play, codes, book } = stage();
    expect(await play("A--A---", "-x---d-")).toEqual({ disk: "A--A---", settle: "-A---A-", out: "-!---A-" });
    expect(codes).toEqual(["journal/io"]);
    expect(book.pending).toBe(1);
  });

  it("makes nothing ready of a frame whose label was refused meanwhile", async () => {
    const { play, book } = stage();
    expect(await play("aa---", "--x-d")).toEqual({ disk: "a-a--", settle: "--a-a", out: "--!--" });
    expect([book.pending, book.waiting]).toEqual([0, 0]);
  });

  it("lets labels wait on when their frame found no room, until it comes again", async () => {
    const { play, codes, book } = stage();
    expect(await play("a-a--a--", "-d-x--d-")).toEqual({ disk: "a-a--a--", settle: "-a-a--a-", out: "---!--a-" });
    expect(codes).toEqual(["journal/io"]);
    expect([book.pending, book.waiting]).toEqual([1, 0]);
  });

  it("rejects a label whose frame did not come, and writes that when it is said", async () => {
    const { play, codes, book } = stage();
    expect(await play("a--?---", "-d---d-")).toEqual({
      disk: "a--a---",
      settle: "-a-----",
      out: "---!---",
      dropped: "-----x-",
    });
    expect(codes).toEqual(["label/unknown-frame"]);
    expect([book.pending, book.waiting]).toEqual([0, 0]);
  });

  it("lets refusals and duplicates pass, and waits for no disk with them", async () => {
    expect(await stage().play("A!=---", "----d-")).toEqual({ disk: "A-----", settle: "-!=-A-", out: "-!=-A-" });
  });

  it("says nothing of what was not on disk at the end, and settles none of it", async () => {
    const { play, book } = stage();
    expect(await play("Ab-|--", "--c---")).toEqual({ disk: "A-----", out: "---|--" });
    expect(book.pending).toBe(0);
  });
});

describe("dropped", () => {
  it("is said first, then written, so that a crash says it twice and not never", async () => {
    const { play, options, book } = stage();
    await play("A-", "-d");
    const item = book.find({ camera: "cam", frameId: "A", label: "bolt" }, null)!;
    const refused = dropped(item, appError("image/damaged", "cut short"), options);
    expect(refused.rejected).toMatchObject({ code: "image/damaged", topic: testTopics.label("cam", "A") });
    expect([options.writer.waiting, item.closed, book.pending]).toEqual([0, true, 0]);
    refused.settle();
    expect(options.writer.waiting).toBe(1);
  });
});
