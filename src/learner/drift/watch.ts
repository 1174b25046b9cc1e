import { adwin, type AdwinSettings } from "./adwin.ts";
import type { Change, ChangeDetector, DetectorState } from "./detector.ts";
import { pageHinkley, type PageHinkleySettings } from "./page-hinkley.ts";

export interface DetectorSettings {
  readonly detector: "adwin" | "page-hinkley" | "off";
  readonly adwin: AdwinSettings;
  readonly pageHinkley: PageHinkleySettings;
}

export interface SimilaritySettings extends DetectorSettings {
  /** Frames whose mean is one value: neighbours in a stream are alike, and would be taken for many witnesses. */
  readonly frames: number;
  /** Values that tell what is usual, before any is judged, ≥ 2. */
  readonly warmUp: number;
  /** Values that what is usual remembers, ≥ `warmUp`: it follows the keys while they learn. */
  readonly memory: number;
  /** Least deviation that values are held against: of a camera that stands before an empty belt it would be nearly 0. */
  readonly leastDeviation: number;
}

/** JSON. */
export type WatchState = Readonly<Record<string, DetectorState>>;

export interface Watch {
  update(value: number): Change | null;
  save(): WatchState;
}

/** Of predictions: 1 for wrong, 0 for right. That there are fewer errors is a change, but no drift. */
export function errorWatch(settings: DetectorSettings, saved?: WatchState): Watch {
  const detector = detectorOf(settings, saved?.["errors"]);
  return {
    update(wrong) {
      const change = detector.update(wrong);
      return change !== null && change.after > change.before ? change : null;
    },
    save: () => ({ errors: detector.save() }),
  };
}

/**
 * Of one camera's frames: how near each is to what was learned. No label is needed. A drift is a fall: another light, a dirty
 * lens, or an old light again, once the keys have followed the one between. A rise is none: keys move towards what comes.
 * Means of some frames are judged in units of their own deviation, so that one threshold fits all cameras and backbones;
 * after a fall or a rise, what is usual is learned anew.
 */
export function similarityWatch(settings: SimilaritySettings, saved?: WatchState): Watch {
  let block = tally(Infinity, saved?.["block"]);
  let usual = tally(settings.memory, saved?.["usual"]);
  let falls = detectorOf(settings, saved?.["falls"]);
  let rises = detectorOf(settings, saved?.["rises"]);
  let latest: number[] = [...(saved?.["latest"]?.[0] ?? [])];

  function judge(value: number): Change | null {
    const { count, mean, deviation } = usual;
    usual.add(value);
    latest = [...latest, value].slice(-latestValues);
    if (count < settings.warmUp) return null;
    const distance = (value - mean) / Math.max(deviation, settings.leastDeviation);
    // ADWIN tells both directions; each is asked for one.
    const [hasFallen, hasRisen] = [falls.update(-distance), rises.update(distance)].map(
      (change) => change !== null && change.after > change.before,
    );
    if (!hasFallen && !hasRisen) return null;
    const after = latest.reduce((a, b) => a + b, 0) / latest.length;
    [usual, latest] = [tally(settings.memory), []];
    [falls, rises] = [detectorOf(settings), detectorOf(settings)];
    return hasFallen ? { before: mean, after } : null;
  }

  return {
    update(similarity) {
      block.add(similarity);
      if (block.count < settings.frames) return null;
      const value = block.mean;
      block = tally(Infinity);
      return judge(value);
    },
    save: () => ({
      block: block.save(),
      usual: usual.save(),
      falls: falls.save(),
      rises: rises.save(),
      latest: [latest],
    }),
  };
}

/** Values whose mean is told as the one after a change. */
const latestValues = 3;

const never: ChangeDetector = { update: () => null, save: () => [] };

function detectorOf({ detector, ...of }: DetectorSettings, saved?: DetectorState): ChangeDetector {
  if (detector === "off") return never;
  return detector === "adwin" ? adwin(of.adwin, saved) : pageHinkley(of.pageHinkley, saved);
}

interface Tally {
  readonly count: number;
  readonly mean: number;
  readonly deviation: number;
  add(value: number): void;
  save(): DetectorState;
}

/** Running mean and deviation (Welford), of all values or, fading, of about the last `memory`. */
function tally(memory: number, saved?: DetectorState): Tally {
  let [count = 0, mean = 0, squares = 0] = saved?.[0] ?? [];
  return {
    get count() {
      return count;
    },
    get mean() {
      return mean;
    },
    get deviation() {
      return count < 2 ? 0 : Math.sqrt(squares / (Math.min(count, memory) - 1));
    },
    add(value) {
      count += 1;
      const away = value - mean;
      mean += away / Math.min(count, memory);
      squares = (count > memory ? 1 - 1 / memory : 1) * squares + away * (value - mean);
    },
    save: () => [[count, mean, squares]],
  };
}
