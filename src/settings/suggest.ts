/** The candidate that a person most probably meant, or undefined when none is near. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const plain = normalised(word);
  const ranked = candidates
    .map((candidate) => ({ candidate, distance: editDistance(plain, normalised(candidate)) }))
    .toSorted((a, b) => a.distance - b.distance);
  const best = ranked[0];
  return best !== undefined && best.distance <= Math.max(1, Math.floor(plain.length / 3)) ? best.candidate : undefined;
}

/** `keep_alive-s`, `KEEP_ALIVE_S` and `keepAliveS` are the same word. */
export function normalised(word: string): string {
  return word
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, "")
    .slice(0, 64);
}

/** Levenshtein's distance, row by row. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
