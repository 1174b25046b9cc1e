import { flush } from "./fake-stream.ts";

/**
 * Marbles for what waits for promises, which virtual time cannot hold: each frame of a line is one moment, at whose end
 * everything has settled that can. `(ab)` is two in one moment.
 */
export interface AsyncMarbles {
  /** Writes a letter into a line of the picture, in the moment that is now. */
  readonly hear: (line: string, letter: string) => void;
  /** Does what each line says, the lines of a moment in their order. @returns the lines that were heard, as long as the longest line here */
  readonly play: (lines: Readonly<Record<string, InputLine>>) => Promise<Picture>;
}

type InputLine = readonly [marbles: string, act: (letter: string) => void];

export type Picture = Readonly<Record<string, string>>;

export function asyncMarbles(): AsyncMarbles {
  let heard: { readonly line: string; readonly letter: string; readonly moment: number }[] = [];
  let moment = 0;

  function picture(): Picture {
    const lines = [...new Set(heard.map(({ line }) => line))];
    const at = (line: string, i: number): string => {
      const letters = heard.filter((one) => one.line === line && one.moment === i).map(({ letter }) => letter);
      return letters.length > 1 ? `(${letters.join("")})` : (letters[0] ?? "-");
    };
    return Object.fromEntries(
      lines.map((line) => [line, Array.from({ length: moment }, (_, i) => at(line, i)).join("")]),
    );
  }

  return {
    hear: (line, letter) => void heard.push({ line, letter, moment }),
    async play(lines) {
      heard = [];
      const acts = Object.values(lines).map(([marbles, act]) => ({ moments: momentsOf(marbles), act }));
      const length = Math.max(...acts.map(({ moments }) => moments.length));
      for (moment = 0; moment < length; moment++) {
        for (const { moments, act } of acts) for (const letter of moments[moment] ?? "") act(letter);
        await flush();
      }
      return picture();
    },
  };
}

function momentsOf(marbles: string): readonly string[] {
  const groups = marbles.match(/\([^)]*\)|./g) ?? [];
  return groups.map((group) => group.replaceAll(/[()-]/g, ""));
}
