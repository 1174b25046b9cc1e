/** Which labels there are, in the order they were first seen; a label's place is its class id everywhere. */
export interface Classes {
  readonly labels: readonly string[];
  /** Samples learned of each class. */
  readonly counts: readonly number[];
  /** For each class the sample number at which it last came. */
  readonly lastSeen: readonly number[];
  /** For each class its share of the last labels when it last came: a fading count, 0…the memory in samples. */
  readonly recent: readonly number[];
  /** Samples learned here, of all classes. */
  readonly samples: number;
}

export const noClasses: Classes = { labels: [], counts: [], lastSeen: [], recent: [], samples: 0 };

export interface Admitted {
  readonly classes: Classes;
  /** Of each label. */
  readonly classIds: readonly number[];
  /** For each label, how many samples ago it came before; Infinity for never. Its mean is 1 ÷ the label's rate. */
  readonly gaps: readonly number[];
}

/**
 * The classes after these labels came. Labels are a user's strings: looked up in a Map.
 * @param memorySamples Of the fading counts.
 */
export function admit(from: Classes, batch: readonly string[], memorySamples: number): Admitted {
  const ids = new Map(from.labels.map((label, id) => [label, id]));
  const labels = [...from.labels];
  const counts = [...from.counts];
  const lastSeen = [...from.lastSeen];
  const recent = [...from.recent];
  const gaps: number[] = [];
  let { samples } = from;
  const classIds = batch.map((label) => {
    let id = ids.get(label);
    if (id === undefined) {
      id = labels.length;
      ids.set(label, id);
      labels.push(label);
    }
    samples += 1;
    counts[id] = (counts[id] ?? 0) + 1;
    const gap = samples - (lastSeen[id] ?? Number.NEGATIVE_INFINITY);
    gaps.push(gap);
    recent[id] = 1 + (recent[id] ?? 0) * fade(gap, memorySamples);
    lastSeen[id] = samples;
    return id;
  });
  return { classes: { labels, counts, lastSeen, recent, samples }, classIds, gaps };
}

/** Each class's fading count now, [C]. */
export function recentCounts({ lastSeen, recent, samples }: Classes, memorySamples: number): number[] {
  return recent.map((count, c) => count * fade(samples - lastSeen[c]!, memorySamples));
}

function fade(gap: number, memorySamples: number): number {
  return (1 - 1 / memorySamples) ** gap;
}

/** Without class `id`; later classes move up by one. */
export function dropLabel(from: Classes, id: number): Classes {
  const others = (_: unknown, i: number): boolean => i !== id;
  return {
    labels: from.labels.filter(others),
    counts: from.counts.filter(others),
    lastSeen: from.lastSeen.filter(others),
    recent: from.recent.filter(others),
    samples: from.samples,
  };
}
