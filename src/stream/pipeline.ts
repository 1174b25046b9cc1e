import { concatMap, connect, connectable, from, map, merge, type Observable, Subject, takeUntil } from "rxjs";
import type { PipelineTelemetry } from "../message/telemetry.ts";
import type { Snapshot } from "./checkpoint.ts";
import { decode } from "./decode.ts";
import { execute, withReply } from "./execute.ts";
import { join } from "./join.ts";
import { learn, learnAgain } from "./learn.ts";
import { mailbox } from "./mailbox.ts";
import { meter } from "./meter.ts";
import { microBatch } from "./micro-batch.ts";
import type { DriftNotice, LearnedLabel, Outcome, Predicted, Refused, Reply } from "./outcome.ts";
import type { RawMessage } from "./parts.ts";
import { persist } from "./persist.ts";
import { predict } from "./predict.ts";
import { snapshotPolicy } from "./snapshot-policy.ts";
import { after, done, each, only } from "./streams.ts";
import { wire, type PipelineParts } from "./wire.ts";

/** Subscribe to what you need, then `connect`. */
export interface Pipeline {
  readonly prediction$: Observable<Predicted>;
  readonly learned$: Observable<LearnedLabel>;
  readonly rejected$: Observable<Refused>;
  readonly reply$: Observable<Reply>;
  /** Alarms of the drift detectors. */
  readonly drift$: Observable<DriftNotice>;
  readonly telemetry$: Observable<PipelineTelemetry>;
  readonly snapshot$: Observable<Snapshot>;
  /**
   * Starts. When `raw$` completes, what is in flight is finished, what waits is learned for at most `drainMs`, a last
   * snapshot is taken and every stream completes. The returned function breaks off at once.
   */
  connect(): () => void;
}

/**
 * The whole graph. Only bugs and a failed engine travel as errors.
 * ```
 * raw$ → decode ─┬─ frames ───────── mailbox ── predict ──────────┬→ prediction$ rejected$
 *                ├─ frames, labels ─ join ── persist ── microBatch ── learn ─┬→ learned$ rejected$
 *                └─ commands ─────── execute ─────────────────────┴→ reply$
 *                                              all of them ── snapshotPolicy → snapshot$,  meter → telemetry$
 * ```
 */
export function pipeline(raw$: Observable<RawMessage>, parts: PipelineParts): Pipeline {
  const w = wire(parts);

  const outcome$: Observable<Outcome> = raw$.pipe(
    decode(w),
    map((arrived) => w.hold(arrived)),
    connect((in$) => {
      const stop$ = done(in$).pipe(w.drained);
      const predictions$ = in$.pipe(
        only("frame"),
        mailbox(w.mailbox, (arrived) => predict(arrived, w)),
      );
      const labels$ = in$.pipe(only("frame", "label"), join(w), persist(w), w.breakOff(stop$));
      const learned$ = labels$.pipe(
        connect((written$) => {
          const ready$ = merge(from(w.recovered.ready), written$.pipe(only("ready")));
          const batches$ = ready$.pipe(microBatch(w.batch(stop$), (batch) => learn(batch, w)));
          return merge(written$.pipe(only("rejected", "duplicate")), batches$.pipe(each()));
        }),
      );
      const replayed$ = from(w.recovered.batches).pipe(
        microBatch(w.replay(stop$), ([batch]) => learnAgain(batch!, w)),
        each(),
      );
      const replies$ = in$.pipe(
        only("command"),
        concatMap(({ request }) => execute(request, w)),
        takeUntil(stop$),
      );
      const refused$ = in$.pipe(only("rejected"), concatMap(withReply));
      return merge(refused$, predictions$, learned$, replayed$, replies$);
    }),
    after((outcome) => "settle" in outcome && outcome.settle()),
  );

  const all$ = connectable(
    outcome$.pipe(
      connect((out$) => {
        const notice$ = merge(out$, w.drifts(done(out$)));
        return merge(
          notice$,
          w.cues(done(out$)).pipe(
            snapshotPolicy(w.snapshotPolicy),
            concatMap((reason) => w.takeSnapshot(reason)),
            each(),
            map((snapshot) => ({ kind: "snapshot", snapshot }) as const),
          ),
          merge(notice$, w.signals(done(out$))).pipe(
            meter(w.meter),
            map((telemetry) => ({ kind: "telemetry", telemetry }) as const),
          ),
        );
      }),
    ),
    { connector: () => new Subject(), resetOnDisconnect: false },
  );

  return {
    prediction$: all$.pipe(only("prediction")),
    learned$: all$.pipe(only("learned")),
    rejected$: all$.pipe(only("rejected")),
    reply$: all$.pipe(only("reply")),
    drift$: all$.pipe(only("drift")),
    telemetry$: all$.pipe(
      only("telemetry"),
      map(({ telemetry }) => telemetry),
    ),
    snapshot$: all$.pipe(
      only("snapshot"),
      map(({ snapshot }) => snapshot),
    ),
    connect() {
      const connection = all$.connect();
      return () => {
        connection.unsubscribe();
        w.writer.close();
      };
    },
  };
}
