/** Smallest squared length a vector is divided by, as in the official code's `l2_normalize`. */
const normEpsilon = 1e-12;

/** Cosine of query [D] to each row of keys [M,D] → [M], each in −1…1 (0 for a vector of zeros). */
export function cosines(query: Float32Array, keys: Float32Array): Float64Array {
  const width = query.length;
  const result = new Float64Array(keys.length / width);
  const queryNorm = norm(query);
  for (let m = 0; m < result.length; m++) {
    const key = keys.subarray(m * width, (m + 1) * width);
    let product = 0;
    for (let i = 0; i < width; i++) product += query[i]! * key[i]!;
    result[m] = product / (queryNorm * norm(key));
  }
  return result;
}

/** The `count` nearest by distance, nearest first; of equal ones the lowest id. */
function nearest(distances: ArrayLike<number>, count: number): number[] {
  const ids = Array.from({ length: distances.length }, (_, id) => id);
  return ids.toSorted((a, b) => distances[a]! - distances[b]! || a - b).slice(0, count);
}

/** Top-N of the pool for one query [D], most similar first (L2P, eq. 3). Instance-wise: no other sample has a say. */
export function selectPrompts(query: Float32Array, keys: Float32Array, topN: number): number[] {
  return nearest(
    cosines(query, keys).map((cosine) => 1 - cosine),
    topN,
  );
}

/** As `selectPrompts`, each distance times the prompt's share of all uses so far (L2P, eq. 4). */
export function selectDiversePrompts(
  query: Float32Array,
  keys: Float32Array,
  topN: number,
  uses: ArrayLike<number>,
): number[] {
  // Counted from 1: with a share of 0 every fresh prompt would be equally near, however unlike its key is.
  let total = 0;
  for (let m = 0; m < uses.length; m++) total += uses[m]! + 1;
  return nearest(
    cosines(query, keys).map((cosine, m) => (1 - cosine) * ((uses[m]! + 1) / total)),
    topN,
  );
}

/** Length of a vector, at least 1e-6. */
export function norm(vector: Float32Array): number {
  let sum = 0;
  for (const x of vector) sum += x * x;
  return Math.sqrt(Math.max(sum, normEpsilon));
}
