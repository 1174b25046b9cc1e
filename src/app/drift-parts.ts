import type { Learner } from "../learner/types.ts";
import type { DriftChoice } from "../settings/types.ts";
import type { PipelineParts } from "../stream/wire.ts";

/** What watches over a node's world and learner. @param newLearner Makes one like the node's own. */
export function driftParts(
  { rollback, ...drift }: DriftChoice,
  newLearner: () => Learner,
): Pick<PipelineParts, "drift" | "rollback"> {
  return { drift, ...(rollback.enabled && { rollback: { settings: rollback, shadow: newLearner } }) };
}
