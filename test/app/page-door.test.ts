import { Subject } from "rxjs";
import { describe, expect, test } from "vitest";
import { pageDoor, type PageDoor } from "../../src/app/page-door.ts";
import { appError } from "../../src/kernel/errors.ts";
import { topics as topicsOf } from "../../src/message/topic.ts";
import { type LearnedLabel, type Refused, refuse, type Reply } from "../../src/stream/outcome.ts";
import type { RawMessage } from "../../src/stream/parts.ts";

const topics = topicsOf("l2p", "box");

interface Flow {
  readonly learned$: Subject<LearnedLabel>;
  readonly rejected$: Subject<Refused>;
  readonly reply$: Subject<Reply>;
}

/** @param onMessage What the pipeline makes of each message. */
function open(onMessage: (message: RawMessage, flow: Flow) => void): {
  door: PageDoor;
  sent: RawMessage[];
  flow: Flow;
} {
  const door = pageDoor({ topics, answerMs: 200, learnMs: 20 });
  const flow: Flow = { learned$: new Subject(), rejected$: new Subject(), reply$: new Subject() };
  const sent: RawMessage[] = [];
  door.follow(flow);
  door.raw$.subscribe((message) => {
    sent.push(message);
    onMessage(message, flow);
  });
  return { door, sent, flow };
}

const learned = (frameId: string, poolVersion: number, label = "bolt"): LearnedLabel =>
  ({ kind: "learned", camera: "cam", message: { frameId, label, predicted: "nut", poolVersion } }) as LearnedLabel;
const late = appError("label/late", "late");

describe("a label from the page", () => {
  test("is the message that a broker would bring, and answered by what was learned", async () => {
    const { door, sent } = open((message, flow) => {
      message.settle();
      flow.learned$.next(learned("8", 1));
      flow.learned$.next(learned("7", 2));
    });
    expect(await door.label("cam", "7", "bolt")).toEqual({ outcome: "learned", predicted: "nut", poolVersion: 2 });
    expect(sent).toMatchObject([{ topic: "l2p/box/cam/label/7", qos: 1, retain: false }]);
    expect(new TextDecoder().decode(sent[0]!.payload)).toBe("bolt");
  });

  test("is answered by its refusal", async () => {
    const { door } = open((message, flow) => {
      flow.rejected$.next(refuse(late, { camera: "cam", frameId: "7", label: "bolt" }, message.topic, () => {}));
      message.settle();
    });
    expect(await door.label("cam", "7", "bolt")).toEqual({ outcome: "rejected", code: "label/late", detail: "late" });
  });

  test("is not answered by what became of another's label, or of the frame", async () => {
    const { door } = open((message, flow) => {
      const frame = { camera: "cam", frameId: "7" };
      flow.learned$.next(learned("7", 1, "nut"));
      flow.rejected$.next(refuse(late, { ...frame, label: "nut" }, message.topic, () => {}));
      flow.rejected$.next(refuse(appError("image/damaged", "torn"), frame, topics.frame("cam", "7"), () => {}));
      flow.learned$.next(learned("7", 2));
    });
    expect(await door.label("cam", "7", "bolt")).toMatchObject({ outcome: "learned", poolVersion: 2 });
  });

  test("is answered in whatever way its letters were typed", async () => {
    const { door } = open((_, flow) => flow.learned$.next(learned("7", 1, "{caf\u00e9")));
    expect(await door.label("cam", "7", "{cafe\u0301")).toMatchObject({ outcome: "learned" });
  });

  test("that is on disk and not learned yet is taken; of one that nobody hears, nothing is known", async () => {
    const paused = open((message) => message.settle());
    expect(await paused.door.label("cam", "7", "bolt")).toEqual({ outcome: "taken" });
    const deaf = open(() => {});
    expect(await deaf.door.label("cam", "7", "bolt")).toEqual({ outcome: "unanswered" });
  });

  test.each([
    ["cam", "7", " ", "label/empty"],
    ["cam", "7", "a\nb", "label/control-character"],
    ["cam", "7", "x".repeat(129), "label/too-long"],
    ["cam", "../7", "bolt", "topic/bad-id"],
    ["command", "7", "bolt", "topic/reserved"],
    ["a/b", "7", "bolt", "topic/bad-id"],
  ])("%j %j %j is refused before it is sent", async (camera, frameId, label, code) => {
    const { door, sent } = open(() => {});
    expect(await door.label(camera, frameId, label)).toMatchObject({ outcome: "rejected", code });
    expect(sent).toEqual([]);
  });

  test("waits for nothing when the node ends", async () => {
    const { door, flow } = open(() => {});
    const answer = door.label("cam", "7", "bolt");
    flow.learned$.complete();
    expect(await answer).toEqual({ outcome: "unanswered" });
  });

  test("is sent nowhere after the end, and answered at once", async () => {
    const { door, sent, flow } = open(() => {});
    flow.learned$.complete();
    expect(await door.label("cam", "7", "bolt")).toEqual({ outcome: "unanswered" });
    expect(await door.command("snapshot", {})).toEqual({ outcome: "unanswered" });
    expect(sent).toEqual([]);
  });

  test("keeps no process alive while it waits", async () => {
    const timers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;
    const { door } = open((message) => {
      if (message.topic.endsWith("/8")) message.settle();
    });
    const before = timers();
    const answers = [door.label("cam", "7", "bolt"), door.label("cam", "8", "bolt")];
    expect(timers()).toBe(before);
    const waiter = setTimeout(() => {}, 60_000); // the test itself does
    expect(timers()).toBe(before + 1);
    await Promise.all(answers);
    clearTimeout(waiter);
  });
});

test("a command is answered by the reply with its own id, whatever id the page gave", async () => {
  const { door, sent } = open((message, flow) => {
    const { id } = JSON.parse(new TextDecoder().decode(message.payload)) as { id: string };
    flow.reply$.next({ kind: "reply", name: "restore", message: { v: 1, id: "other", ok: true } });
    flow.reply$.next({ kind: "reply", name: "restore", message: { v: 1, id, ok: true, result: { poolVersion: 3 } } });
  });
  expect(await door.command("restore", { id: "mine" })).toEqual({ outcome: "done", result: { poolVersion: 3 } });
  expect(sent[0]!.topic).toBe("l2p/box/command/restore");
});
