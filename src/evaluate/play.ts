import { asking } from "./asking.ts";
import type { Method, Said, Shown } from "./methods/method.ts";
import { calibrationBins } from "./metrics.ts";
import { chunks, type Protocol, type Turn } from "./plan.ts";
import { overall, type Point, type RunRecord, type Scores } from "./record.ts";
import type { Scenario, TestSet } from "./scenario.ts";

export interface PlayOptions {
  readonly scenario: Scenario;
  readonly protocol: Protocol;
  readonly seed: number;
  readonly turns: readonly Turn[];
  readonly method: Method;
  /** Images as the method sees them, in this order. */
  readonly show: (images: readonly number[]) => Promise<Shown[]>;
  /** What was found up to `from`; it goes on in place. */
  readonly record: RunRecord;
  /** The first turn to play. */
  readonly from: number;
  /** After each turn, with the one that is to be played next. @returns true to stop here. */
  onTurn(next: number): Promise<boolean>;
}

/** Images that are tested at a time. */
const testBatch = 16;

/**
 * Plays turns to a method: its frames are predicted, then its labels learned; at stops the test sets are predicted.
 * @returns whether it was played to the end.
 */
export async function play(options: PlayOptions): Promise<boolean> {
  const { scenario, protocol, seed, turns, method, record } = options;
  const asks = protocol.labels === "random" ? undefined : asking(scenario, protocol, seed, record.asking);
  for (let next = options.from; next < turns.length; next++) {
    const turn = turns[next]!;
    const isLast = next === turns.length - 1;
    await playTurn(options, turn, asks && ((frames, said) => (asks.frames(frames, said), asks.labels(isLast))));
    if (asks) record.asking = asks.save();
    if (turn.endsSegment !== null) await method.boundary?.();
    if (turn.stop || turn.endsSegment !== null) {
      const after = turns.slice(0, next + 1).reduce((sum, { frames }) => sum + frames.length, 0);
      record.points.push(await test(options, turn, after, isLast));
    }
    if (await options.onTurn(next + 1)) return isLast;
  }
  return true;
}

/** @param ask Labels that come for what was said of the frames; absent where the turn has them. */
async function playTurn(
  { scenario, protocol, method, show, record }: PlayOptions,
  { frames, labels }: Turn,
  ask?: (frames: readonly number[], said: ReadonlyMap<number, Said>) => readonly number[],
): Promise<void> {
  const { cost } = record;
  const labelOf = (place: number): string => scenario.images[scenario.stream[place]!]!.label;
  const shown = async (places: readonly number[]): Promise<Shown[]> =>
    places.length === 0 ? [] : show(places.map((place) => scenario.stream[place]!));
  const said = new Map<number, Said>();

  // A frame whose label comes at once is predicted by the learning, which begins with that.
  const atOnce = new Set(labels.filter((place) => frames.includes(place)));
  const others = frames.filter((place) => !atOnce.has(place));
  if (others.length > 0) {
    const images = await shown(others);
    const predictions = await timed(
      () => method.predict(images),
      (ms) => (cost.predictMs += ms),
    );
    cost.predicted += others.length;
    others.forEach((place, i) => said.set(place, predictions[i]!));
  }
  const known = new Set(record.labels);
  for (const part of chunks(ask ? ask(frames, said) : labels, protocol.batch)) {
    const batch = (await shown(part)).map((image, i) => ({ ...image, label: labelOf(part[i]!) }));
    const before = await timed(
      () => method.learn(batch),
      (ms) => (cost.learnMs += ms),
    );
    cost.learned += part.length;
    part.forEach((place, i) => atOnce.has(place) && said.set(place, before[i]!));
    record.labels = [...new Set([...record.labels, ...batch.map(({ label }) => label)])];
  }
  for (const place of frames) {
    noteNovelty(record, said.get(place)!, known.has(labelOf(place)));
    const { similarity } = said.get(place)!;
    if (similarity !== undefined) (record.similarity ??= []).push(similarity);
    // Of a class that is held out there is no right answer.
    if (!scenario.unlabelled?.has(scenario.stream[place]!)) score(record, said.get(place)!, labelOf(place));
  }
}

function noteNovelty(record: RunRecord, { novelty }: Said, isKnown: boolean): void {
  if (novelty === undefined) return;
  record.novelty ??= { known: { scores: [], unknown: 0 }, novel: { scores: [], unknown: 0 } };
  const side = record.novelty[isKnown ? "known" : "novel"];
  side.scores.push(novelty.score);
  if (novelty.unknown) side.unknown += 1;
}

/** The answers of the method and its heads. Before the first label they have none, which is wrong; a head that has none later rests, and is not judged. */
function spoken(label: string | null, heads: NonNullable<Said["heads"]>): [name: string, said: string | null][] {
  return [[overall, label], ...Object.entries(heads).filter(([, said]) => said !== null || label === null)];
}

function score(record: RunRecord, { label, confidence, heads = {} }: Said, truth: string): void {
  for (const [name, head] of spoken(label, heads)) {
    record.right[name] = `${record.right[name] ?? ""}${head === truth ? "1" : "0"}`;
  }
  if (confidence === undefined || label === null) return;
  if (record.bins.length === 0) {
    record.bins = Array.from({ length: calibrationBins }, () => ({ count: 0, confidence: 0, right: 0 }));
  }
  const place = Math.min(calibrationBins - 1, Math.floor(confidence * calibrationBins));
  const bin = record.bins[place]!;
  record.bins[place] = {
    count: bin.count + 1,
    confidence: bin.confidence + confidence,
    right: bin.right + (label === truth ? 1 : 0),
  };
}

/** A class that was never learned cannot be said: its images are wrong without being shown. */
async function test(options: PlayOptions, turn: Turn, after: number, isLast: boolean): Promise<Point> {
  const { scenario, method, record } = options;
  const known = new Set(record.labels);
  const right = new Map<string, number[]>();
  const uses: number[][] = [];
  let seen = 0;
  for (const [j, { images }] of scenario.tests.entries()) {
    const shown = images.filter((image) => known.has(scenario.images[image]!.label));
    seen += shown.length;
    uses.push([]);
    for (let start = 0; start < shown.length; start += testBatch) {
      const part = shown.slice(start, start + testBatch);
      const batch = await options.show(part);
      const said = await timed(
        () => method.predict(batch),
        (ms) => (record.cost.predictMs += ms),
      );
      record.cost.predicted += part.length;
      said.forEach(({ label, heads = {}, promptIds = [] }, i) => {
        const truth = scenario.images[part[i]!]!.label;
        for (const [name, head] of spoken(label, heads)) {
          const counts = right.get(name) ?? scenario.tests.map(() => 0);
          right.set(name, counts);
          if (head === truth) counts[j]! += 1;
        }
        for (const id of promptIds) uses[j]![id] = (uses[j]![id] ?? 0) + 1;
      });
    }
  }
  const size = Math.max(...uses.map(({ length }) => length));
  if (isLast && size > 0) {
    record.promptUse = uses.map((counts) => Array.from({ length: size }, (_, m) => counts[m] ?? 0));
  }
  const scores = [...right].map(([name, counts]) => [name, scoresOf(scenario.tests, counts, seen)] as const);
  const none = {
    [overall]: scoresOf(
      scenario.tests,
      scenario.tests.map(() => 0),
      1,
    ),
  };
  const { endsSegment: segment, stop } = turn;
  return { after, segment, stop, scores: scores.length > 0 ? Object.fromEntries(scores) : none };
}

function scoresOf(tests: readonly TestSet[], right: readonly number[], seen: number): Scores {
  return {
    tests: right.map((count, j) => count / tests[j]!.images.length),
    seen: right.reduce((a, b) => a + b, 0) / seen,
  };
}

async function timed<T>(work: () => Promise<T>, add: (ms: number) => void): Promise<T> {
  const began = performance.now();
  const result = await work();
  add(performance.now() - began);
  return result;
}
