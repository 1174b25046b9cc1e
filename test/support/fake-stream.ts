import { createHash } from "node:crypto";
import { appError } from "../../src/kernel/errors.ts";
import type { Learned, LabelledSample, Learner, LearnerState, Prediction } from "../../src/learner/types.ts";
import { topics } from "../../src/message/topic.ts";
import { recoverLabels } from "../../src/stream/recover.ts";
import { defaultStreamSettings, type StreamSettings } from "../../src/stream/settings.ts";
import type { JournalEntry, RawMessage } from "../../src/stream/parts.ts";

export const testTopics = topics("l2p", "box");

export const testSettings: StreamSettings = { ...defaultStreamSettings, telemetryMs: 3_600_000, snapshotEveryMs: 0 };

export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Lets every promise that can go on do so, timers aside. */
export async function flush(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise<void>((resolve) => setImmediate(resolve));
}

export interface TestMessage extends RawMessage {
  readonly settled: number;
}

export function message(
  topic: string,
  payload: Uint8Array | string,
  properties: Record<string, string> = {},
): TestMessage {
  let settled = 0;
  return {
    topic,
    payload: typeof payload === "string" ? bytesOf(payload) : payload,
    qos: 1,
    retain: false,
    properties: new Map(Object.entries(properties)),
    receivedAt: 1_700_000_000_000,
    settle: () => void (settled += 1),
    get settled() {
      return settled;
    },
  };
}

export const frame = (camera: string, id: string, image = `image ${id}`, properties = {}): TestMessage =>
  message(testTopics.frame(camera, id), image, properties);
export const label = (camera: string, id: string, text: string): TestMessage =>
  message(testTopics.label(camera, id), text);

/** The test's images are text; `not an image…` is none. */
export async function prepare(bytes: Uint8Array): Promise<Uint8Array> {
  const text = new TextDecoder().decode(bytes);
  if (text.startsWith("not an image")) throw appError("frame/empty", "not an image");
  await Promise.resolve();
  return bytes;
}

export interface FakeLearner extends Learner {
  /** Every batch in order, each sample as `image=label`. */
  readonly history: readonly (readonly string[])[];
  /** A hash chain over batches and their boundaries: bit-equal exactly when the history is. */
  readonly fingerprint: string;
}

/** Learns nothing but its own history. Overlapping calls throw. A sample labelled `poison` cannot be learned. */
export function fakeLearner(state?: LearnerState): FakeLearner {
  let history: (readonly string[])[] = [];
  let labels: string[] = [];
  let busy = false;

  async function exclusively<T>(task: () => T): Promise<T> {
    if (busy) throw new Error("two calls at once");
    busy = true;
    try {
      await Promise.resolve();
      await Promise.resolve();
      return task();
    } finally {
      busy = false;
    }
  }

  const predictNow = (): Prediction => {
    const label = labels.at(-1) ?? null;
    const heads = { prompted: label, statistics: label };
    const confidence = label === null ? 0 : 1;
    return {
      label,
      confidence,
      novelty: null,
      top: label === null ? [] : [[label, 1]],
      promptIds: [0],
      poolVersion: history.length,
      heads,
    };
  };

  function learnNow(batch: readonly LabelledSample[], plasticity: number): readonly Learned[] {
    if (batch.some(({ label }) => label === "poison")) throw new Error("poisoned");
    const before = predictNow();
    const how = plasticity === 1 ? "" : ` ×${plasticity}`;
    history.push(batch.map(({ pixels, label }) => `${new TextDecoder().decode(pixels)}=${label}${how}`));
    for (const { label } of batch) if (!labels.includes(label)) labels.push(label);
    return batch.map(({ label }) => ({ label, before, loss: 1, poolVersion: history.length }));
  }

  const learner: FakeLearner = {
    get history() {
      return history;
    },
    get fingerprint() {
      return createHash("sha256").update(JSON.stringify(history)).digest("hex");
    },
    get poolVersion() {
      return history.length;
    },
    get labels() {
      return labels;
    },
    query: (pixels) => exclusively(() => Float32Array.of(pixels.length)),
    predictOne: () => exclusively(predictNow),
    learnOne: async (sample, label) => (await learner.learn([{ ...sample, label }]))[0]!,
    learn: (batch, { plasticity = 1 } = {}) => exclusively(() => learnNow(batch, plasticity)),
    similarity: (query) => (labels.length === 0 ? null : 1 - query[0]! / 100),
    save: () => ({ arrays: {}, meta: { history: [...history], labels: [...labels] } }),
    saveCompact: () => ({ arrays: {}, meta: { labels: [...labels] } }),
    restore({ meta }) {
      history = [...(meta["history"] as string[][])];
      labels = [...(meta["labels"] as string[])];
    },
    forgetLabel(name) {
      if (!labels.includes(name)) throw appError("learner/unknown-label", name);
      labels = labels.filter((other) => other !== name);
    },
    renameLabel(from, to) {
      labels = labels.map((name) => (name === from ? to : name));
    },
    telemetry: () => ({ promptUse: [1], classCounts: {}, combination: { prompted: 0.5, statistics: 0.5 } }),
  };
  if (state !== undefined) learner.restore(state);
  return learner;
}

export interface MemoryJournal {
  entries: JournalEntry[];
  /** How many entries each append had. */
  readonly appends: number[];
  append(entries: readonly JournalEntry[]): Promise<void>;
  cut(through: number): Promise<void>;
  readonly sizeBytes: number;
  /** Entries that fit. */
  capacity: number;
  /** How long an append takes, in turns of the microtask queue. */
  ticks: () => number;
  /** After a crash nothing reaches the disk. */
  dead: boolean;
}

/** A journal in memory whose appends take a moment. */
export function memoryJournal(entries: readonly JournalEntry[] = []): MemoryJournal {
  const journal: MemoryJournal = {
    entries: [...entries],
    appends: [],
    capacity: Infinity,
    ticks: () => 1,
    dead: false,
    async append(added) {
      for (let left = journal.ticks(); left > 0; left--) await Promise.resolve();
      if (journal.dead) return new Promise(() => {});
      if (journal.entries.length + added.length > journal.capacity) throw appError("journal/full", "no room");
      journal.entries.push(...added);
      journal.appends.push(added.length);
    },
    async cut(through) {
      // As a journal on disk does it: batches that the checkpoint lacks, and what is open.
      const { batches, open } = recoverLabels(journal.entries, through);
      const kept = [...batches.flatMap(({ labels }) => labels), ...open];
      journal.entries = [
        ...kept.map(
          ({ key, receivedAt, frame }) => ({ kind: "label", ...key, receivedAt, ...(frame && { frame }) }) as const,
        ),
        ...batches.map(
          ({ labels, ...batch }) => ({ kind: "batch", ...batch, labels: labels.map(({ key }) => key) }) as const,
        ),
      ];
    },
    get sizeBytes() {
      return journal.entries.length;
    },
  };
  return journal;
}
