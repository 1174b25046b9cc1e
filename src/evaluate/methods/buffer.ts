import { createRng, type Rng } from "../../kernel/rng.ts";

export interface Stored {
  readonly image: number;
  readonly label: string;
}

/** Some images of each class, each of its images equally likely to be among them (reservoir, Vitter 1985). */
export interface RehearsalBuffer {
  readonly stored: readonly Stored[];
  add(sample: Stored): void;
  /** Up to `count` different ones at random. */
  draw(count: number): Stored[];
  /** JSON. */
  save(): BufferState;
}

export interface BufferState {
  readonly classes: readonly (readonly [label: string, seen: number, images: readonly number[]])[];
  readonly rng: readonly number[];
}

export function rehearsalBuffer(perClass: number, from: number | BufferState): RehearsalBuffer {
  const rng: Rng = createRng(typeof from === "number" ? from : from.rng);
  const saved = typeof from === "number" ? [] : from.classes;
  const classes = new Map(saved.map(([label, seen, images]) => [label, { seen, images: [...images] }]));

  function all(): Stored[] {
    return [...classes].flatMap(([label, { images }]) => images.map((image) => ({ image, label })));
  }

  return {
    get stored() {
      return all();
    },
    add({ image, label }) {
      const own = classes.get(label) ?? { seen: 0, images: [] };
      classes.set(label, own);
      own.seen += 1;
      if (own.images.length < perClass) own.images.push(image);
      else {
        const place = rng.int(own.seen);
        if (place < perClass) own.images[place] = image;
      }
    },
    draw(count) {
      const stored = all();
      const drawn: Stored[] = [];
      // Fisher–Yates, only as far as it is needed.
      for (let i = 0; i < Math.min(count, stored.length); i++) {
        const j = i + rng.int(stored.length - i);
        drawn.push(stored[j]!);
        stored[j] = stored[i]!;
      }
      return drawn;
    },
    save: () => ({
      classes: [...classes].map(([label, { seen, images }]) => [label, seen, [...images]] as const),
      rng: rng.state(),
    }),
  };
}
