import type { BackboneInfo, Engine } from "../backbone/engine.ts";
import { appError } from "../kernel/errors.ts";
import { promptedFeatures } from "./batch.ts";
import { calibrator } from "./calibration.ts";
import { admit, dropLabel } from "./classes.ts";
import { combiner, type Scores } from "./combine.ts";
import { afterBatch, type Verdict } from "./effort.ts";
import { dropClass, headLogits } from "./head.ts";
import { argmax, competingClasses, trainingOffsets } from "./loss.ts";
import { nothingKnown } from "./nothing-known.ts";
import { type NoveltyJudge, noveltyJudge } from "./novelty.ts";
import { type Pool, withKeys } from "./pool.ts";
import { predictionOf } from "./predict.ts";
import { cosines, selectPrompts } from "./select.ts";
import { checkSettings, type LearnerSettings } from "./settings.ts";
import { type Knowledge, readState, saveState } from "./state.ts";
import { evenParts, gaussians } from "./statistics.ts";
import { growHeadFor, trainPrompted } from "./train.ts";
import type { HeadName, LabelledSample, Learned, Learner, LearnOptions, Prediction, Sample } from "./types.ts";

export interface LearnerOptions {
  /** Must have been made for the kind of head that `settings.head.kind` says. */
  readonly engine: Engine;
  readonly settings: LearnerSettings;
  readonly seed: number;
}

/**
 * L2P for a stream: a prompted head trained by gradient steps and a closed-form head on q(x), combined by how well each
 * has predicted lately.
 *
 * A node warm-started from `saveCompact` makes the same prompted-head predictions as the writer. Its statistics head has
 * the writer's class means, counts and overall variance but no covariance: until its own samples fill one it is a
 * nearest-class-mean classifier, so its predictions, and the combined ones, can differ from the writer's. Its prompts are
 * put on trial anew, beside that.
 * @throws AppError `learner/settings`
 */
export function createLearner({ engine, settings, seed }: LearnerOptions): Learner {
  checkSettings(settings);
  const { info } = engine;
  const { width } = info;
  const prompted = settings.heads.includes("prompted");
  const { mask } = settings.loss;
  const labelMemory = mask.kind === "recent" ? mask.samples / 2 : 1;
  const statistical = settings.heads.includes("statistics");
  let known: Knowledge = nothingKnown(settings, info, seed);
  let statistics = gaussians(settings.statistics, info.queryWidth, known.statistics);
  let mixer = combiner(settings.heads, settings.combine, known.combination);
  let calibration = calibrator(settings.calibration.memorySamples, known.calibration);
  let novelty = judgeFrom(known);
  const honest = { combine: (scores: Scores) => calibration.apply(mixer.combine(scores)) };
  const predictionUses = new Float64Array(settings.pool.size);

  /** With q(x) alone, by which prompts are selected. */
  function selecting({ pixels, query }: Sample): Sample {
    return { pixels, query: query.subarray(0, width) };
  }

  function judgeFrom({ knownScores }: Knowledge): NoveltyJudge | undefined {
    return statistical ? noveltyJudge(settings.unknown, () => statistics, knownScores) : undefined;
  }

  function scoresOf(said: Float64Array | undefined, logits: Float64Array | undefined): Scores {
    const scores = new Map<HeadName, Float64Array>();
    if (logits !== undefined) scores.set("prompted", logits);
    if (said !== undefined) scores.set("statistics", said);
    return scores;
  }

  function idsFor(sample: Sample, { keys }: Pool): number[] {
    return prompted ? selectPrompts(selecting(sample).query, keys.value, settings.pool.topN) : [];
  }

  async function predictOne(sample: Sample): Promise<Prediction> {
    checkSample(sample, info);
    const { poolVersion, classes, pool, head } = known;
    const promptIds = idsFor(sample, pool);
    if (!known.effort.resting) for (const id of promptIds) predictionUses[id]! += 1;
    const query = evenParts(sample.query, width);
    const about = { promptIds, poolVersion, novelty: novelty?.judge(query) ?? null, topLabels: settings.topLabels };
    if (classes.labels.length === 0) return predictionOf(classes, honest, new Map(), about);
    const [feature] =
      prompted && !known.effort.resting ? await promptedFeatures(engine, pool, [sample], [promptIds]) : [];
    const logits = feature && headLogits(settings.head.kind, head, feature);
    const said = statistical ? statistics.scores(query) : undefined;
    return predictionOf(classes, honest, scoresOf(said, logits), about);
  }

  async function learn(
    batch: readonly LabelledSample[],
    { plasticity = 1 }: LearnOptions = {},
  ): Promise<readonly Learned[]> {
    if (batch.length === 0) throw appError("learner/empty-batch", "there is nothing to learn");
    for (const sample of batch) checkSample(sample, info);
    const before = known;
    const queries = batch.map(({ query }) => evenParts(query, width));
    const samples = batch.map(selecting);
    const selectors = samples.map(({ query }) => query);
    const labels = batch.map(({ label }) => label);
    const { classes, classIds, gaps } = admit(before.classes, labels, labelMemory);
    const knownClasses = before.classes.labels.length;

    const works = prompted && !before.effort.resting;
    // The prompted head: gradient steps on copies, so that a failing engine leaves everything as it was.
    const pool = before.keysPending ? withKeys(before.pool, settings.pool, selectors) : before.pool;
    const start = { pool, head: before.head, uses: before.uses };
    const grown = prompted ? await growHeadFor(engine, settings, start, samples, classIds) : before.head;
    const competing = competingClasses(mask, classes);
    const offsets = trainingOffsets(mask, classes);
    const { first, ...trained } = works
      ? await trainPrompted(
          engine,
          settings,
          { ...start, head: grown },
          { samples, classIds, competing, offsets },
          plasticity,
        )
      : { ...start, head: grown, first: undefined };

    // Predict first: all of the batch by what was known before it. The first step's forward is that prediction.
    const said = statistical ? queries.map((query) => statistics.scores(query)) : [];
    const scores = queries.map((_, b) => scoresOf(said[b], first?.logits[b]!.subarray(0, knownClasses)));
    const combined = scores.map((heads) => mixer.combine(heads));
    const judged = queries.map((query) => novelty?.judge(query) ?? null);
    const about = { poolVersion: before.poolVersion, topLabels: settings.topLabels };
    const predictions = scores.map((heads, b) =>
      predictionOf(before.classes, honest, heads, {
        ...about,
        promptIds: first?.selections[b] ?? idsFor(batch[b]!, pool),
        novelty: judged[b]!,
      }),
    );

    const losses = first?.losses ?? combined.map((chances, b) => surprise(chances, classIds[b]!));

    // Then learn, first of all how right that was.
    classIds.forEach((c, b) => {
      const wasKnown = c < knownClasses;
      if (!wasKnown && gaps[b] !== Infinity) calibration.observeAgain();
      else calibration.observe(combined[b]!, wasKnown ? c : null);
      if (wasKnown && judged[b]) novelty?.observe(judged[b]);
    });
    // Who was right about each label that was known, in a trial of the prompts.
    const verdicts = classIds.flatMap((c, b): Verdict[] => {
      const alone = scores[b]!.get("statistics");
      if (c >= knownClasses || !alone || !scores[b]!.has("prompted")) return [];
      return [{ combined: argmax(combined[b]!) === c, alone: argmax(alone) === c }];
    });
    const effort = afterBatch(settings, before.effort, verdicts, batch.length, plasticity);
    classIds.forEach((c, b) => c < knownClasses && mixer.observe(scores[b]!, c, gaps[b]!));
    if (statistical) classIds.forEach((c, b) => statistics.learn(queries[b]!, c));
    const poolVersion = before.poolVersion + 1;
    known = { ...before, ...trained, classes, effort, keysPending: false, poolVersion };
    return batch.map(({ label }, b) => ({ label, before: predictions[b]!, loss: losses[b]!, poolVersion }));
  }

  function all(): Knowledge {
    const knownScores = novelty?.save() ?? known.knownScores;
    return { ...known, combination: mixer.save(), calibration: calibration.save(), knownScores };
  }

  function idOf(label: string): number {
    const id = known.classes.labels.indexOf(label);
    if (id < 0) throw appError("learner/unknown-label", `no label ${JSON.stringify(label)} was learned`);
    return id;
  }

  return {
    get poolVersion() {
      return known.poolVersion;
    },
    get labels() {
      return known.classes.labels;
    },
    async query(pixels) {
      const features = await engine.query({ pixels: pixels.slice(), count: 1 });
      return features.data.slice(0, info.queryWidth);
    },
    predictOne,
    async learnOne(sample, label) {
      const [learned] = await learn([{ pixels: sample.pixels, query: sample.query, label }]);
      return learned!;
    },
    learn,
    similarity: (query) =>
      known.classes.labels.length === 0 ? null : Math.max(...cosines(query.subarray(0, width), known.pool.keys.value)),
    save: () => saveState("full", all(), settings, info),
    saveCompact: () => saveState("compact", all(), settings, info),
    restore(state) {
      known = readState(state, settings, info);
      statistics = gaussians(settings.statistics, info.queryWidth, known.statistics);
      mixer = combiner(settings.heads, settings.combine, known.combination);
      calibration = calibrator(settings.calibration.memorySamples, known.calibration);
      novelty = judgeFrom(known);
    },
    forgetLabel(label) {
      const id = idOf(label);
      if (statistical) statistics.drop(id);
      const head = prompted ? dropClass(known.head, id) : known.head;
      known = { ...known, head, classes: dropLabel(known.classes, id) };
    },
    renameLabel(from, to) {
      const id = idOf(from);
      if (from !== to && known.classes.labels.includes(to)) {
        throw appError("learner/label-taken", `${JSON.stringify(to)} is a label already`);
      }
      known = { ...known, classes: { ...known.classes, labels: known.classes.labels.with(id, to) } };
    },
    telemetry() {
      const { labels, counts } = known.classes;
      const shares = mixer.shares();
      return {
        promptUse: Array.from(known.uses, (uses, m) => uses + predictionUses[m]!),
        classCounts: Object.fromEntries(labels.map((label, c) => [label, counts[c]!])),
        combination: known.effort.resting
          ? { prompted: 0, statistics: 1 }
          : { prompted: shares.get("prompted") ?? 0, statistics: shares.get("statistics") ?? 0 },
      };
    },
  };
}

/** What the combination lost on class c, nats; a class that it did not know counts as one more, as likely as the others. */
function surprise(probabilities: Float64Array, c: number): number {
  return c < probabilities.length
    ? -Math.log(Math.max(probabilities[c]!, Number.MIN_VALUE))
    : Math.log(probabilities.length + 1);
}

/** @throws AppError `learner/sample` */
function checkSample({ pixels, query }: Sample, { queryWidth, imageSize }: BackboneInfo): void {
  if (query.length !== queryWidth || pixels.length !== imageSize * imageSize * 3) {
    throw appError("learner/sample", `${pixels.length} pixel bytes and ${query.length} query numbers do not fit`);
  }
  // One NaN would spread to every mean and moment, and stay.
  if (!query.every(Number.isFinite)) throw appError("learner/sample", "the query holds numbers that are not finite");
}
