import type { TensorMessage, TensorMessages } from "./session-protocol.ts";

/**
 * A call of any number of samples as calls of exactly `batch`: the last one is filled with zeros, which cost what images
 * cost. Every feed's first axis counts samples.
 */
export function toFixedBatches(feeds: TensorMessages, count: number, batch: number): TensorMessages[] {
  return Array.from({ length: Math.ceil(count / batch) }, (_, i) =>
    Object.fromEntries(Object.entries(feeds).map(([name, feed]) => [name, rows(feed, i * batch, batch)])),
  );
}

/** The answers of `toFixedBatches` as the answer of one call, without what was filled in. */
export function fromFixedBatches(outputs: readonly TensorMessages[], count: number): TensorMessages {
  return Object.fromEntries(
    Object.entries(outputs[0]!).map(([name, { dims }]) => {
      const [batch, ...rest] = dims as [number, ...number[]];
      const perRow = rest.reduce((size, dim) => size * dim, 1);
      const data = new Float32Array(count * perRow);
      for (const [i, output] of outputs.entries()) {
        const part = output[name]!.data.subarray(0, (count - i * batch) * perRow);
        data.set(part, i * batch * perRow);
      }
      return [name, { type: "float32", data, dims: [count, ...rest] } satisfies TensorMessage];
    }),
  );
}

/** `count` rows from `first`, zeros where there are no more; a copy, to be given away. */
function rows(feed: TensorMessage, first: number, count: number): TensorMessage {
  const [, ...rest] = feed.dims as [number, ...number[]];
  const perRow = rest.reduce((size, dim) => size * dim, 1);
  const [from, to] = [first * perRow, (first + count) * perRow];
  const dims = [count, ...rest];
  if (feed.type !== "float32") {
    const data = new Uint8Array(count * perRow);
    data.set(feed.data.subarray(from, to));
    return { type: feed.type, data, dims };
  }
  const data = new Float32Array(count * perRow);
  data.set(feed.data.subarray(from, to));
  return { type: "float32", data, dims };
}
