import { concatMap, Subject } from "rxjs";
import { describe, expect, it } from "vitest";
import { appError } from "../../src/kernel/errors.ts";
import type { CommandRequest } from "../../src/message/command.ts";
import { rejected } from "../../src/message/rejected.ts";
import { execute, withReply, type ExecuteParts } from "../../src/stream/execute.ts";
import { labelMemory } from "../../src/stream/label-memory.ts";
import type { Refused, Reply } from "../../src/stream/outcome.ts";
import { noGuard } from "../../src/stream/rollback.ts";
import { createTurn } from "../../src/stream/turn.ts";
import { asyncMarbles, type Picture } from "../support/async-marbles.ts";
import { fakeLearner } from "../support/fake-stream.ts";

const requests: Readonly<Record<string, CommandRequest>> = {
  p: { name: "pause-learning", requestId: "1", arguments: {} },
  q: { name: "resume-learning", requestId: null, arguments: {} },
  f: { name: "forget-label", requestId: "2", arguments: { label: "bolt" } },
  r: { name: "rename-label", requestId: "3", arguments: { from: "bolt", to: "screw" } },
  s: { name: "snapshot", requestId: "4", arguments: {} },
  o: { name: "restore", requestId: "5", arguments: { checkpoint: "c1" } },
  b: { name: "rollback", requestId: "6", arguments: { steps: 2 } },
  e: { name: "set", requestId: "7", arguments: { key: "k", value: 1 } },
};
const letterOf = new Map(Object.entries(requests).map(([letter, { name }]) => [name as string, letter]));

interface Stage {
  readonly replies: Reply[];
  readonly logged: string[];
  readonly parts: ExecuteParts;
  /** `disk`: `d` a checkpoint is written, `x` it is not. Heard: `done` in memory, `reply` when ok, `refused` when not. */
  readonly play: (commands: string, disk?: string) => Promise<Picture>;
}

function stage(more: Partial<ExecuteParts> = {}): Stage {
  const { hear, play } = asyncMarbles();
  const learner = fakeLearner();
  learner.restore({ arrays: {}, meta: { history: [["x"], ["y"]], labels: ["bolt", "nut"] } });
  const memory = labelMemory({ dedupeFrames: 9 });
  memory.add({ camera: "cam", frameId: "1", label: "bolt" }, null);
  const checkpoints: { readonly written: () => void; readonly failed: (error: Error) => void }[] = [];
  const [replies, logged]: [Reply[], string[]] = [[], []];
  const parts: ExecuteParts = {
    turn: createTurn(),
    learner,
    memory,
    guard: noGuard,
    pause: (paused) => hear("pause", paused ? "p" : "q"),
    checkpoint: () => {
      hear("asked", "c");
      return new Promise((written, failed) => checkpoints.push({ written, failed }));
    },
    service: async ({ name }) => ({ served: name }),
    log: (_level, text) => void logged.push(text),
    ...more,
  };
  const in$ = new Subject<CommandRequest>();
  in$.pipe(concatMap((request) => execute(request, parts))).subscribe((reply) => {
    replies.push(reply);
    hear(reply.message.ok ? "reply" : "refused", letterOf.get(reply.name)!);
  });

  function end(letter: string): void {
    const { written, failed } = checkpoints.shift()!;
    if (letter === "d") written();
    else failed(appError("command/not-durable", "no checkpoint was written"));
  }

  return {
    replies,
    logged,
    parts,
    play: (commands, disk = "") =>
      play({ commands: [commands, (letter) => in$.next(requests[letter]!)], disk: [disk, end] }),
  };
}

describe("execute", () => {
  it.each(["p", "q", "f", "r", "s", "o", "b"])(
    "answers %s when its checkpoint is on disk, not before",
    async (letter) => {
      const { play, replies } = stage();
      expect(await play(`${letter}---`, "--d-")).toMatchObject({ asked: "c---", reply: `--${letter}-` });
      const { name, requestId } = requests[letter]!;
      expect(replies).toMatchObject([{ kind: "reply", name, message: { v: 1, id: requestId, ok: true } }]);
    },
  );

  it("runs one after another: the next begins when the last is answered", async () => {
    expect(await stage().play("pq---", "--d-d")).toEqual({ pause: "p-q--", asked: "c-c--", reply: "--p-q" });
  });

  it("says by a code when the checkpoint was not written, and goes on", async () => {
    const { play, replies, logged } = stage();
    expect(await play("ps----", "--x-d-")).toMatchObject({ refused: "--p---", reply: "----s-" });
    expect(replies[0]!.message).toMatchObject({ ok: false, code: "command/not-durable" });
    expect(logged).toEqual([]);
  });

  it("forgets and renames in the learner and in the memory of labels", async () => {
    const { play, parts, replies } = stage();
    const key = { camera: "cam", frameId: "1", label: "bolt" };
    await play("r-", "-d");
    expect(parts.memory.has({ ...key, label: "screw" }, null)).toBe(true);
    expect(parts.memory.has(key, null)).toBe(false);
    expect(replies[0]!.message.result).toEqual({ poolVersion: 2 });
    expect(await play("f-")).toEqual({ refused: "f-" });
    expect(replies[1]!.message).toMatchObject({ ok: false, code: "learner/unknown-label" });
  });

  it("hands to the service what it serves, and passes on what it gives", async () => {
    const { play, replies } = stage();
    // A setting would not be in a checkpoint.
    expect(await play("o-b-e", "-d-d-")).toEqual({ asked: "c-c--", reply: "-o-be" });
    expect(replies.map(({ message }) => message.result)).toEqual([
      { served: "restore" },
      { served: "rollback" },
      { served: "set" },
    ]);
  });

  it("answers what is no known fault, and what nothing serves, without a word of its insides", async () => {
    const { play, replies, logged } = stage({ service: undefined });
    expect(await play("o")).toEqual({ refused: "o" });
    expect(replies[0]!.message).toMatchObject({ code: "command/failed", detail: "it failed unexpectedly" });
    expect(logged).toEqual(["the command restore failed unexpectedly"]);
  });

  it("waits for its turn on the learner", async () => {
    const { play, parts } = stage();
    let finish = (): void => {};
    const batch = parts.turn.run("learn", () => new Promise<void>((resolve) => (finish = resolve)));
    expect(await play("p--")).toEqual({});
    finish();
    await batch;
    expect(await play("--")).toMatchObject({});
    expect(await play("-", "d")).toEqual({ reply: "p" });
  });
});

describe("withReply", () => {
  const refused = (answer: { requestId: string | null } | null): Refused => ({
    kind: "rejected",
    rejected: {
      ...rejected({ camera: null, code: "command/bad-json", detail: "no JSON", topic: "t" }),
      ...(answer && { answer: { name: "snapshot", ...answer } }),
    },
    settle: () => {},
  });

  it("answers a command that was refused, before the refusal", () => {
    const one = refused({ requestId: "7" });
    const message = { v: 1, id: "7", ok: false, code: "command/bad-json", detail: "no JSON" };
    expect(withReply(one)).toEqual([{ kind: "reply", name: "snapshot", message }, one]);
  });

  it("answers nothing else", () => {
    const one = refused(null);
    expect(withReply(one)).toEqual([one]);
  });
});
