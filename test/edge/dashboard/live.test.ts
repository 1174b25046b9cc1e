import { EventEmitter } from "node:events";
import type { ServerResponse } from "node:http";
import { expect, test } from "vitest";
import { type Live, createLive } from "../../../src/edge/dashboard/live.ts";
import { type Model, createModel } from "../../../src/edge/dashboard/model.ts";
import { type FakeClock, fakeClock } from "../../../src/kernel/clock.ts";

/** A browser whose connection is as slow as a test wants it. */
class Browser extends EventEmitter {
  writableLength = 0;
  destroyed = false;
  readonly received: string[] = [];
  writeHead(): void {}
  write(text: string): void {
    this.received.push(text);
  }
  destroy(): void {
    this.destroyed = true;
    this.emit("close");
  }
  end(): void {
    this.emit("close");
  }
}

function setUp(): { model: Model; live: Live; clock: FakeClock; browser: Browser } {
  const clock = fakeClock();
  const model = createModel({ node: "n", model: "m", teach: true, labelWindowMs: () => 60_000, clock });
  const live = createLive(model, clock);
  const browser = new Browser();
  live.add(browser as unknown as ServerResponse);
  return { model, live, clock, browser };
}

function note(model: Model, text: string): void {
  model.inputs.note({ kind: "note", text });
}

test("a browser that takes nothing is sent nothing, and gets the newest when it has caught up", () => {
  const { model, live, browser } = setUp();
  expect(browser.received).toHaveLength(1);
  browser.writableLength = 1;
  for (let i = 0; i < 1000; i++) {
    note(model, `note ${i}`);
    live.tick();
  }
  expect(browser.received).toHaveLength(1);
  browser.writableLength = 0;
  live.tick();
  expect(browser.received).toHaveLength(2);
  expect(browser.received[1]).toContain("note 999");
  // One state and no more, however much was missed.
  expect(browser.received[1]!.length).toBeLessThan(50_000);
});

test("one slow browser takes nothing from another", () => {
  const { model, live, browser: slow } = setUp();
  const quick = new Browser();
  live.add(quick as unknown as ServerResponse);
  slow.writableLength = 1;
  note(model, "news");
  live.tick();
  expect(quick.received.at(-1)).toContain("news");
});

test("nothing is sent while nothing changes, but a sign of life now and then", () => {
  const { live, clock, browser } = setUp();
  for (let i = 0; i < 50; i++) live.tick();
  expect(browser.received).toHaveLength(1);
  clock.advance(16_000);
  live.tick();
  live.tick();
  expect(browser.received.slice(1)).toEqual([": still here\n\n"]);
});

test("a browser that is stuck is cut off and forgotten", () => {
  const { model, live, clock, browser } = setUp();
  browser.writableLength = 1;
  clock.advance(31_000);
  live.tick();
  expect(browser.destroyed).toBe(true);
  browser.writableLength = 0;
  note(model, "news");
  live.tick();
  expect(browser.received).toHaveLength(1);
});
