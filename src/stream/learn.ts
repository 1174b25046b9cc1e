import type { Clock } from "../kernel/clock.ts";
import type { LabelledSample, Learned, Learner } from "../learner/types.ts";
import type { PrequentialAccuracy } from "./accuracy.ts";
import { embed, type EmbedParts } from "./embed.ts";
import { predictedFirst } from "./expect-prediction.ts";
import type { FrameWindow } from "./frame-window.ts";
import type { Written } from "./journal-writer.ts";
import type { PendingLabel } from "./label-book.ts";
import { coded, rethrowEngineFailure, type LearnedLabel, type Refused } from "./outcome.ts";
import type { LabelKey } from "./parts.ts";
import { dropped, type PersistOptions, type Ready } from "./persist.ts";
import type { DriftMonitor } from "./drift.ts";
import type { ReopenedBatch } from "./reopen.ts";
import type { RollbackGuard } from "./rollback.ts";

export interface LearnParts extends EmbedParts, PersistOptions {
  readonly learner: Pick<Learner, "query" | "learn">;
  readonly window: FrameWindow;
  readonly accuracy: PrequentialAccuracy;
  readonly drift: DriftMonitor;
  readonly guard: RollbackGuard;
  readonly clock: Clock;
  /** Told how many labels a batch taught. */
  readonly batchLearned: (count: number) => void;
  /** Told when the learner went back to an earlier state by itself. */
  readonly rolledBack: () => void;
  /** Told when a batch of the last run was learned again. */
  readonly replayedTo: (poolVersion: number) => void;
  readonly progress: Progress;
}

export interface Progress {
  /** Number of the last learned batch: what a checkpoint taken now contains. */
  through: number;
  /** False once a batch of the last run could not be learned as it was: those after it are written anew, under new numbers. */
  repeats: boolean;
}

type Out = LearnedLabel | Refused;
/** One that can be learned now. */
interface Prepared {
  readonly item: PendingLabel;
  readonly sample: LabelledSample;
}
interface How {
  readonly replayed: boolean;
  /** The journal has exactly this batch, under the next number. */
  readonly written: boolean;
  readonly plasticity: number;
}

/**
 * One batch, one update: predict first (inside `learner.learn`), then learn. The batch is on disk before it is learned,
 * so that a replay repeats its boundaries. Rejects only when the engine fails.
 */
export function learn(ready: readonly Ready[], parts: LearnParts): Promise<readonly Out[]> {
  const items = ready.map(({ item }) => item);
  return learnItems(items, parts, { replayed: false, written: false, plasticity: parts.drift.plasticity });
}

/**
 * A batch of the last run, which is on disk already: exactly this, under its number. Where that fails, what is learned
 * instead is written under the same number, which opens all later batches (see `recoverLabels`): they follow as new ones.
 */
export function learnAgain(batch: ReopenedBatch, parts: LearnParts): Promise<readonly Out[]> {
  const { progress } = parts;
  if (progress.repeats) progress.through = batch.poolVersion - 1;
  const how = { replayed: true, written: progress.repeats, plasticity: batch.plasticity };
  return learnItems(batch.items, parts, how).finally(() => parts.replayedTo(batch.poolVersion));
}

async function learnItems(items: readonly PendingLabel[], parts: LearnParts, how: How): Promise<readonly Out[]> {
  const tried = await Promise.all(items.map((item) => prepareOne(item, parts)));
  const refused = tried.filter((one) => "kind" in one);
  const batch = tried.filter((one) => "sample" in one);
  if (refused.length === 0) return learnBatch(batch, parts, how);
  if (how.written) await takeBack(parts);
  return [...refused, ...(await learnBatch(batch, parts, { ...how, written: false }))];
}

async function prepareOne(item: PendingLabel, parts: LearnParts): Promise<Prepared | Refused> {
  try {
    const frame = item.frame!;
    await predictedFirst(frame);
    return { item, sample: { ...(await embed(frame, "learn", parts)), label: item.key.label } };
  } catch (error) {
    return dropped(item, coded(error, "preparing a labelled frame", parts.log), parts);
  }
}

async function learnBatch(batch: readonly Prepared[], parts: LearnParts, how: How): Promise<readonly Out[]> {
  if (batch.length === 0) return [];
  const labels = batch.map(({ item }) => item.key);
  // Closed: the labels stay in the journal for the next run.
  if (!how.written && (await write(labels, parts, how.plasticity)) === "closed") return [];
  try {
    return await parts.turn.run("learn", () => update(batch, parts, how));
  } catch (error) {
    rethrowEngineFailure(error);
    await takeBack(parts);
    if (batch.length > 1) return oneByOne(batch, error, parts, how);
    return batch.map(({ item }) => dropped(item, coded(error, "learning", parts.log), parts));
  }
}

/** Writes the next batch; of batches with one number the last counts. */
function write(labels: readonly LabelKey[], parts: LearnParts, plasticity = 1): Promise<Written> {
  const batch = { kind: "batch", poolVersion: parts.progress.through + 1, labels } as const;
  return parts.writer.append([plasticity === 1 ? batch : { ...batch, plasticity }], "batch");
}

/** Its labels are open again: what is dropped is then the label that was in it, not a later one of the same name. */
async function takeBack(parts: LearnParts): Promise<void> {
  parts.progress.repeats = false;
  await write([], parts);
}

/** INVARIANT: in one turn, so that a checkpoint sees all of a batch's effects or none. */
async function update(batch: readonly Prepared[], parts: LearnParts, how: How): Promise<readonly Out[]> {
  const { plasticity, replayed } = how;
  const samples = batch.map(({ sample }) => sample);
  const learned = await parts.learner.learn(samples, { plasticity });
  parts.progress.through += 1;
  parts.batchLearned(learned.length);
  parts.drift.learned(learned.length, plasticity, replayed);
  const out = batch.map(({ item }, i) => learnedLabel(item, learned[i]!, parts, replayed));
  const judged = out.map(({ message }, i) =>
    message.correction || replayed ? [] : [{ sample: samples[i]!, learned: learned[i]! }],
  );
  await watchOver(judged.flat(), parts);
  return out;
}

/** INVARIANT: fails with the engine only. The batch is learned: an error here must not have it learned again. */
async function watchOver(judged: Parameters<RollbackGuard["judge"]>[0], parts: LearnParts): Promise<void> {
  try {
    if (await parts.guard.judge(judged)) parts.rolledBack();
  } catch (error) {
    rethrowEngineFailure(error);
    parts.log("error", "the roll-back guard failed, and begins anew", error);
    parts.guard.forget();
  }
}

/** One bad sample must not cost the others of its batch. */
async function oneByOne(
  batch: readonly Prepared[],
  cause: unknown,
  parts: LearnParts,
  how: How,
): Promise<readonly Out[]> {
  parts.log("warn", "a batch could not be learned; trying its samples one by one", cause);
  const out: Out[] = [];
  for (const one of batch) out.push(...(await learnBatch([one], parts, { ...how, written: false })));
  return out;
}

function learnedLabel(item: PendingLabel, result: Learned, parts: LearnParts, replayed: boolean): LearnedLabel {
  const { camera, frameId, label } = item.key;
  const frame = item.frame!;
  const correction = parts.book.memory.isCorrection(item.key);
  if (!correction) {
    parts.accuracy.add(result.before, label);
    parts.drift.judged(result.before.label === label, replayed);
  }
  parts.book.close(item, true);
  parts.window.learned(frame);
  const message = {
    v: 1,
    frameId,
    label,
    predicted: frame.published?.label ?? null,
    correct: frame.published === null ? null : frame.published.label === label,
    loss: result.loss,
    poolVersion: result.poolVersion,
    durable: true,
    correction,
    replayed,
  } as const;
  const latencyMs = parts.clock.monotonicMs() - item.arrivedMs;
  return { kind: "learned", camera, message, before: result.before, latencyMs };
}
