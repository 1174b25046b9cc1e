import { describe, expect, it } from "vitest";
import { createTurn } from "../../src/stream/turn.ts";

describe("turn", () => {
  it("runs one task at a time and lets lanes alternate", async () => {
    const turn = createTurn();
    const ran: string[] = [];
    let running = 0;
    const task = (name: string) => async () => {
      running += 1;
      expect(running).toBe(1);
      await Promise.resolve();
      ran.push(name);
      running -= 1;
      return name;
    };
    const results = await Promise.all([
      ...["p1", "p2", "p3"].map((name) => turn.run("predict", task(name))),
      ...["l1", "l2"].map((name) => turn.run("learn", task(name))),
      turn.run("command", task("c1")),
    ]);
    expect(ran).toEqual(["p1", "l1", "c1", "p2", "l2", "p3"]);
    expect(results).toEqual(["p1", "p2", "p3", "l1", "l2", "c1"]);
  });

  it("goes on after a task that fails", async () => {
    const turn = createTurn();
    const failing = turn.run("learn", () => Promise.reject(new Error("no")));
    const throwing = turn.run("learn", () => {
      throw new Error("never");
    });
    await expect(failing).rejects.toThrow("no");
    await expect(throwing).rejects.toThrow("never");
    await expect(turn.run("predict", () => 1)).resolves.toBe(1);
  });
});
