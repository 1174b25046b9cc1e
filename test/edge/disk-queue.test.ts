import { spawn } from "node:child_process";
import { pbkdf2 } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import * as fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import { type DiskQueue, openDiskQueue } from "../../src/edge/disk-queue.ts";
import { encodeEntry, scanEntries } from "../../src/edge/queue-segment.ts";
import { isAppError } from "../../src/kernel/errors.ts";

const { disk } = vi.hoisted(() => ({ disk: { isFull: false } }));
vi.mock("node:fs", async (importOriginal) => {
  const fs = await importOriginal<typeof import("node:fs")>();
  const writeSync = (...args: Parameters<typeof fs.writeSync>): number => {
    if (disk.isFull) throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
    return fs.writeSync(...args);
  };
  return { ...fs, writeSync };
});

const folders: string[] = [];
const logged: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
  logged.splice(0);
  disk.isFull = false;
});

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "l2p-queue-"));
  folders.push(folder);
  return folder;
}

function open(folder: string, maxBytes = 2 ** 20, whenFull: "drop-oldest" | "drop-newest" = "drop-oldest"): DiskQueue {
  return openDiskQueue({ folder, maxBytes, whenFull, log: (level, text) => logged.push(`${level}: ${text}`) });
}

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const push = (queue: DiskQueue, ...texts: readonly string[]): void => {
  for (const text of texts) queue.push("t", bytesOf(text));
};
const textOf = (payload: Uint8Array): string => new TextDecoder().decode(payload);

function takeAll(queue: DiskQueue): string[] {
  const texts: string[] = [];
  for (let one = queue.take(); one !== undefined; one = queue.take()) texts.push(textOf(one.payload));
  return texts;
}

describe("the queue", () => {
  it("gives what was pushed, in order, once; the next process gives again what was not done", () => {
    const folder = newFolder();
    const queue = open(folder);
    push(queue, "a", "b", "c");
    const [a, b, c] = [queue.take()!, queue.take()!, queue.take()!];
    expect([a, b, c].map(({ payload }) => textOf(payload))).toEqual(["a", "b", "c"]);
    expect(queue.take()).toBeUndefined();
    queue.done(b.n); // out of order, as acknowledgements may come
    expect(queue.messages).toBe(2);
    queue.close();
    expect(takeAll(open(folder))).toEqual(["a", "c"]);
  });

  it("takes no room when all is done", () => {
    const folder = newFolder();
    const queue = open(folder, 4096);
    for (let i = 0; i < 500; i++) {
      push(queue, `message ${i}`);
      queue.done(queue.take()!.n);
      expect(queue.bytes).toBe(0);
    }
    expect(queue.dropped).toBe(0);
    expect(readdirSync(folder)).toHaveLength(1);
  });

  it("at its bound drops the oldest, and counts", () => {
    const queue = open(newFolder(), 4096);
    const texts = Array.from({ length: 300 }, (_, i) => `message ${i}`);
    push(queue, ...texts);
    expect(queue.bytes).toBeLessThanOrEqual(4096);
    const kept = takeAll(queue);
    expect(kept).toEqual(texts.slice(-kept.length));
    expect(kept.length).toBeGreaterThan(40);
    expect(queue.dropped).toBe(texts.length - kept.length);
  });

  it("or refuses the newest, and counts", () => {
    const queue = open(newFolder(), 4096, "drop-newest");
    const texts = Array.from({ length: 300 }, (_, i) => `message ${i}`);
    const refused = texts.filter((text) => {
      try {
        push(queue, text);
        return false;
      } catch (error) {
        return isAppError(error, "queue/full");
      }
    });
    expect(queue.dropped).toBe(refused.length);
    expect(takeAll(queue)).toEqual(texts.slice(0, texts.length - refused.length));
    expect(refused.length).toBeLessThan(260);
  });

  it("makes room again on a full disk as the broker takes what waits, and complains once an outage", () => {
    const folder = newFolder();
    const queue = open(folder, 8000);
    const outage = (): void => {
      push(queue, ...Array.from({ length: 100 }, (_, i) => `message ${i}`));
      expect(readdirSync(folder).length).toBeGreaterThan(2);
      disk.isFull = true;
      for (let one = queue.take(); one !== undefined; one = queue.take()) queue.done(one.n);
      disk.isFull = false;
      expect(queue.bytes).toBe(0);
      expect(readdirSync(folder)).toHaveLength(1);
    };
    outage();
    expect(logged.filter((line) => line.startsWith("warn"))).toHaveLength(1);
    push(queue, "a");
    queue.done(queue.take()!.n); // it works again
    outage();
    expect(logged.filter((line) => line.startsWith("warn"))).toHaveLength(2);
    expect(takeAll(open(folder, 8000))).toEqual([]);
  });

  it("makes the rest last while files that are done go", async () => {
    const folder = newFolder();
    const queue = open(folder, 8000);
    push(queue, ...Array.from({ length: 100 }, (_, i) => `message ${i}`));
    const taken = Array.from({ length: 99 }, () => queue.take()!.n);
    // Node's file threads are busy, so that the sync waits behind them.
    const busy = Array.from({ length: 16 }, () => promisify(pbkdf2)("a", "b", 20_000, 32, "sha256"));
    const synced = queue.sync();
    for (const n of taken) queue.done(n);
    const again = queue.sync();
    queue.close();
    await expect(Promise.all([synced, again])).resolves.toBeDefined();
    await Promise.all(busy);
    expect(takeAll(open(folder, 8000))).toEqual(["message 99"]);
  });

  it("does what a list does, over restarts", () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant("push" as const), text: fc.string({ maxLength: 40 }) }),
      fc.record({ kind: fc.constant("take" as const) }),
      fc.record({ kind: fc.constant("done" as const), which: fc.nat(20) }),
      fc.record({ kind: fc.constant("reopen" as const) }),
    );
    const property = fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const folder = newFolder();
      const maxBytes = 16_384; // never full here, and yet of many files
      let queue = open(folder, maxBytes);
      let waiting: string[] = [];
      let taken: { n: number; text: string }[] = [];
      const given: (string | undefined)[] = [];
      const due: (string | undefined)[] = [];
      for (const one of steps) {
        if (one.kind === "push") {
          push(queue, one.text);
          waiting.push(one.text);
        } else if (one.kind === "take") {
          const message = queue.take();
          given.push(message && textOf(message.payload));
          due.push(waiting.shift());
          if (message) taken.push({ n: message.n, text: textOf(message.payload) });
        } else if (one.kind === "done" && taken.length > 0) {
          queue.done(taken.splice(one.which % taken.length, 1)[0]!.n);
        } else if (one.kind === "reopen") {
          queue.close();
          queue = open(folder, maxBytes);
          waiting = [...taken.map(({ text }) => text), ...waiting];
          taken = [];
        }
        expect(queue.messages).toBe(waiting.length + taken.length);
      }
      expect(given).toEqual(due);
      expect(takeAll(queue)).toEqual(waiting);
      queue.close();
    });
    fc.assert(property, { numRuns: 60 });
  });
});

describe("damage", () => {
  it("cuts off an append that was not finished, and says so", () => {
    const folder = newFolder();
    const queue = open(folder);
    push(queue, "a", "b");
    queue.close();
    const file = join(folder, readdirSync(folder)[0]!);
    truncateSync(file, readFileSync(file).length - 1);
    const again = open(folder);
    expect(takeAll(again)).toEqual(["a"]);
    expect(logged.join()).toContain("unfinished append");
    push(again, "c");
    again.close();
    expect(takeAll(open(folder))).toEqual(["a", "c"]);
  });

  it("keeps a damaged file aside and goes on with what is before the damage", () => {
    const folder = newFolder();
    const queue = open(folder);
    push(queue, "a", "b", "c");
    queue.close();
    const file = join(folder, readdirSync(folder)[0]!);
    const bytes = readFileSync(file);
    const size = encodeEntry({ n: 1, topic: "t", payload: bytesOf("a") }).length;
    bytes[size + 20]! ^= 1;
    writeFileSync(file, bytes);
    expect(takeAll(open(folder))).toEqual(["a"]);
    expect(readFileSync(`${file}.corrupt`)).toEqual(bytes);
  });

  it("never throws, whatever the bytes are", () => {
    const arbitrary = fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.string().map(bytesOf));
    fc.assert(
      fc.property(arbitrary, fc.boolean(), (noise, behind) => {
        const good = encodeEntry({ n: 3, topic: "t", payload: bytesOf("x") });
        const scan = scanEntries(Buffer.concat(behind ? [good, noise] : [noise]));
        expect(scan.records.length).toBeGreaterThanOrEqual(behind ? 1 : 0);
      }),
    );
  });
});

const compiled = resolve(import.meta.dirname, "../../dist/edge/disk-queue.js");

it.skipIf(!existsSync(compiled))("kill -9 loses nothing that was taken over (needs `npm run build`)", async () => {
  const folder = newFolder();
  const code = `
    import { writeSync } from "node:fs";
    import { openDiskQueue } from ${JSON.stringify(pathToFileURL(compiled).href)};
    const queue = openDiskQueue({ folder: ${JSON.stringify(folder)}, maxBytes: 2 ** 30, whenFull: "drop-newest", log() {} });
    for (let i = 0; ; i++) {
      queue.push("t", Buffer.from(String(i)));
      writeSync(1, i + "\\n");
      if (i % 3 === 0) { const one = queue.take(); queue.done(one.n); writeSync(1, "done " + one.payload + "\\n"); }
    }`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", code], { stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  const closed = new Promise((resolveClosed) => child.once("close", resolveClosed));
  child.stdout.on("data", (text) => {
    said += String(text);
    if (said.length > 20_000) child.kill("SIGKILL");
  });
  await closed;
  const lines = said.split("\n").slice(0, -1);
  const pushed = lines.filter((line) => !line.startsWith("done")).map(Number);
  const done = new Set(lines.filter((line) => line.startsWith("done")).map((line) => Number(line.slice(5))));
  const back = takeAll(open(folder)).map(Number);
  expect(pushed.length).toBeGreaterThan(1000);
  expect(back).toEqual(back.toSorted((a, b) => a - b));
  const missing = pushed.filter((i) => !done.has(i) && !back.includes(i));
  // One may be done whose word did not come out.
  expect(missing.length).toBeLessThanOrEqual(1);
  expect(back.filter((i) => done.has(i))).toEqual([]);
});
