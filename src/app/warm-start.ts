import { firstValueFrom, filter, race, timer } from "rxjs";
import type { Transport } from "../edge/transport.ts";
import type { Learner } from "../learner/types.ts";
import type { ModelIdentity } from "./durable-state.ts";
import { decodeSnapshot, type SnapshotHeader } from "../message/snapshot.ts";
import { requireModel } from "../message/snapshot-about.ts";

export interface WarmStartOptions {
  readonly topic: string;
  readonly model: ModelIdentity;
  /** How long the broker, and then the snapshot, is waited for, ms. */
  readonly waitMs: number;
}

/**
 * Starts an empty learner from another node's retained snapshot (see `createLearner` for what it can predict then).
 * @returns what the snapshot says of itself; null when none came in time
 * @throws AppError `snapshot/…`, `learner/state`
 */
export async function warmStart(
  learner: Learner,
  transport: Pick<Transport, "state$" | "retained">,
  { topic, model, waitMs }: WarmStartOptions,
): Promise<SnapshotHeader | null> {
  const connected$ = transport.state$.pipe(filter(({ kind }) => kind === "connected"));
  await firstValueFrom(race(connected$, timer(waitMs)));
  const bytes = await transport.retained(topic, waitMs);
  if (bytes === undefined) return null;
  const { header, state } = decodeSnapshot(bytes);
  requireModel(header, model);
  learner.restore(state);
  return header;
}
