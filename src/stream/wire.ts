import {
  asyncScheduler,
  BehaviorSubject,
  combineLatest,
  concat,
  delayWhen,
  map,
  merge,
  NEVER,
  of,
  type MonoTypeOperatorFunction,
  type Observable,
  type SchedulerLike,
  Subject,
  takeUntil,
  tap,
  timer,
} from "rxjs";
import { systemClock, type Clock } from "../kernel/clock.ts";
import type { Learner } from "../learner/types.ts";
import type { Topics } from "../message/topic.ts";
import { prequentialAccuracy } from "./accuracy.ts";
import { asker } from "./ask.ts";
import { readStreamState, type Snapshot } from "./checkpoint.ts";
import { frameIds, type Arrived, type DecodeOptions } from "./decode.ts";
import type { DriftSettings } from "./drift.ts";
import type { Prepare } from "./embed.ts";
import type { ExecuteParts, Service } from "./execute.ts";
import { expectPrediction, type ExpectedFrame } from "./expect-prediction.ts";
import { frameWindow } from "./frame-window.ts";
import { readGauges } from "./gauges.ts";
import type { JoinOptions } from "./join.ts";
import { journalWriter } from "./journal-writer.ts";
import { labelBook } from "./label-book.ts";
import { labelMemory } from "./label-memory.ts";
import type { LearnParts } from "./learn.ts";
import type { MailboxOptions } from "./mailbox.ts";
import type { Metered, MeterOptions } from "./meter.ts";
import type { MicroBatchOptions } from "./micro-batch.ts";
import type { ArrivedFrame, DriftNotice } from "./outcome.ts";
import type { Journal, JournalEntry, Log } from "./parts.ts";
import type { PredictParts } from "./predict.ts";
import { reopen, type Reopened } from "./reopen.ts";
import type { RollbackGuardOptions } from "./rollback.ts";
import type { StreamSettings } from "./settings.ts";
import type { SnapshotCue, SnapshotPolicyOptions, SnapshotReason } from "./snapshot-policy.ts";
import { snapshots } from "./snapshots.ts";
import { createTurn } from "./turn.ts";
import { watching } from "./watching.ts";

/** What a pipeline is made of. */
export interface PipelineParts {
  readonly settings: StreamSettings;
  /** Emits when `settings` have other values: they are read at each use, and periods begin anew. */
  readonly changed$?: Observable<unknown>;
  readonly topics: Topics;
  /** Already restored from the last checkpoint. Nobody else may call it. */
  readonly learner: Learner;
  /** The backbone's `modelId`, for predictions. */
  readonly modelId: string;
  readonly prepare: Prepare;
  readonly journal: Pick<Journal, "append" | "sizeBytes">;
  /** `journal.recover()`: what the last run left behind. */
  readonly recovered: readonly JournalEntry[];
  /** The last checkpoint's `Snapshot.stream`, as it was read from disk. */
  readonly streamState?: unknown;
  readonly service?: Service;
  /** Undefined: nothing is watched. */
  readonly drift?: DriftSettings;
  /** Undefined: the learner never goes back by itself. */
  readonly rollback?: Pick<RollbackGuardOptions, "settings" | "shadow">;
  readonly clock?: Clock;
  readonly scheduler?: SchedulerLike;
  readonly nextFrameId?: () => string;
  readonly log?: Log;
}

export interface Wired extends DecodeOptions, JoinOptions, PredictParts, LearnParts, ExecuteParts {
  readonly mailbox: MailboxOptions<ExpectedFrame>;
  readonly batch: (stop$: Observable<unknown>) => MicroBatchOptions;
  /** How batches of the last run are taken: one by one, before any other. */
  readonly replay: (stop$: Observable<unknown>) => MicroBatchOptions;
  readonly meter: MeterOptions;
  readonly snapshotPolicy: SnapshotPolicyOptions;
  readonly settings: StreamSettings;
  readonly learner: Learner;
  readonly recovered: Reopened;
  /** Every valid frame enters the label window at its receipt, whether it will be predicted or not. */
  readonly hold: (arrived: Arrived) => Exclude<Arrived, ArrivedFrame> | ExpectedFrame;
  readonly drifts: (end$: Observable<unknown>) => Observable<DriftNotice>;
  /** What is metered beside outcomes. */
  readonly signals: (end$: Observable<unknown>) => Observable<Metered>;
  /** What may ask for a snapshot. */
  readonly cues: (end$: Observable<unknown>) => Observable<SnapshotCue>;
  /** From the end of the input to the end of the time for draining. */
  readonly drained: MonoTypeOperatorFunction<true>;
  /** Gives up what is not on disk at `stop$`; it stays unsettled. */
  readonly breakOff: <T>(stop$: Observable<unknown>) => MonoTypeOperatorFunction<T>;
  readonly takeSnapshot: (reason: SnapshotReason) => Promise<readonly Snapshot[]>;
}

/** Line for the disk: beyond, a label of QoS 0 is refused at once, so that a flood of them stays bounded. */
const maxLine = 256;

/** Makes every part that `pipeline` puts together. */
export function wire(parts: PipelineParts): Wired {
  const { settings, topics, learner, modelId, prepare, journal, service, changed$ = NEVER } = parts;
  const { clock = systemClock, scheduler = asyncScheduler, nextFrameId = frameIds(), log = () => {} } = parts;
  const saved = readStreamState(parts.streamState);
  const signal$ = new Subject<Metered>();
  const cue$ = new Subject<SnapshotCue>();
  const paused$ = new BehaviorSubject(saved?.paused ?? false);
  if (paused$.value) log("warn", "learning is paused, as it was before the restart; resume-learning ends that");

  const turn = createTurn();
  const dropped = (reason: string): void => signal$.next({ kind: "drop", reason });
  const window = frameWindow(settings, clock, dropped);
  const memory = labelMemory(settings, saved?.memory);
  const book = labelBook(memory, clock);
  const accuracy = prequentialAccuracy(settings, saved?.accuracy);
  const asks = asker(settings, saved?.asker);
  const { drift, drift$, guard } = watching({ ...parts, saved: saved?.drift, clock });
  const progress = { through: Math.max(learner.poolVersion, saved?.through ?? 0), repeats: true };
  const paused = (): boolean => paused$.value;
  const shots = snapshots({ turn, learner, memory, accuracy, drift, progress, paused, asker: asks, log });
  const recovered = reopen(parts.recovered, { progress, window, book, clock, settings, log });
  const replayed$ = new BehaviorSubject(recovered.batches.length === 0);
  const writer = journalWriter({
    journal,
    settings,
    clock,
    scheduler,
    log,
    hasRoom: () => book.pending < settings.maxPendingLabels,
    isPaused: paused,
    needsRoom: () => cue$.next({ kind: "journal" }),
  });

  return {
    settings,
    topics,
    learner,
    modelId,
    prepare,
    service,
    clock,
    scheduler,
    nextFrameId,
    log,
    turn,
    window,
    memory,
    book,
    accuracy,
    asker: asks,
    drift,
    guard,
    progress,
    recovered,
    writer,
    hold(arrived) {
      if (arrived.kind !== "frame") return arrived;
      signal$.next({ kind: "frame" });
      return expectPrediction(arrived, window.add(arrived.frame));
    },
    known: () => learner.labels,
    lineIsFull: () => writer.waiting >= maxLine,
    changed$,
    sweepMs: () => Math.min(1000, Math.max(100, settings.labelWindowMs / 4)),
    mailbox: {
      keyOf: ({ frame }) => frame.camera,
      get parallel() {
        return settings.parallelFrames;
      },
      get maxKeys() {
        return settings.maxCameras;
      },
      dropped(frame, reason) {
        dropped(reason);
        frame.predictedBy();
      },
    },
    batch: (stop$) => ({
      get size() {
        return settings.learnBatch;
      },
      get maxWaitMs() {
        return settings.learnMaxWaitMs;
      },
      open$: combineLatest([paused$, replayed$], (paused, replayed) => !paused && replayed),
      stop$,
      scheduler,
    }),
    replay: (stop$) => ({ size: 1, maxWaitMs: 0, open$: concat(of(true), NEVER), stop$, scheduler }),
    labelDropped: () => cue$.next({ kind: "dropped" }),
    batchLearned: (count) => cue$.next({ kind: "learned", count }),
    rolledBack() {
      log(
        "warn",
        `the learner went back by itself to version ${learner.poolVersion}: what it learned since made it worse`,
      );
      signal$.next({ kind: "rollback" });
      cue$.next({ kind: "rollback" });
    },
    replayedTo: (poolVersion) => {
      if (poolVersion === recovered.batches.at(-1)?.poolVersion) replayed$.next(true);
    },
    meter: {
      get telemetryMs() {
        return settings.telemetryMs;
      },
      changed$,
      clock,
      scheduler,
      gauges: () => readGauges({ learner, drift, accuracy, book, window, journal, paused: paused() }),
    },
    snapshotPolicy: {
      get snapshotEveryLearned() {
        return settings.snapshotEveryLearned;
      },
      get snapshotEveryMs() {
        return settings.snapshotEveryMs;
      },
      changed$,
      scheduler,
    },
    pause: (paused) => paused$.next(paused),
    checkpoint() {
      const durable = shots.durable();
      cue$.next({ kind: "command" });
      return durable;
    },
    drifts: (end$) => drift$.pipe(takeUntil(end$)),
    signals: (end$) => signal$.pipe(takeUntil(end$)),
    cues: (end$) => merge(cue$, drift$.pipe(map(() => ({ kind: "drift" }) as const))).pipe(takeUntil(end$)),
    drained: delayWhen(() => timer(settings.drainMs, scheduler)),
    breakOff: (stop$) => takeUntil(stop$.pipe(tap(() => writer.close()))),
    takeSnapshot: (reason) => shots.take(reason),
  };
}
