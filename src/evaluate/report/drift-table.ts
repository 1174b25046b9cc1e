import { appError } from "../../kernel/errors.ts";
import { driftScore } from "../drift-alarms.ts";
import type { Group } from "./summary.ts";
import { count, type Texts } from "./table.ts";

/** Scenarios whose segments begin with a change of the world, or in which nothing changes at all. */
const isSteady: Readonly<Record<string, boolean>> = { drift: false, parts: false, stationary: true };

/** What the drift detectors noticed, all seeds together; undefined where there is nothing to tell. */
export function driftTable({ cells, methods }: Group): Texts | undefined {
  const steady = isSteady[cells[0]!.spec.scenario];
  const watched = methods.filter((method) => method.cells.some(({ drift }) => drift !== null));
  if (steady === undefined || watched.length === 0) return undefined;
  return {
    head: ["drift detector", "changes noticed", "frames until then", "false alarms in 10,000 frames"],
    rows: watched.flatMap(({ method, cells: own }) =>
      (["error", "similarity"] as const).map((watch) => {
        const scores = own.map(({ drift, stream }) => driftScore(drift?.[watch] ?? [], stream.segments, steady));
        const sum = (of: (score: (typeof scores)[number]) => number): number => scores.reduce((a, s) => a + of(s), 0);
        const frames = own.reduce((total, { stream }) => total + stream.frames, 0);
        const delays = scores.flatMap(({ delay }) => (delay === null ? [] : [delay])).toSorted((a, b) => a - b);
        return [
          `${method}: ${watch}`,
          steady ? "–" : `${sum(({ noticed }) => noticed)} of ${sum(({ changes }) => changes)}`,
          String(delays[Math.floor(delays.length / 2)] ?? "–"),
          ((1e4 * sum(({ falseAlarms }) => falseAlarms)) / frames).toFixed(1),
        ];
      }),
    ),
  };
}

/** Several in one. @throws AppError `evaluate/markdown` for a group in which no detector watched */
export function driftTables(groups: readonly Group[]): Texts {
  const tables = groups.map((group) => {
    const { spec, stream } = group.cells[0]!;
    const table = driftTable(group);
    if (table === undefined) throw appError("evaluate/markdown", `no drift detector watched in ${group.name}`);
    const played = `${spec.scenario} on ${spec.model.name}, ${count(stream.frames)} frames`;
    return { head: ["stream", ...table.head], rows: table.rows.map((row) => [played, ...row]) };
  });
  return { head: tables[0]!.head, rows: tables.flatMap(({ rows }) => rows) };
}
