import { appError } from "../kernel/errors.ts";
import type { Learner } from "../learner/types.ts";
import type { Service } from "../stream/execute.ts";
import type { DurableState, ModelIdentity } from "./durable-state.ts";
import type { LiveSettings } from "./live-settings.ts";

/** The commands that need more than the pipeline has; each runs between two batches. */
export function commandService(
  state: Pick<DurableState, "store" | "restoreNamed">,
  model: ModelIdentity,
  learner: Learner,
  live: Pick<LiveSettings, "set">,
): Service {
  async function takeOver(steps: number): Promise<string> {
    const entry = (await state.store.list())[steps];
    if (entry === undefined) throw appError("store/not-found", `there is no checkpoint ${steps} before the newest`);
    await state.restoreNamed(entry.name, learner, model);
    return entry.name;
  }

  return async (command) => {
    switch (command.name) {
      case "restore": {
        const { checkpoint } = command.arguments;
        if (checkpoint !== undefined) await state.restoreNamed(checkpoint, learner, model);
        const name = checkpoint ?? (await takeOver(0));
        return { checkpoint: name, poolVersion: learner.poolVersion };
      }
      case "rollback": {
        const name = await takeOver(command.arguments.steps);
        return { checkpoint: name, poolVersion: learner.poolVersion };
      }
      case "set":
        return { ...(await live.set(command.arguments.key, command.arguments.value)) };
    }
  };
}
