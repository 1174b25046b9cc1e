import { createRng } from "../../kernel/rng.ts";
import { type Condition, dayShift, nightShift } from "../../scene/condition.ts";
import { type PartName, partNames } from "../../scene/parts.ts";
import { render } from "../../scene/render.ts";
import { momentAt, type Phase, type Schedule } from "../../scene/schedule.ts";
import { type ScenarioImage, sha256 } from "../image.ts";
import { imageList, joinSegments, type Scenario } from "../scenario.ts";

/** Drawings of each type unless `--per-class` says otherwise; its frames are dealt by chance. */
const defaultPerClass = 60;
const defaultTestPerClass = 10;
const sidePx = 128;

interface Drawing {
  readonly part: PartName;
  readonly condition: Condition;
  readonly seed: number;
  readonly lensSeed: number;
}

/** One after another: which types come by, under what, and for which share of the stream. */
const life: readonly (Omit<Phase, "frames" | "parts" | "fadeFrames"> & {
  readonly types: number;
  readonly share: number;
  readonly gradual?: true;
})[] = [
  { name: "day shift", types: 6, condition: dayShift, share: 0.16 },
  { name: "new parts", types: 10, condition: dayShift, share: 0.14 },
  { name: "night shift, dirty lens", types: 10, condition: nightShift, share: 0.16 },
  { name: "new parts at night", types: 14, condition: nightShift, share: 0.14 },
  { name: "day again", types: 14, condition: dayShift, share: 0.12 },
  { name: "blue belt", types: 14, condition: { ...dayShift, belt: "blue" }, share: 0.12, gradual: true },
  { name: "new parts, blue belt", types: 18, condition: { ...dayShift, belt: "blue" }, share: 0.16 },
];

function scheduleOf(frames: number): Schedule {
  const [first, ...others] = life.map(({ name, types, condition, share, gradual }) => {
    const length = Math.max(1, Math.round(share * frames));
    const fadeFrames = gradual ? Math.round(length / 2) : 0;
    return { name, frames: length, parts: partNames.slice(0, types), condition, fadeFrames };
  });
  return { phases: [first!, ...others] };
}

/**
 * Machine parts that the product draws: new types, a night shift with a dirty lens, new types at night, day again, another
 * belt. Needs no data. Each phase is tested on its types under its condition.
 */
export async function partsScenario(
  {
    perClass = defaultPerClass,
    testPerClass = defaultTestPerClass,
  }: { perClass?: number | undefined; testPerClass?: number | undefined },
  seed: number,
): Promise<Scenario> {
  const rng = createRng(seed);
  const drawn = await drawings();
  const { images, add } = imageList();
  const length = perClass * partNames.length;
  const schedule = scheduleOf(length);
  const phases = schedule.phases.map((phase) => ({ phase, frames: [] as number[] }));
  for (let frame = 0; frame < length; frame++) {
    const { phase, phaseIndex, condition } = momentAt(schedule, frame);
    const part = phase.parts[rng.int(phase.parts.length)]!;
    phases[phaseIndex]!.frames.push(add(drawn({ part, condition, seed: rng.int(2 ** 31), lensSeed: seed })));
  }
  const seen = phases.filter(({ frames }) => frames.length > 0);
  const tests = seen.map(({ phase }, learnedIn) => ({
    name: phase.name,
    images: phase.parts.flatMap((part) =>
      Array.from({ length: testPerClass }, () =>
        add(drawn({ part, condition: phase.condition, seed: rng.int(2 ** 31), lensSeed: seed })),
      ),
    ),
    learnedIn,
  }));
  const parts = seen.map(({ phase, frames }) => ({ name: phase.name, stream: frames }));
  return { name: "parts", images, ...joinSegments(parts), tests };
}

/** Drawings are known by what they are drawn from, and by how the product draws: a changed brush is another picture. */
async function drawings(): Promise<(drawing: Drawing) => ScenarioImage> {
  const samples = partNames.map((part, i) => {
    return draw({ part, condition: life[i % life.length]!.condition, seed: i, lensSeed: i });
  });
  const brush = sha256(Buffer.concat(await Promise.all(samples)));
  return (drawing) => ({
    label: drawing.part,
    identity: () => Promise.resolve(sha256(`${brush} ${JSON.stringify(drawing)}`)),
    read: () => draw(drawing),
  });
}

function draw({ part, condition, seed, lensSeed }: Drawing): Promise<Uint8Array> {
  return render({ part, condition, rng: createRng(seed), lensSeed, sidePx });
}
