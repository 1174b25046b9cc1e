import { createRng } from "../kernel/rng.ts";
import { asker, type AskerState } from "../stream/ask.ts";
import type { Said } from "./methods/method.ts";
import type { Protocol } from "./plan.ts";
import type { Scenario } from "./scenario.ts";

/** JSON. */
export interface AskingState {
  /** Frames that have come. */
  readonly seen: number;
  /** Labels on their way: of the frame at that place in the stream, and the frame with which it comes. */
  readonly waiting: readonly { readonly place: number; readonly due: number }[];
  readonly asker: AskerState;
  readonly chance: readonly number[];
}

/**
 * Gives labels to the frames that ask for them, as a node would ask; or, for comparison, has chance doubt in the method's
 * place: as many labels, at the same pace.
 */
export interface Asking {
  /** Frames that have just been predicted, in their order. */
  frames(places: readonly number[], said: ReadonlyMap<number, Said>): void;
  /** Labels that have come by now, or all that are on their way. */
  labels(all: boolean): number[];
  save(): AskingState;
}

/** A frame a second: the share of an hour's frames is the hour's budget. */
const frameMs = 1000;
const hourFrames = 3600;

export function asking(
  { stream, unlabelled }: Pick<Scenario, "stream" | "unlabelled">,
  { labels, labelShare, labelDelay }: Pick<Protocol, "labels" | "labelShare" | "labelDelay">,
  seed: number,
  from?: AskingState,
): Asking {
  const chance = createRng(from?.chance ?? seed ^ 0xa5c);
  const budget = asker({ asksPerHour: labelShare * hourFrames }, from?.asker);
  let seen = from?.seen ?? 0;
  let waiting = [...(from?.waiting ?? [])];
  return {
    frames(places, said) {
      for (const place of places) {
        seen += 1;
        const { label = null, doubt = 0 } = said.get(place) ?? {};
        const doubted = labels === "asked" ? { label, doubt } : { label: null, doubt: chance.uniform() };
        const wants = budget.wants(doubted, seen * frameMs);
        // Nobody knows what a frame of a held-out class shows: that label was asked for in vain.
        if (wants && unlabelled?.has(stream[place]!) !== true) waiting.push({ place, due: seen + labelDelay });
      }
    },
    labels(all) {
      const ready = waiting.filter(({ due }) => all || due <= seen).map(({ place }) => place);
      waiting = waiting.filter(({ due }) => !all && due > seen);
      return ready;
    },
    save: () => ({ seen, waiting: [...waiting], asker: budget.save(), chance: chance.state() }),
  };
}
