import { Subject } from "rxjs";
import type { DriftNotice, LearnedLabel, Predicted, Refused, Reply } from "../../src/stream/outcome.ts";
import type { Snapshot } from "../../src/stream/checkpoint.ts";
import type { PipelineTelemetry } from "../../src/message/telemetry.ts";
import { pipeline } from "../../src/stream/pipeline.ts";
import type { RawMessage } from "../../src/stream/parts.ts";
import type { StreamSettings } from "../../src/stream/settings.ts";
import type { PipelineParts } from "../../src/stream/wire.ts";
import {
  fakeLearner,
  memoryJournal,
  prepare,
  testSettings,
  testTopics,
  type FakeLearner,
  type MemoryJournal,
} from "./fake-stream.ts";

/** A pipeline on fakes, with everything it said. */
export interface Box {
  readonly learner: FakeLearner;
  readonly journal: MemoryJournal;
  readonly predictions: Predicted[];
  readonly learned: LearnedLabel[];
  readonly rejected: Refused[];
  readonly replies: Reply[];
  readonly drifts: DriftNotice[];
  readonly telemetry: PipelineTelemetry[];
  readonly snapshots: Snapshot[];
  readonly logged: string[];
  readonly done: { completed: boolean; error?: unknown };
  send(...messages: readonly RawMessage[]): void;
  /** Other settings from now on. */
  change(settings: Partial<StreamSettings>): void;
  /** Completes the input. */
  stop(): void;
  /** Power off: nothing more happens, and nothing more reaches the disk. */
  crash(): void;
}

export interface BoxOptions extends Partial<Omit<PipelineParts, "learner" | "journal" | "settings">> {
  readonly learner?: FakeLearner;
  readonly journal?: MemoryJournal;
  readonly settings?: Partial<StreamSettings>;
  /** Writes a checkpoint; takes no time unless something else is said. */
  readonly save?: (snapshot: Snapshot) => void;
}

export function box({
  learner = fakeLearner(),
  journal = memoryJournal(),
  settings,
  save = (one) => one.settle(),
  ...parts
}: BoxOptions = {}): Box {
  const raw$ = new Subject<RawMessage>();
  const logged: string[] = [];
  const own = { ...testSettings, ...settings };
  const changed$ = new Subject<void>();
  const streams = pipeline(raw$, {
    topics: testTopics,
    learner,
    modelId: "model",
    prepare,
    journal,
    recovered: [...journal.entries],
    log: (_level, text) => void logged.push(text),
    ...parts,
    settings: own,
    changed$,
  });
  const out = {
    predictions: [],
    learned: [],
    rejected: [],
    replies: [],
    drifts: [],
    telemetry: [],
    snapshots: [],
  } as Pick<Box, "predictions" | "learned" | "rejected" | "replies" | "drifts" | "telemetry" | "snapshots">;
  const done: Box["done"] = { completed: false };
  const error = (cause: unknown): void => void (done.error = cause);
  streams.prediction$.subscribe({
    next: (one) => out.predictions.push(one),
    complete: () => (done.completed = true),
    error,
  });
  streams.learned$.subscribe({ next: (one) => out.learned.push(one), error });
  streams.rejected$.subscribe({ next: (one) => out.rejected.push(one), error });
  streams.reply$.subscribe({ next: (one) => out.replies.push(one), error });
  streams.drift$.subscribe({ next: (one) => out.drifts.push(one), error });
  streams.telemetry$.subscribe({ next: (one) => out.telemetry.push(one), error });
  streams.snapshot$.subscribe({
    next: (one) => {
      out.snapshots.push(one);
      save(one);
    },
    error,
  });
  const breakOff = streams.connect();
  return {
    ...out,
    learner,
    journal,
    logged,
    done,
    send: (...messages) => {
      for (const each of messages) raw$.next(each);
    },
    change(other) {
      Object.assign(own, other);
      changed$.next();
    },
    stop: () => raw$.complete(),
    crash() {
      journal.dead = true;
      breakOff();
    },
  };
}
