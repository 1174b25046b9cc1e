import type { LogEntry } from "../../distil/training-log.ts";
import { type Drawing, pictureFile, widthPx } from "./draw.ts";

/** One training's curves, as `distil train` writes them beside a model. */
export interface TrainingCurves {
  /** Said in the picture, e.g. the file's name. */
  readonly name: string;
  readonly batchSize: number;
  readonly log: readonly LogEntry[];
}

interface Point {
  readonly stage: string;
  readonly measure: string;
  /** Views shown to the student, in the trainings that it went on from too. */
  readonly views: number;
  readonly value: number;
}

const measures: readonly (readonly [keyof LogEntry, string, number])[] = [
  ["heldOutNearestMean", "nearest class mean, held out, %", 100],
  ["heldOutCosine", "cosine to the teacher, held out", 1],
  ["loss", "loss", 1],
];

export interface TrainingCurvesOptions {
  /** Each began anew, so all from the left; by default one went on from the other. */
  readonly sideBySide?: boolean | undefined;
}

/** Trainings in one picture: what was gained for how many views. SVG. */
export function trainingCurves(
  { Plot, draw }: Drawing,
  stages: readonly TrainingCurves[],
  { sideBySide = false }: TrainingCurvesOptions = {},
): string {
  let before = 0;
  let most = 0;
  const points: Point[] = [];
  for (const { name, batchSize, log } of stages) {
    for (const entry of log) {
      for (const [key, measure, scale] of measures) {
        const value = entry[key];
        if (value === undefined) continue;
        points.push({ stage: name, measure, views: before + entry.step * batchSize, value: scale * value });
      }
    }
    const shown = (log.at(-1)?.step ?? 0) * batchSize;
    most = Math.max(most, before + shown);
    if (!sideBySide) before += shown;
  }
  // Each measure has a scale of its own: one picture below the other.
  const pictures = measures.map(([, measure], row) => {
    const shown = points.filter((point) => point.measure === measure);
    const svg = draw(`${measure}, over the views that the student was shown`, {
      width: widthPx,
      height,
      marginLeft: 50,
      marginRight: 60,
      marginBottom: 40,
      color: { domain: stages.map(({ name }) => name) },
      x: {
        label: row === measures.length - 1 ? "views shown" : null,
        labelAnchor: "center",
        domain: [0, most],
        grid: true,
      },
      y: { label: measure, grid: true, nice: true },
      marks: [
        Plot.lineY(shown, { x: "views", y: "value", stroke: "stage", strokeWidth: 2 }),
        // Once: the colours are the same in all. The curve rises, so this corner is free.
        ...(row > 0 ? [] : stages).map(({ name }, i) =>
          Plot.text([name], {
            text: String,
            fill: String,
            frameAnchor: "bottom-right",
            dx: -6,
            dy: -6 - 14 * (stages.length - 1 - i),
          }),
        ),
      ],
    });
    return { svg };
  });
  return pictureFile(pictures);
}

const height = 210;
