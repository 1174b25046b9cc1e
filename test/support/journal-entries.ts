import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { onTestFinished } from "vitest";
import type { JournalEntry, LabelKey } from "../../src/stream/parts.ts";

export type LabelEntry = Extract<JournalEntry, { kind: "label" }>;

/** A label with `frameBytes` of frame, all its own. */
export function labelEntry(frameId: string, frameBytes: number | null = null, label = "bolt"): LabelEntry {
  const entry = { kind: "label", camera: "belt", frameId, label, receivedAt: 1_700_000_000_000 } as const;
  if (frameBytes === null) return entry;
  const frame = new Uint8Array(frameBytes).fill(7);
  frame.set(new TextEncoder().encode(frameId).subarray(0, frameBytes));
  return { ...entry, frame };
}

export function keyOf({ camera, frameId, label }: LabelKey): LabelKey {
  return { camera, frameId, label };
}

const text = fc.oneof(fc.string(), fc.string({ unit: "grapheme" }), fc.constantFrom("L2J\x01", '"}\n', "__proto__"));
const key = fc.record({ camera: text, frameId: text, label: text });
const frame = fc.uint8Array({ maxLength: 64 });

/** Any entry that the types allow. */
export const arbitraryEntry: fc.Arbitrary<JournalEntry> = fc.oneof(
  fc
    .record({ key, receivedAt: fc.maxSafeNat(), frame: fc.option(frame) })
    .map(({ key, receivedAt, frame }) => ({ kind: "label", ...key, receivedAt, ...(frame && { frame }) }) as const),
  fc
    .record({ camera: text, frameId: text, frame })
    .map(({ camera, frameId, frame }) => ({ kind: "frame", camera, frameId, frame }) as const),
  fc
    .record({
      poolVersion: fc.maxSafeNat(),
      labels: fc.array(key, { maxLength: 4 }),
      plasticity: fc.option(fc.double({ min: 1, max: 100, noNaN: true })),
    })
    .map(({ plasticity, ...batch }) => {
      return { kind: "batch", ...batch, ...(plasticity !== null && { plasticity }) } as const;
    }),
  fc.record({ key, code: text }).map(({ key, code }) => ({ kind: "dropped", ...key, code }) as const),
);

/** A folder for one test; gone after it. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "l2p-edge-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
