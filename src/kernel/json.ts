/**
 * The first key that comes twice in one object of a JSON text, or undefined.
 * `JSON.parse` silently takes the last of equal keys, so two readers could see two different files.
 * The text must be valid JSON: parse it first.
 */
export function duplicateKey(json: string): string | undefined {
  /** One a nesting level: the keys of an object so far, undefined for an array. */
  const levels: (Set<string> | undefined)[] = [];
  let expectsKey = false;
  for (let i = 0; i < json.length; i++) {
    switch (json[i]) {
      case "{":
        levels.push(new Set());
        expectsKey = true;
        break;
      case "[":
        levels.push(undefined);
        expectsKey = false;
        break;
      case "}":
      case "]":
        levels.pop();
        expectsKey = false;
        break;
      case ",":
        expectsKey = levels.at(-1) !== undefined;
        break;
      case '"': {
        const end = closingQuote(json, i);
        if (expectsKey) {
          const key = JSON.parse(json.slice(i, end + 1)) as string;
          const keys = levels.at(-1)!;
          if (keys.has(key)) return key;
          keys.add(key);
          expectsKey = false;
        }
        i = end;
      }
    }
  }
  return undefined;
}

/** Index of the quote that ends the string beginning at `start`. */
function closingQuote(json: string, start: number): number {
  let i = start + 1;
  while (json[i] !== '"') i += json[i] === "\\" ? 2 : 1;
  return i;
}
