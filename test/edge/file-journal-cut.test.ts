import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { openFileJournal } from "../../src/edge/file-journal.ts";
import { keepOpen } from "../../src/edge/journal-open.ts";
import { encodeRecord } from "../../src/edge/journal-record.ts";
import type { JournalEntry, LabelKey } from "../../src/stream/parts.ts";
import { type Recovered, recoverLabels } from "../../src/stream/recover.ts";
import { keyOf, labelEntry, temporaryFolder } from "../support/journal-entries.ts";

/** What a pipeline does, as numbers that pick among what is there. */
type Step =
  | { readonly do: "label"; readonly frameId: number; readonly label: number; readonly withFrame: boolean }
  | { readonly do: "frame"; readonly frameId: number }
  | { readonly do: "learn"; readonly count: number; readonly fails: boolean }
  | { readonly do: "drop"; readonly pick: number }
  /** Of a checkpoint some batches back. */
  | { readonly do: "cut"; readonly behind: number };

const ids = fc.nat(2);
const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        do: fc.constant("label" as const),
        frameId: ids,
        label: fc.nat(1),
        withFrame: fc.boolean(),
      }),
    },
    { weight: 3, arbitrary: fc.record({ do: fc.constant("frame" as const), frameId: ids }) },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant("learn" as const),
        count: fc.integer({ min: 1, max: 3 }),
        fails: fc.boolean(),
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("drop" as const), pick: fc.nat(9) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("cut" as const), behind: fc.nat(3) }) },
  ),
  { maxLength: 60, size: "max" },
);

interface World {
  readonly append: (entry: JournalEntry) => void;
  readonly cut: (through: number) => void;
}

/** Plays the steps; every frame has other bytes, and only labels with frames are learned, oldest first. */
function play(steps: readonly Step[], { append, cut }: World): void {
  const written: JournalEntry[] = [];
  let through = 0;
  let checkpoint = 0;
  let images = 0;
  const say = (entry: JournalEntry): void => {
    written.push(entry);
    append(entry);
  };
  const learn = (labels: readonly LabelKey[], fails: boolean): void => {
    say({ kind: "batch", poolVersion: through + 1, labels });
    if (!fails) through += 1;
    else if (labels.length > 1) for (const [i, label] of labels.entries()) learn([label], i === 0);
    else say({ kind: "dropped", ...labels[0]!, code: "engine/failed" });
  };
  for (const step of steps) {
    const { open } = recoverLabels(written, through);
    const image = Uint8Array.of(++images, images >> 8, 1);
    const frameId = "frameId" in step ? `f${step.frameId}` : "";
    if (step.do === "label")
      say({ ...labelEntry(frameId, null, `c${step.label}`), ...(step.withFrame && { frame: image }) });
    if (step.do === "frame") say({ kind: "frame", camera: "belt", frameId, frame: image });
    if (step.do === "drop" && open.length > 0) {
      say({ kind: "dropped", ...open[step.pick % open.length]!.key, code: "label/late" });
    }
    if (step.do === "learn") {
      // A drop names a key: of two open labels with one key, it cannot say which of them could not be learned.
      const unique = new Set(open.map(({ key }) => JSON.stringify(key))).size === open.length;
      const ready = open.filter(({ frame }) => frame !== null).slice(0, step.count);
      if (ready.length > 0)
        learn(
          ready.map(({ key }) => key),
          step.fails && unique,
        );
    }
    if (step.do === "cut") cut((checkpoint = Math.max(checkpoint, through - step.behind)));
  }
}

const encode = (entries: readonly JournalEntry[]): Buffer => Buffer.concat(entries.flatMap(encodeRecord));
/** What was dropped is in no journal that was cut: the checkpoint before a cut has forgotten it. */
function read(entries: readonly JournalEntry[], through: number): Omit<Recovered, "dropped"> {
  const { batches, open } = recoverLabels(entries, through);
  return { batches, open };
}

const plain = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (_, item: unknown) => (item instanceof Uint8Array ? Array.from(item) : item)));

describe("what a cut keeps", () => {
  test("reads the same as what it was cut from, now and after whatever follows", () => {
    fc.assert(
      fc.property(steps, (steps) => {
        const all: JournalEntry[] = [];
        let short: JournalEntry[] = [];
        let through = 0;
        play(steps, {
          append: (entry) => {
            all.push(entry);
            short.push(entry);
          },
          cut: (version) => {
            short = keepOpen(short, (through = version));
          },
        });
        expect(plain(read(short, through))).toEqual(plain(read(all, through)));
      }),
      { numRuns: 1000 },
    );
  });

  test("a frame that many labels share is kept once", () => {
    const labels = Array.from({ length: 20 }, (_, i) => labelEntry("a", null, `c${i}`));
    const entries: JournalEntry[] = [
      ...labels,
      { kind: "frame", camera: "belt", frameId: "a", frame: new Uint8Array(1000) },
    ];
    expect(keepOpen(entries, 0)).toEqual(entries);
    // Also where some are in a batch, and after a second cut.
    const learned = [...entries, { kind: "batch", poolVersion: 2, labels: labels.slice(0, 5).map(keyOf) } as const];
    const kept = keepOpen(keepOpen(learned, 1), 1);
    expect(kept).toEqual(learned);
    expect(keepOpen(learned, 2)).toEqual([...labels.slice(5), entries.at(-1)]);
  });
});

test("a frame id used again keeps each of its images", () => {
  const [a, b] = [labelEntry("a"), labelEntry("a", null, "nut")];
  const entries: JournalEntry[] = [
    a,
    b,
    { kind: "frame", camera: "belt", frameId: "a", frame: Uint8Array.of(1) },
    { ...a, frame: Uint8Array.of(2) },
    { kind: "batch", poolVersion: 2, labels: [keyOf(a), keyOf(a)] },
  ];
  expect(plain(read(keepOpen(entries, 1), 1))).toEqual(plain(read(entries, 1)));
});

describe("cut and append side by side", () => {
  test("keep exactly what is open, on disk as in memory", async () => {
    const folder = await temporaryFolder();
    await fc.assert(
      fc.asyncProperty(steps, async (steps) => {
        await writeFile(join(folder, "journal.log"), "");
        const logged: string[] = [];
        const log = (_: string, message: string): unknown => logged.push(message);
        const journal = await openFileJournal({ folder, maxBytes: 2 ** 20, log });
        const all: JournalEntry[] = [];
        const under: Promise<void>[] = [];
        let through = 0;
        // Nothing waits for anything before it, as when the disk is slow.
        play(steps, {
          append: (entry) => {
            all.push(entry);
            under.push(journal.append([entry]));
          },
          cut: (version) => under.push(journal.cut((through = version))),
        });
        await Promise.all(under);
        await journal.cut(through);
        const expected = plain(read(all, through));
        expect(plain(read(await journal.recover(), through))).toEqual(expected);
        expect(journal.sizeBytes).toBeLessThanOrEqual(encode(keepOpen(all, through)).length);
        await journal.close();
        const next = await openFileJournal({ folder, maxBytes: 2 ** 20, log });
        expect(plain(read(await next.recover(), through))).toEqual(expected);
        expect(logged).toEqual([]);
        await next.close();
      }),
      { numRuns: 60 },
    );
  });

  test("a crash before the rename leaves the old journal, one after it the new", async () => {
    const folder = await temporaryFolder();
    const path = join(folder, "journal.log");
    const open = () => openFileJournal({ folder, maxBytes: 2 ** 20, log: () => undefined });
    const [a, b] = [labelEntry("a", 10), labelEntry("b", 10)];
    const old = [a, b, { kind: "batch", poolVersion: 1, labels: [keyOf(a)] } as const];
    for (const half of [encode([b]).subarray(0, 20), encode([b])]) {
      await writeFile(path, encode(old));
      await writeFile(`${path}.tmp`, half);
      const journal = await open();
      expect(await journal.recover()).toEqual(old);
      await journal.cut(1);
      expect(await readFile(path)).toEqual(encode([b]));
      await expect(readFile(`${path}.tmp`)).rejects.toMatchObject({ code: "ENOENT" });
      await journal.close();
    }
  });
});
