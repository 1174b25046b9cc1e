import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** The first line that a program writes; undefined where it is not installed or fails. */
export async function firstLineOf(program: string, args: readonly string[]): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)(program, [...args], { timeout: 5000 });
    return stdout.split("\n")[0]!.trim();
  } catch {
    return undefined;
  }
}
