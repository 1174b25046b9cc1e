import { appendFile, type FileHandle, open, readdir, readFile, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterEach, describe, expect, test, vi } from "vitest";
import { openFileJournal } from "../../src/edge/file-journal.ts";
import { crc32 } from "../../src/edge/journal-crc.ts";
import { encodeRecord, scanRecords } from "../../src/edge/journal-record.ts";
import { isAppError } from "../../src/kernel/errors.ts";
import type { Journal, JournalEntry } from "../../src/stream/parts.ts";
import { arbitraryEntry, keyOf, labelEntry, temporaryFolder } from "../support/journal-entries.ts";

const encode = (entry: JournalEntry): Buffer => Buffer.concat(encodeRecord(entry));
const sizeOf = (entry: JournalEntry): number => encode(entry).length;

interface Opened {
  readonly folder: string;
  readonly path: string;
  readonly logged: string[];
  /** Opens the folder again, as a new process would. */
  readonly reopen: (maxBytes?: number) => Promise<Journal>;
}

async function world(maxBytes = 2 ** 20): Promise<Opened & { readonly journal: Journal }> {
  const folder = join(await temporaryFolder(), "state");
  const logged: string[] = [];
  const reopen = (bytes = maxBytes): Promise<Journal> =>
    openFileJournal({ folder, maxBytes: bytes, log: (level, message) => logged.push(`${level}: ${message}`) });
  return { folder, path: join(folder, "journal.log"), logged, reopen, journal: await reopen() };
}

/** All file handles share it. */
async function handlePrototype(): Promise<FileHandle> {
  const handle = await open(import.meta.filename);
  await handle.close();
  return Object.getPrototypeOf(handle) as FileHandle;
}

const noSpace = Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
const a = labelEntry("a", 100);
const b = labelEntry("b");
const c = labelEntry("c", 300);

afterEach(() => {
  vi.restoreAllMocks();
});

describe("appending", () => {
  test("what was appended is recovered, in order, by the next process", async () => {
    const { journal, reopen, logged } = await world();
    const entries: JournalEntry[] = [
      a,
      b,
      { kind: "frame", camera: "belt", frameId: "b", frame: Uint8Array.of(1, 2, 3) },
      { kind: "batch", poolVersion: 1, labels: [keyOf(a), keyOf(b)] },
      { ...keyOf(c), kind: "dropped", code: "label/late" },
    ];
    expect(await journal.recover()).toEqual([]);
    await journal.append(entries.slice(0, 2));
    for (const entry of entries.slice(2)) await journal.append([entry]);
    expect(journal.sizeBytes).toBe(entries.reduce((sum, entry) => sum + sizeOf(entry), 0));
    await journal.close();
    const next = await reopen();
    expect(await next.recover()).toEqual(entries);
    await next.close();
    expect(logged).toEqual([]);
  });

  test("the file and its folder are for this user only", async () => {
    const { journal, path, folder } = await world();
    await journal.close();
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
  });

  test("a recovered frame has memory of its own", async () => {
    const { journal } = await world();
    await journal.append([a, c]);
    const [first] = await journal.recover();
    expect(first).toMatchObject({ kind: "label" });
    expect((first as typeof a).frame!.buffer.byteLength).toBe(100);
    await journal.close();
  });

  test("appends that wait share one fsync", async () => {
    const { journal } = await world();
    const datasync = vi.spyOn(await handlePrototype(), "datasync");
    const entries = Array.from({ length: 50 }, (_, i) => labelEntry(`f${i}`, 10));
    await Promise.all(entries.map((entry) => journal.append([entry])));
    expect(datasync.mock.calls.length).toBeLessThanOrEqual(2);
    expect(await journal.recover()).toEqual(entries);
    await journal.close();
  });

  test("is on disk when it resolves, not before the fsync", async () => {
    const { journal } = await world();
    let release!: () => void;
    const disk = new Promise<void>((resolve) => (release = resolve));
    const datasync = vi.spyOn(await handlePrototype(), "datasync").mockReturnValueOnce(disk);
    let done = false;
    const appended = journal.append([a]).then(() => (done = true));
    await vi.waitFor(() => expect(datasync).toHaveBeenCalled());
    expect(done).toBe(false);
    release();
    await appended;
    await journal.close();
  });

  test("close waits for what is under way, and takes nothing after", async () => {
    const { journal, reopen } = await world();
    const under = [journal.append([a]), journal.append([b]), journal.cut(0)];
    await journal.close();
    await Promise.all(under);
    await journal.close();
    await expect(journal.append([c])).rejects.toMatchObject({ code: "journal/io" });
    await expect(journal.recover()).rejects.toMatchObject({ code: "journal/io" });
    const next = await reopen();
    expect(await next.recover()).toEqual([a, b]);
    await next.close();
  });
});

describe("the bound", () => {
  test("labels are refused before anything is written, their batches and drops still fit", async () => {
    const maxBytes = 8192;
    const { journal } = await world(maxBytes);
    const accepted: (typeof a)[] = [];
    let refused: unknown;
    for (let i = 0; refused === undefined; i++) {
      const entry = labelEntry(`${i}`, 50, '"'.repeat(128));
      refused = await journal.append([entry]).then(
        () => void accepted.push(entry),
        (error: unknown) => error,
      );
    }
    expect(refused).toMatchObject({ code: "journal/full" });
    expect(accepted.length).toBeGreaterThan(2);
    expect(journal.sizeBytes).toBe(accepted.reduce((sum, entry) => sum + sizeOf(entry), 0));
    // The worst: a batch that fails, then each alone, which fails too.
    await journal.append([{ kind: "batch", poolVersion: Number.MAX_SAFE_INTEGER, labels: accepted.map(keyOf) }]);
    for (const entry of accepted) {
      await journal.append([{ kind: "batch", poolVersion: Number.MAX_SAFE_INTEGER, labels: [keyOf(entry)] }]);
      await journal.append([{ kind: "dropped", ...keyOf(entry), code: "label/of-forty-letters-and-no-more-than-tha" }]);
    }
    expect(journal.sizeBytes).toBeLessThanOrEqual(maxBytes);
    await journal.cut(0);
    expect(journal.sizeBytes).toBe(0);
    await journal.append([a]);
    await journal.close();
  });

  test("of appends in one group, only those that fit are written", async () => {
    const { journal } = await world(4096);
    const results = await Promise.allSettled([journal.append([a]), journal.append([labelEntry("big", 5000)])]);
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
    expect(await journal.recover()).toEqual([a]);
    await journal.close();
  });

  test("a bound lowered below what is there still lets batches in", async () => {
    const { journal, reopen } = await world();
    await journal.append([c]);
    await journal.close();
    const next = await reopen(100);
    await expect(next.append([b])).rejects.toMatchObject({ code: "journal/full" });
    await next.append([{ kind: "batch", poolVersion: 1, labels: [keyOf(c)] }]);
    await next.cut(1);
    expect(next.sizeBytes).toBe(0);
    await next.close();
  });
});

describe("a disk that fails", () => {
  test("a write cut short leaves the file as it was", async () => {
    const { journal, path, reopen, logged } = await world();
    await journal.append([a]);
    const before = await readFile(path);
    const proto = await handlePrototype();
    vi.spyOn(proto, "write").mockImplementationOnce(async () => {
      await appendFile(path, encode(c).subarray(0, 200));
      throw noSpace;
    });
    await expect(journal.append([c])).rejects.toMatchObject({ code: "journal/io", cause: noSpace });
    expect(await readFile(path)).toEqual(before);
    expect(journal.sizeBytes).toBe(before.length);
    await journal.append([b]);
    await journal.close();
    const next = await reopen();
    expect(await next.recover()).toEqual([a, b]);
    expect(logged).toEqual([]);
    await next.close();
  });

  test("a failed fsync fails all of its group and leaves nothing of it", async () => {
    const { journal } = await world();
    vi.spyOn(await handlePrototype(), "datasync").mockRejectedValueOnce(noSpace);
    const results = await Promise.allSettled([journal.append([a]), journal.append([b])]);
    expect(results.every((each) => each.status === "rejected" && isAppError(each.reason, "journal/io"))).toBe(true);
    expect(journal.sizeBytes).toBe(0);
    await journal.append([c]);
    expect(await journal.recover()).toEqual([c]);
    await journal.close();
  });

  test("when the file cannot be shortened either, appends are refused until a cut rewrites it", async () => {
    const { journal, path } = await world();
    await journal.append([a]);
    const proto = await handlePrototype();
    vi.spyOn(proto, "datasync").mockRejectedValueOnce(noSpace);
    vi.spyOn(proto, "truncate").mockRejectedValueOnce(noSpace);
    await expect(journal.append([c])).rejects.toMatchObject({ code: "journal/io" });
    await expect(journal.append([b])).rejects.toMatchObject({ code: "journal/io" });
    await journal.cut(0);
    expect(await readFile(path)).toEqual(encode(a));
    await journal.append([b]);
    expect(await journal.recover()).toEqual([a, b]);
    await journal.close();
  });

  test("a cut that fails keeps the old file and leaves no other", async () => {
    const { journal, folder } = await world();
    await journal.append([a, b, { kind: "batch", poolVersion: 1, labels: [keyOf(a)] }]);
    vi.spyOn(await handlePrototype(), "sync").mockRejectedValueOnce(noSpace);
    await expect(journal.cut(1)).rejects.toMatchObject({ code: "journal/io" });
    expect(await readdir(folder)).toEqual(["journal.log"]);
    await journal.append([c]);
    expect((await journal.recover()).length).toBe(4);
    await journal.cut(1);
    expect(await journal.recover()).toEqual([b, c]);
    await journal.close();
  });

  test("after a rename that is not known to be on disk, appends wait for the next cut", async () => {
    const { journal } = await world();
    await journal.append([a, b, { kind: "batch", poolVersion: 1, labels: [keyOf(a)] }]);
    const proto = await handlePrototype();
    // First the new file's own, then the folder's.
    vi.spyOn(proto, "sync").mockResolvedValueOnce(undefined).mockRejectedValueOnce(noSpace);
    await expect(journal.cut(1)).rejects.toMatchObject({ code: "journal/io" });
    await expect(journal.append([c])).rejects.toMatchObject({ code: "journal/io" });
    await journal.cut(1);
    await journal.append([c]);
    expect(await journal.recover()).toEqual([b, c]);
    await journal.close();
  });

  test("a folder that cannot be made is a coded error", async () => {
    const file = join(await temporaryFolder(), "file");
    await writeFile(file, "");
    const opening = openFileJournal({ folder: join(file, "state"), maxBytes: 1000, log: () => undefined });
    await expect(opening).rejects.toMatchObject({ code: "journal/io" });
  });
});

describe("damage", () => {
  test("a torn tail is cut off and told", async () => {
    const { journal, path, reopen, logged, folder } = await world();
    await journal.append([a, b, c]);
    await journal.close();
    await truncate(path, sizeOf(a) + sizeOf(b) + 30);
    const next = await reopen();
    expect(await next.recover()).toEqual([a, b]);
    expect(logged).toEqual(["warn: the journal's last append was not finished: 30 bytes were cut off"]);
    expect(await readdir(folder)).toEqual(["journal.log"]);
    await next.append([c]);
    await next.close();
    const third = await reopen();
    expect(await third.recover()).toEqual([a, b, c]);
    await third.close();
    expect(logged.length).toBe(1);
  });

  test("zeros at the end, as after a power cut, are a torn tail", async () => {
    const { journal, path, reopen, logged } = await world();
    await journal.append([a]);
    await journal.close();
    await appendFile(path, Buffer.alloc(4096));
    const next = await reopen();
    expect(await next.recover()).toEqual([a]);
    expect(logged[0]).toContain("4096 bytes were cut off");
    await next.close();
  });

  test("a damaged record in the middle: the rest is set aside, loudly, what is before it is used", async () => {
    const { journal, path, reopen, logged, folder } = await world();
    await journal.append([a, b, c]);
    await journal.close();
    const bytes = await readFile(path);
    bytes[sizeOf(a) + 20]! ^= 1;
    await writeFile(path, bytes);
    const next = await reopen();
    expect(await next.recover()).toEqual([a]);
    expect(logged).toEqual([
      `error: the journal is damaged after 1 entries: ${sizeOf(b) + sizeOf(c)} bytes were set aside in journal.1.corrupt`,
    ]);
    expect(await readFile(join(folder, "journal.1.corrupt"))).toEqual(bytes.subarray(sizeOf(a)));
    expect((await readFile(path)).length).toBe(sizeOf(a));
    await next.append([b]);
    expect(await next.recover()).toEqual([a, b]);
    await next.close();
  });

  test("files set aside are bounded: the newest are kept", async () => {
    const { journal, path, reopen, folder } = await world();
    await journal.close();
    const damaged = encode(b);
    damaged[5]! ^= 1;
    for (let i = 0; i < 6; i++) {
      await writeFile(path, Buffer.concat([damaged, encode(a)]));
      await (await reopen()).close();
    }
    const aside = (await readdir(folder)).filter((file) => file.endsWith(".corrupt"));
    expect(aside.toSorted()).toEqual([3, 4, 5, 6].map((n) => `journal.${n}.corrupt`));
  });

  test("a whole record of a kind that is not known is set aside, not cut off", () => {
    const unknown = encode({ ...b, kind: "labels" } as unknown as JournalEntry);
    expect(scanRecords(Buffer.concat([encode(a), unknown]))).toMatchObject({ damage: "corrupt", goodBytes: sizeOf(a) });
  });

  test("a damaged tail made of markers costs no more than a few looks", () => {
    const hostile = Buffer.from("L2J\x01\xff\xff\x0f\x00".repeat(500_000), "latin1");
    expect(scanRecords(hostile)).toEqual({ records: [], goodBytes: 0, damage: "corrupt" });
  });

  test("the checksum is the common CRC-32", () => {
    expect(crc32(Buffer.from("1234"), Buffer.from("56789"))).toBe(0xcbf43926);
    expect(crc32()).toBe(0);
    fc.assert(
      fc.property(fc.uint8Array(), fc.uint8Array(), (a, b) => {
        expect(crc32(Buffer.concat([a, b]))).toBe(crc32(a, b));
      }),
    );
  });
});

describe("any entries, any damage", () => {
  const entries = fc.array(arbitraryEntry, { maxLength: 12 });

  test("all entries come back as they were", () => {
    fc.assert(
      fc.property(entries, (entries) => {
        const scan = scanRecords(Buffer.concat(entries.map(encode)));
        expect(scan.records.map(({ entry }) => entry)).toEqual(entries.map(plain));
        expect(scan.damage).toBe("none");
      }),
    );
  });

  test("no mutation throws or loses what is before it", () => {
    const mutations = fc.array(fc.record({ at: fc.nat(), xor: fc.integer({ min: 1, max: 255 }) }), { maxLength: 4 });
    fc.assert(
      fc.property(entries, mutations, fc.option(fc.nat()), fc.uint8Array(), (entries, mutations, cutAt, junk) => {
        const whole = Buffer.concat(entries.map(encode));
        const file = Buffer.concat([cutAt === null ? whole : whole.subarray(0, cutAt % (whole.length + 1)), junk]);
        for (const { at, xor } of mutations) if (file.length > 0) file[at % file.length]! ^= xor;
        const same = Math.max(
          0,
          [...file].findIndex((byte, i) => byte !== whole[i]),
        );
        const sameBytes = file.equals(whole.subarray(0, file.length)) ? file.length : same;
        let before = 0;
        let end = 0;
        for (const entry of entries) if ((end += sizeOf(entry)) <= sameBytes) before += 1;
        const { records, goodBytes } = scanRecords(file);
        expect(records.slice(0, before).map(({ entry }) => entry)).toEqual(entries.slice(0, before).map(plain));
        expect(goodBytes).toBe(records.reduce((sum, { bytes }) => sum + bytes, 0));
      }),
    );
  });

  test("a damaged file opens, is mended once, and works on", async () => {
    const folder = await temporaryFolder();
    const path = join(folder, "journal.log");
    await fc.assert(
      fc.asyncProperty(
        entries,
        fc.nat(),
        fc.integer({ min: 0, max: 255 }),
        fc.boolean(),
        async (entries, at, xor, cut) => {
          const file = Buffer.concat(entries.map(encode));
          if (file.length > 0) file[at % file.length]! ^= xor;
          await writeFile(path, cut ? file.subarray(0, at % (file.length + 1)) : file);
          const first = await openFileJournal({ folder, maxBytes: 2 ** 20, log: () => undefined });
          const left = await first.recover();
          await first.append([a]);
          await first.close();
          const logged: string[] = [];
          const second = await openFileJournal({
            folder,
            maxBytes: 2 ** 20,
            log: (_, message) => logged.push(message),
          });
          expect(await second.recover()).toEqual([...left, a]);
          expect(logged).toEqual([]);
          await second.close();
        },
      ),
      { numRuns: 40 },
    );
  });
});

/** As JSON has it: Buffers and fast-check's null prototypes aside. */
function plain(entry: JournalEntry): unknown {
  return "frame" in entry ? { ...entry, frame: Buffer.from(entry.frame) } : { ...entry };
}
