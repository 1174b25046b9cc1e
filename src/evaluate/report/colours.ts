/** Seen well on a light and on a dark page, and apart from each other with most kinds of colour blindness. */
const palette =
  "#4269d0 #d97706 #e0525e #3ca4ac #3f9b5a #c46bb4 #8b7bd8 #a07850 #7f8894 #b8a21f #5f8dd3 #d0743c #5aa5a0 #9c6b8f #7a9440 #996666".split(
    " ",
  );

/** A scale of Observable Plot. */
export interface Colours {
  readonly domain: string[];
  readonly range: string[];
}

/** One colour a method, the same in all pictures of a page. */
export function colours(methods: readonly string[]): Colours {
  return { domain: [...methods], range: methods.map((_, i) => palette[i % palette.length]!) };
}
