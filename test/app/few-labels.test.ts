import { expect, it } from "vitest";
import { cleanUps } from "../support/clean-up.ts";
import { startNode, workplace } from "../support/node.ts";
import { observe } from "../support/observer.ts";
import { picture } from "../support/pictures.ts";
import { sender } from "../support/sender.ts";

const started = cleanUps();

const cameras = ["cam0", "cam1", "cam2", "cam3"];
const labels = ["bolt", "nut"];
const rounds = 80;
/** One frame of a round gets a label in every fifth round: 5 % of all frames. */
const labelledEvery = 5;
/** Rounds between a frame and its label: a third of the run; at a frame a second and camera, half a minute. */
const delay = 25;
const strangers = 20;

it("learns from 5 % of labels that come late, asks for the first, and says what is unlike anything learned", async () => {
  const place = started(await workplace(), (one) => one.remove());
  // A fifth may be called unknown: four labelled frames of known labels are enough for a limit.
  const overrides = { unknown: { falseAlarmShare: 0.2 } };
  const node = started(await startNode(place.config({ learner: { overrides } })), (one) => one.stop());
  const observer = started(await observe(node.brokerUrl, "box", 4), (one) => one.end());
  const box = started(await sender(node.brokerUrl, 4), (one) => one.end());
  const { said } = observer;
  await observer.until("the node to be online", () => observer.statuses.some(({ text }) => text === "online"));
  const truth = (round: number, camera: number): string => labels[(round + camera) % labels.length]!;

  for (let round = 0; round < rounds; round++) {
    for (const [i, camera] of cameras.entries()) {
      await box.frame(camera, `f${round}`, await picture(truth(round, i), 10 * round + i));
    }
    await observer.until(`round ${round}`, () => said.prediction.length === (round + 1) * cameras.length);
    const late = round - delay;
    if (late >= 0 && late % labelledEvery === 0) {
      const i = Math.floor(late / labelledEvery / 2) % cameras.length;
      await box.label(cameras[i]!, `f${late}`, truth(late, i));
    }
  }
  const taught = Math.ceil((rounds - delay) / labelledEvery);
  await observer.until("all labels to be learned", () => said.learned.length >= taught);

  const right = (from: number, to: number): number => {
    const judged = said.prediction.filter(({ message }) => {
      const round = Number(message.frameId.slice(1));
      return round >= from && round < to;
    });
    const hits = judged.filter(({ camera, message }) => {
      return message.label === truth(Number(message.frameId.slice(1)), cameras.indexOf(camera!));
    });
    return hits.length / judged.length;
  };
  expect(said.prediction[0]!.message).toMatchObject({ label: null, unknown: false, novelty: null, wantsLabel: true });
  expect(right(0, delay)).toBe(0);
  expect(right(rounds - 20, rounds)).toBeGreaterThan(0.9);
  const sure = said.prediction.slice(-20).map(({ message }) => message.confidence);
  expect(Math.max(...sure)).toBeLessThan(0.99);

  // What it never learned.
  for (let i = 0; i < strangers; i++) {
    await box.frame("cam0", `stranger${i}`, await picture("ring", 7000 + i));
    await observer.until("a stranger's prediction", () =>
      said.prediction.some(({ message }) => message.frameId === `stranger${i}`),
    );
  }
  const strange = said.prediction.filter(({ message }) => message.frameId.startsWith("stranger"));
  const unknown = strange.filter(({ message }) => message.unknown);
  expect(unknown.length).toBeGreaterThan(0.8 * strangers);
  for (const { message } of unknown) expect(labels).toContain(message.label);

  // Counted as they were said.
  const asked = said.prediction.filter(({ message }) => message.wantsLabel).length;
  const last = await observer.until("telemetry of all that", () => {
    const telemetry = said.telemetry.at(-1)?.message;
    return telemetry?.totals.predictions === said.prediction.length ? telemetry : undefined;
  });
  expect(last.totals.unknown).toBe(said.prediction.filter(({ message }) => message.unknown).length);
  expect(last.totals.asked).toBe(asked);
  expect(asked).toBeGreaterThan(0);
  // Sixty an hour, one to begin with.
  expect(asked).toBeLessThan(5);
});
