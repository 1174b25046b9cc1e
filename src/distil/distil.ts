import { isDeepStrictEqual } from "node:util";
import { mkdir } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Manifest } from "../backbone/manifest.ts";
import { patchCount } from "../backbone/architecture.ts";
import { loadModel } from "../backbone/model.ts";
import { appError } from "../kernel/errors.ts";
import { chooseHeldOut, chooseTrainedOn, createHeldOut } from "./held-out.ts";
import { identityOf } from "./identity.ts";
import { randomParameters } from "./initialise.ts";
import { fromWeights, layoutOf, type ParameterLayout } from "./parameters.ts";
import type { Recipe } from "./recipe.ts";
import { createSamples } from "./samples.ts";
import { saveModel } from "./save-model.ts";
import { standardise, type Standardisation, standardisationOf, whiteningOf } from "./standardise.ts";
import { createTeacher, studentTaps, type Teacher, teacherTap } from "./teacher.ts";
import { type ViewSet, viewSet } from "./teacher-cache.ts";
import { train } from "./train.ts";
import type { LogEntry } from "./training-log.ts";
import { createTrainingSession } from "./training-session.ts";
import { openTrainingImages, type TrainingImages } from "./training-images.ts";
import { type ViewKind, viewKinds } from "./view.ts";

export interface DistilOptions {
  readonly recipe: Recipe;
  /** The teacher: a model folder or a .safetensors file. */
  readonly teacherPath: string;
  /** An ImageFolder tree, or a tar of one. */
  readonly imagesPath: string;
  /** What they are and on which terms, for the manifest. */
  readonly imagesNote?: string;
  /** Teacher's features and checkpoints: what a stopped run goes on from. Outside git. */
  readonly workFolder: string;
  /** Where the model is written. */
  readonly outFolder: string;
  /** A student of this recipe's architecture to go on from; without it, random weights. */
  readonly startPath?: string | undefined;
  /** 0 lets ONNX Runtime choose. */
  readonly threads: number;
  readonly onTeacher?: (kind: ViewKind, done: number, of: number) => void;
  readonly onLog?: (entry: LogEntry) => void;
}

/**
 * Distils a ViT's q(x) into a small one, from random weights to a model folder: the teacher looks at every view once
 * (kept on disk), then the student is trained on them. Stopped at any time, it goes on where it was.
 * @throws AppError `distil/teacher`, `distil/images`, `distil/checkpoint`, and those of `loadModel`, `openTrainingImages` and `viewSet`
 */
export async function distil(options: DistilOptions): Promise<Manifest> {
  const { recipe, workFolder, threads, onLog } = options;
  const { drawings, normalisation, loss } = recipe;
  const images = await openTrainingImages(options.imagesPath, drawings, recipe.train.seed);
  const heldOut = chooseHeldOut(images.labels, recipe.heldOutPerClass);
  const photographs = chooseTrainedOn(images.labels, heldOut, recipe.photographsPerClass);
  if (photographs.length === 0) {
    const few = `no class has more than the ${recipe.heldOutPerClass} photographs that are held out`;
    throw appError("distil/images", `${options.imagesPath}: ${few}`);
  }
  const { sets, teacher } = await lookAtAll(images, options);

  const layout = layoutOf(recipe.architecture);
  const { width, imageSize: studentSizePx } = recipe.architecture;
  const standardisation = standardisationOf(
    sets.map((set) => set.features),
    width,
  );
  const tokenStandardisation = tokenDeviations(sets[0]!, studentTaps(recipe.architecture.depth).length, width);
  const standardised = sets[0]!.features.slice();
  standardise(standardised, standardisation);
  const whitening = whiteningOf(standardised, width, recipe.whiteningShrinkage);
  const session = createTrainingSession({ layout, normalisation, loss, whitening, threads });
  const { seed } = recipe.train;
  const start = await startOf(layout, options);
  const training = { recipe, teacher: teacher.identity, photographs: images.sha256, start: start.modelId };
  await mkdir(workFolder, { recursive: true });
  const { weights, log } = await train({
    layout,
    session,
    samples: createSamples({
      sets,
      photographs,
      firstDrawing: images.photographs,
      drawingShare: recipe.drawingShare,
      standardisation,
      tokenStandardisation,
      patches: patchCount(recipe.architecture),
      studentSizePx,
      seed,
    }),
    heldOut: createHeldOut({ session, plain: sets[0]!, labels: images.labels, heldOut, standardisation }),
    settings: recipe.train,
    start: start.weights,
    // Trainings of different recipes share a work folder.
    checkpointPath: join(workFolder, `${recipe.name}-${identityOf(training)}.checkpoint.safetensors`),
    recipe: JSON.stringify(training),
    checkpointEverySteps: 200,
    logEverySteps: 50,
    // Looking takes as long as 60 steps: twenty times in a long training are enough.
    watchEverySteps: Math.max(500, Math.ceil(recipe.train.steps / 1000) * 50),
    onLog: onLog ?? (() => {}),
  });
  await session.close();
  for (const { tokens } of sets) tokens.close();
  const provenance = {
    distilledFrom: teacher.info.name,
    trainedOn: trainedOn(options, photographs.length, images.drawings),
  };
  return await saveModel(options.outFolder, layout, weights, { recipe, provenance, log });
}

/** For each tap, over the first images: enough for two numbers a feature. */
function tokenDeviations({ count, tokens }: ViewSet, taps: number, width: number): Standardisation[] {
  const images = Array.from({ length: Math.min(count, 1000) }, (_, index) => tokens.read(index));
  return Array.from({ length: taps }, (_, tap) =>
    standardisationOf(
      images.map((image) => image.subarray((tap * image.length) / taps, ((tap + 1) * image.length) / taps)),
      width,
    ),
  );
}

interface Start {
  readonly weights: Float32Array;
  /** Undefined for random ones, which the recipe's seed makes. */
  readonly modelId?: string;
}

/** @throws AppError `distil/start` for a model of another shape */
async function startOf(layout: ParameterLayout, { recipe, startPath }: DistilOptions): Promise<Start> {
  if (startPath === undefined) return { weights: randomParameters(layout, recipe.train.seed) };
  const { info, architecture, weights } = await loadModel(startPath);
  if (!isDeepStrictEqual(architecture, recipe.architecture)) {
    throw appError("distil/start", `${info.name} has another architecture than the recipe's student`);
  }
  return { weights: fromWeights(layout, weights), modelId: info.modelId };
}

async function lookAtAll(
  images: TrainingImages,
  { recipe, teacherPath, workFolder, threads, onTeacher }: DistilOptions,
): Promise<{ readonly sets: readonly ViewSet[]; readonly teacher: Pick<Teacher, "info" | "identity"> }> {
  const model = await loadModel(teacherPath);
  const { name, width } = model.info;
  if (width !== recipe.architecture.width) {
    throw appError("distil/teacher", `${name} is ${width} wide, the student ${recipe.architecture.width}`);
  }
  const { depth, imageSize, patchSize } = recipe.architecture;
  const teacher = await createTeacher({
    model,
    taps: studentTaps(depth).map((tap) => teacherTap(tap, depth, model.architecture.depth)),
    studentSide: imageSize / patchSize,
    threads,
  });
  const sets: ViewSet[] = [];
  try {
    for (const kind of viewKinds) {
      const set = await viewSet(kind, {
        folder: workFolder,
        images,
        teacher,
        studentSizePx: recipe.architecture.imageSize,
        seed: recipe.train.seed,
        ...(onTeacher && { onProgress: onTeacher }),
      });
      sets.push(set);
    }
  } finally {
    await teacher.close();
  }
  return { sets, teacher };
}

function trainedOn({ imagesPath, imagesNote }: DistilOptions, photographs: number, drawings: number): string {
  const note = imagesNote === undefined ? "" : ` (${imagesNote})`;
  const images = `${photographs} photographs of ${basename(imagesPath)}${note} and ${drawings} parts drawn by l2p-edge`;
  return `${images}; ${viewKinds.length} views of each, mirrored at random, without labels.`;
}
