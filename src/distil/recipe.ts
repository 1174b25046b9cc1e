import type { VitArchitecture } from "../backbone/architecture.ts";
import type { Normalisation } from "../backbone/vit.ts";
import type { DistilLoss } from "./distil-graph.ts";
import type { TrainSettings } from "./train.ts";

/** Everything that decides what comes out of a training, but the images and the teacher. */
export interface Recipe {
  readonly name: string;
  readonly architecture: VitArchitecture;
  readonly normalisation: Normalisation;
  readonly loss: DistilLoss;
  /** See `whiteningOf`. */
  readonly whiteningShrinkage: number;
  /** Pictures of parts that the product draws, beside the photographs. */
  readonly drawings: number;
  /** Share of each batch that shows them, 0…1. */
  readonly drawingShare: number;
  /** Photographs of each class that are only watched. */
  readonly heldOutPerClass: number;
  /** Photographs of each class that are trained on; absent: all that are not held out. */
  readonly photographsPerClass?: number | undefined;
  readonly train: TrainSettings;
}

export interface RecipeOptions {
  /** How many views are shown to the student in all, mirrored or not. */
  readonly viewsSeen: number;
  readonly seed: number;
  /** See `Recipe.photographsPerClass`. */
  readonly photographsPerClass?: number | undefined;
}

/** The recipe of models/embedded: 2.7 million weights, 65 tokens. */
export function embeddedRecipe({ viewsSeen, seed, photographsPerClass }: RecipeOptions): Recipe {
  const batchSize = 32;
  const steps = Math.ceil(viewsSeen / batchSize);
  return {
    name: "l2p-edge-vit-micro",
    architecture: {
      imageSize: 64,
      patchSize: 8,
      width: 192,
      depth: 6,
      heads: 3,
      mlpWidth: 768,
      layerNormEps: 1e-6,
    },
    normalisation: { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
    loss: { squared: 1, cosine: 1, whitened: 0.5, tokens: 2 },
    whiteningShrinkage: 0.1,
    drawings: 3000,
    drawingShare: 0.3,
    heldOutPerClass: 5,
    photographsPerClass,
    train: {
      steps,
      // All patches at the end, to get used to seeing so many: a step then takes more than twice as long.
      keptSteps: Math.max(Math.floor(steps * 0.85), steps - Math.ceil(36_000 / batchSize)),
      keptSide: 5,
      batchSize,
      warmUpSteps: Math.ceil(steps / 20),
      peakRate: 1e-3,
      floorRate: 1e-5,
      weightDecay: 0.05,
      beta1: 0.9,
      beta2: 0.98,
      clipNorm: 1,
      seed,
    },
  };
}
