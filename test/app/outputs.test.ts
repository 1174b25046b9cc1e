import { NEVER, Subject } from "rxjs";
import { expect, it } from "vitest";
import { outputs, type OutputParts } from "../../src/app/outputs.ts";
import type { BoxTelemetry } from "../../src/message/telemetry.ts";
import type { Snapshot } from "../../src/stream/checkpoint.ts";
import type { Pipeline } from "../../src/stream/pipeline.ts";
import { flush } from "../support/fake-stream.ts";
import { sampleTelemetry } from "../support/telemetry.ts";

const nothing = (): void => {};

function parts(of: Partial<OutputParts>): OutputParts {
  return {
    publisher: {
      prediction: nothing,
      learned: nothing,
      rejected: nothing,
      drift: nothing,
      reply: nothing,
      telemetry: nothing,
      snapshot: nothing,
    },
    state: { save: () => new Promise(() => {}) },
    settings: { publish: false },
    setByCommand: () => ({}),
    provider: { engine: "onnx", provider: "cpu", refused: [] },
    transport: { stats: () => ({ outboxMessages: 0, outboxBytes: 0, outboxDropped: 0, unsentQos0: 0 }) },
    sources: { telemetry: () => undefined },
    forward: undefined,
    notify: { alive: async () => {} },
    monitor: { telemetry: nothing },
    onCamera: nothing,
    log: nothing,
    ...of,
  };
}

function flow(of: Partial<Pipeline>): Pipeline {
  const silent = { prediction$: NEVER, learned$: NEVER, rejected$: NEVER, reply$: NEVER, telemetry$: NEVER };
  return { ...silent, drift$: NEVER, snapshot$: NEVER, connect: () => nothing, ...of };
}

it("a checkpoint is written though the queue of results cannot be synced: nobody else settles what waits for it", async () => {
  const snapshot$ = new Subject<Snapshot>();
  const saved: Snapshot[] = [];
  const logged: string[] = [];
  const forward = { sync: () => Promise.reject(new Error("EIO")) } as unknown as OutputParts["forward"];
  const save = (snapshot: Snapshot): Promise<never> => {
    saved.push(snapshot);
    return Promise.reject(new Error("no matter"));
  };
  const log: OutputParts["log"] = (_level, text) => void logged.push(text);
  const subscription = outputs(flow({ snapshot$ }), parts({ forward, state: { save }, log })).subscribe();
  const snapshot = { reason: "command" } as unknown as Snapshot;
  snapshot$.next(snapshot);
  await flush();
  expect(saved).toEqual([snapshot]);
  expect(logged[0]).toContain("may not outlive a power cut");
  subscription.unsubscribe();
});

it("telemetry tells what waits for the broker and what was lost", async () => {
  const telemetry$ = new Subject<typeof sampleTelemetry>();
  const told: BoxTelemetry[] = [];
  const stats = { outboxMessages: 3, outboxBytes: 40, outboxDropped: 2, unsentQos0: 1 };
  const publisher = { telemetry: (_: unknown, box: BoxTelemetry) => void told.push(box) };
  const subscription = outputs(
    flow({ telemetry$ }),
    parts({ transport: { stats: () => stats }, publisher: publisher as unknown as OutputParts["publisher"] }),
  ).subscribe();
  telemetry$.next(sampleTelemetry);
  await expect.poll(() => told).toHaveLength(1);
  expect(told[0]!.mqtt).toEqual(stats);
  subscription.unsubscribe();
});
