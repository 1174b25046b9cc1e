import { InvalidArgumentError } from "commander";

/** Takes a number within bounds from the command line. */
export function number(least: number, most: number = Infinity): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === "" || !(value >= least && value <= most)) {
      throw new InvalidArgumentError(most === Infinity ? `at least ${least}` : `a number from ${least} to ${most}`);
    }
    return value;
  };
}
