import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { openFileJournal } from "../../src/edge/file-journal.ts";
import { createRng } from "../../src/kernel/rng.ts";
import { recoverLabels } from "../../src/stream/recover.ts";
import { temporaryFolder } from "../support/journal-entries.ts";

/**
 * Appends labels as fast as it can, several at a time, learns what is acknowledged and cuts, and says what was
 * acknowledged before it goes on: `a N` label N is on disk, `b VERSION N…` a batch is on disk, `c VERSION` is about to be cut.
 */
const script = `
import { writeSync } from "node:fs";
import { openFileJournal } from ${JSON.stringify(new URL("../../dist/edge/file-journal.js", import.meta.url).href)};
const [folder, firstLabel, firstVersion] = process.argv.slice(1);
const journal = await openFileJournal({ folder, maxBytes: 2 ** 26, log: (level, message) => say("l " + level + " " + message) });
const say = (line) => writeSync(1, line + "\\n");
const key = (n) => ({ camera: "belt", frameId: String(n), label: "bolt" });
let n = Number(firstLabel), version = Number(firstVersion), ready = [];
say("go");
for (;;) {
  const group = Array.from({ length: 1 + (n % 5) }, () => n++);
  await Promise.all(group.map(async (i) => {
    await journal.append([{ kind: "label", ...key(i), receivedAt: i, frame: new Uint8Array(1 + (i * 7919) % 50000).fill(i) }]);
    say("a " + i);
    ready.push(i);
  }));
  if (n % 3 === 0) {
    const learned = ready.splice(0, 4);
    await journal.append([{ kind: "batch", poolVersion: ++version, labels: learned.map(key) }]);
    say("b " + version + " " + learned.join(" "));
  }
  if (n % 4 === 0) {
    say("c " + version);
    const cutting = journal.cut(version);
    const i = n++;
    await journal.append([{ kind: "label", ...key(i), receivedAt: i, frame: new Uint8Array(100).fill(i) }]);
    say("a " + i);
    ready.push(i);
    await cutting;
  }
}`;

const rounds = 15;

test(`killed ${rounds} times at any moment: nothing acknowledged is lost, the order is kept`, async () => {
  const folder = await temporaryFolder();
  const rng = createRng(11);
  /** Labels on disk that are in no batch on disk; batches on disk that no cut has removed. */
  let acknowledged = 0;
  const waiting = new Set<number>();
  const batches = new Map<number, number[]>();
  let cutThrough = 0;
  let nextLabel = 0;
  let version = 0;

  for (let round = 0; round < rounds; round++) {
    const child = spawn(
      process.execPath,
      ["--input-type=module", "-e", script, folder, String(nextLabel), String(version)],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    onTestFinished(() => void child.kill("SIGKILL"));
    let said = "";
    child.stdout.on("data", (bytes: Buffer) => (said += bytes.toString()));
    await once(child.stdout, "data");
    await sleep(rng.int(150));
    const closed = once(child, "close");
    child.kill("SIGKILL");
    await closed;
    const logged: string[] = [];
    // A line that was cut short was not acknowledged.
    for (const line of said.split("\n").slice(0, -1)) {
      const [what, ...rest] = line.split(" ");
      const numbers = rest.map(Number);
      if (what === "a") {
        acknowledged += 1;
        waiting.add(numbers[0]!);
      }
      if (what === "b") {
        batches.set(numbers[0]!, numbers.slice(1));
        for (const n of numbers.slice(1)) waiting.delete(n);
      }
      if (what === "c") cutThrough = numbers[0]!;
      if (what === "l") logged.push(line);
    }

    const journal = await openFileJournal({ folder, maxBytes: 2 ** 26, log: (_, message) => logged.push(message) });
    for (const message of logged) expect(message).toContain("was not finished");
    const recovered = recoverLabels(await journal.recover(), cutThrough);
    await journal.close();

    const open = recovered.open.map(({ key }) => Number(key.frameId));
    const replayed = new Map(
      recovered.batches.map((batch) => [batch.poolVersion, batch.labels.map((l) => l.receivedAt)]),
    );
    // A batch that was written and not yet acknowledged may have taken labels.
    const unsaid = [...replayed].filter(([number]) => !batches.has(number)).flatMap(([, labels]) => labels);
    for (const n of waiting) expect([...open, ...unsaid]).toContain(n);
    const uncut = [...batches].filter(([number]) => number > cutThrough);
    for (const [number, labels] of uncut) expect(replayed.get(number)).toEqual(labels);
    expect(open).toEqual(open.toSorted((a, b) => a - b));
    expect(new Set(open).size).toBe(open.length);
    for (const { key, frame } of [...recovered.open, ...recovered.batches.flatMap(({ labels }) => labels)]) {
      expect(frame?.every((byte) => byte === Number(key.frameId) % 256)).toBe(true);
    }

    // The next round goes on from what is on disk.
    waiting.clear();
    for (const n of open) waiting.add(n);
    for (const [number, labels] of replayed) batches.set(number, labels);
    version = Math.max(version, cutThrough, ...batches.keys());
    nextLabel = Math.max(nextLabel, ...open, ...[...batches.values()].flat()) + 1;
  }
  expect(acknowledged).toBeGreaterThan(rounds);
});
