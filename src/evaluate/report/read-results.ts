import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { appError } from "../../kernel/errors.ts";
import { type CellResult, parseResult } from "../result.ts";

/**
 * All results below a folder, in the order of their paths.
 * @throws AppError `evaluate/result` for a .json file that is none, or where there is none
 */
export async function readResults(folder: string): Promise<CellResult[]> {
  const names = await readdir(folder, { recursive: true }).catch((cause: unknown) => {
    throw appError("evaluate/result", `cannot read ${folder}`, { cause });
  });
  const paths = names.filter((name) => name.endsWith(".json")).toSorted();
  if (paths.length === 0) throw appError("evaluate/result", `${folder} holds no results`);
  return Promise.all(paths.map(async (name) => parseResult(await readFile(join(folder, name), "utf8"), name)));
}
