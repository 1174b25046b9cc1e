/**
 * Places as near to those that are wanted as they can be when each is `distance` from the next and all are between `low`
 * and `high`, in the same order.
 */
export function apart(
  wanted: readonly number[],
  distance: number,
  { low, high }: { readonly low: number; readonly high: number },
): number[] {
  const order = wanted.map((_, i) => i).toSorted((a, b) => wanted[a]! - wanted[b]!);
  // Those that would touch move together, as far as makes the least of it for all: blocks with a mean of their own.
  const blocks: { readonly start: number; readonly members: readonly number[] }[] = [];
  for (const i of order) {
    let block = { start: wanted[i]!, members: [i] as readonly number[] };
    for (
      let last = blocks.at(-1);
      last && last.start + last.members.length * distance > block.start;
      last = blocks.at(-1)
    ) {
      blocks.pop();
      const members = [...last.members, ...block.members];
      const start = members.reduce((sum, m, place) => sum + wanted[m]! - place * distance, 0) / members.length;
      block = { start, members };
    }
    blocks.push(block);
  }
  const places = blocks.flatMap(({ start, members }) => members.map((_, place) => start + place * distance));
  // Back into the bounds, from the top and then from the bottom.
  for (let i = places.length - 1, limit = high; i >= 0; i--, limit -= distance) places[i] = Math.min(places[i]!, limit);
  for (let i = 0, limit = low; i < places.length; i++, limit += distance) places[i] = Math.max(places[i]!, limit);
  const result: number[] = [];
  for (const [place, i] of order.entries()) result[i] = places[place]!;
  return result;
}
