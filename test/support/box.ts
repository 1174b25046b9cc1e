import { Subject } from "rxjs";
import type { LearnedLabel, Predicted, Refused, Reply } from "../../src/stream/outcome.ts";
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
  readonly telemetry: PipelineTelemetry[];
  readonly snapshots: Snapshot[];
  readonly logged: string[];
  readonly done: { completed: boolean };
  send(...messages: readonly RawMessage[]): void;
  /** Completes the input. */
  stop(): void;
  /** Power off: nothing more happens, and nothing more reaches the disk. */
  crash(): void;
}

export interface BoxOptions extends Partial<Omit<PipelineParts, "learner" | "journal" | "settings">> {
  readonly learner?: FakeLearner;
  readonly journal?: MemoryJournal;
  readonly settings?: Partial<StreamSettings>;
}

export function box({ learner = fakeLearner(), journal = memoryJournal(), settings, ...parts }: BoxOptions = {}): Box {
  const raw$ = new Subject<RawMessage>();
  const logged: string[] = [];
  const streams = pipeline(raw$, {
    topics: testTopics,
    learner,
    modelId: "model",
    prepare,
    journal,
    recovered: [...journal.entries],
    log: (_level, text) => void logged.push(text),
    ...parts,
    settings: { ...testSettings, ...settings },
  });
  const out = { predictions: [], learned: [], rejected: [], replies: [], telemetry: [], snapshots: [] } as Pick<
    Box,
    "predictions" | "learned" | "rejected" | "replies" | "telemetry" | "snapshots"
  >;
  const done = { completed: false };
  streams.prediction$.subscribe({ next: (one) => out.predictions.push(one), complete: () => (done.completed = true) });
  streams.learned$.subscribe((one) => out.learned.push(one));
  streams.rejected$.subscribe((one) => out.rejected.push(one));
  streams.reply$.subscribe((one) => out.replies.push(one));
  streams.telemetry$.subscribe((one) => out.telemetry.push(one));
  streams.snapshot$.subscribe((one) => out.snapshots.push(one));
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
    stop: () => raw$.complete(),
    crash() {
      journal.dead = true;
      breakOff();
    },
  };
}
