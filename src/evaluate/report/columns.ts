import type { CellResult, Metrics } from "../result.ts";
import { anytimeArea } from "./anytime.ts";
import type { MethodSummary, Spread } from "./summary.ts";

/** A column of a table. */
export interface Column {
  readonly title: string;
  readonly text: (method: MethodSummary) => string;
  /** Of one of the method's heads alone; empty where that is not measured. */
  readonly headText: (method: MethodSummary, head: string) => string;
}

type HeadMetrics = Metrics["heads"][string];

/** A measured share. */
function share(
  title: string,
  of: (result: CellResult) => number | null,
  ofHead?: (metrics: HeadMetrics) => number | null,
): Column {
  return {
    title,
    text: ({ spread }) => percent(spread(of)),
    headText: ({ cells, spread }, head) => {
      if (ofHead === undefined) return "";
      const measured = ({ metrics }: CellResult): number | null => {
        return metrics.heads[head] ? ofHead(metrics.heads[head]) : null;
      };
      // A mean over the seeds in which it did not rest would not compare.
      return percent(cells.some((cell) => measured(cell) === null) ? null : spread(measured));
    },
  };
}

function plain(title: string, text: Column["text"]): Column {
  return { title, text, headText: () => "" };
}

/** All that there are. */
export const columns: readonly Column[] = [
  share(
    "average accuracy",
    ({ metrics }) => metrics.averageAccuracy,
    (head) => head.averageAccuracy,
  ),
  share("forgetting", ({ metrics }) => metrics.forgetting),
  share("BWT", ({ metrics }) => metrics.backwardTransfer),
  share("A_auc", anytimeArea),
  share("A_last", ({ metrics }) => metrics.aLast),
  share(
    "prequential",
    ({ metrics }) => metrics.prequential.overall,
    (head) => head.prequential,
  ),
  share("second half", ({ metrics }) => metrics.prequential.secondHalf),
  share("ECE", ({ metrics }) => metrics.calibrationError),
  share("unknown AUROC", ({ metrics }) => metrics.unknown?.areaUnderRoc ?? null),
  share("sharing", ({ metrics }) => metrics.promptSharing),
  plain("labels", ({ spread }) => spread(({ metrics }) => metrics.labels)?.mean.toFixed(0) ?? "–"),
  plain("ms to learn", (method) => milliseconds(method, ({ cost }) => cost.learnMs)),
  plain("ms to predict", (method) => milliseconds(method, ({ cost }) => cost.predictMs)),
  plain("state", state),
];

/** Of a sample, q(x) included where the method uses it. */
function milliseconds({ spread }: MethodSummary, of: (result: CellResult) => number): string {
  const time = spread((result) => of(result) + (result.cost.queryMs ?? 0))!.mean;
  return time < 10 ? time.toFixed(1) : time.toFixed(0);
}

function state({ spread }: MethodSummary): string {
  const own = bytes(spread(({ cost }) => cost.stateBytes)!.mean);
  const buffer = spread(({ cost }) => cost.bufferBytes)!.mean;
  const images = spread(({ cost }) => cost.bufferImages)!.mean;
  return own + (images > 0 ? ` + ${images.toFixed(0)} images, ${bytes(buffer)}` : "");
}

/** `71.3 ± 0.4` */
export function percent(spread: Spread | null): string {
  if (spread === null) return "–";
  const [centre, away] = [spread.mean, spread.deviation].map((x) => x !== null && (100 * x).toFixed(1));
  return away === false ? String(centre) : `${centre} ± ${away}`;
}

function bytes(count: number): string {
  if (count < 1e6) return `${(count / 1e3).toFixed(0)} kB`;
  return `${(count / 1e6).toFixed(count < 1e7 ? 1 : 0)} MB`;
}
