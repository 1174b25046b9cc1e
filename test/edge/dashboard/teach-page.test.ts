import axe from "axe-core";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createDashboard, type Dashboard } from "../../../src/edge/dashboard/dashboard.ts";
import type { DoorAnswer } from "../../../src/edge/dashboard/door.ts";
import { hasChromium, launchChromium, needsChromium } from "../../support/chromium.ts";
import { playRun } from "../../support/dashboard-run.ts";

describe.skipIf(!hasChromium)(`the page that teaches (${needsChromium})`, () => {
  let browser: Browser;
  let dashboard: Dashboard;
  let page: Page;
  let asked: unknown[];
  let answer: DoorAnswer;

  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser.close());

  beforeEach(async () => {
    asked = [];
    answer = { outcome: "done", result: { poolVersion: 160 } };
    const take = async (...given: readonly unknown[]): Promise<DoorAnswer> => {
      asked.push(given);
      return answer;
    };
    const door = { label: take, command: take };
    dashboard = await createDashboard({ host: "127.0.0.1", port: 0, node: "n", model: "m", tickMs: 40, door });
    page = await browser.newPage();
    await page.goto(dashboard.url);
    await playRun(dashboard, { labels: 120, drawn: 1, asking: 2 });
    await page.locator(".ask img").nth(1).waitFor();
  });
  afterEach(async () => {
    await page.close();
    await dashboard.close();
  });

  test("the least sure frame comes first; it is taught with the keyboard alone, and the next one follows", async () => {
    answer = { outcome: "learned", predicted: "nut", poolVersion: 121 };
    await expect.poll(() => page.locator(".ask small").allInnerTexts()).toEqual(["31\u00a0%", "34\u00a0%"]);
    await page.locator(".ask").first().press("Enter");
    await page.keyboard.type("wing nut");
    await page.keyboard.press("Enter");
    await page.getByText("Learned: “wing nut”; the box had said nut. Pool version 121.").waitFor();
    expect(asked).toEqual([["belt-a", "asking-0", "wing nut"]]);
    await page.getByText("belt-b: the box says").waitFor();
    expect(await page.locator(".ask").count()).toBe(1);
    await page.locator(".chip").first().focus();
    const first = await page.locator(".chip").nth(1).getAttribute("data-label");
    await page.keyboard.press("2");
    await expect.poll(() => asked.at(-1)).toEqual(["belt-b", "asking-1", first]);
    expect(await page.locator("#teach-form").isHidden()).toBe(true);
  });

  test("any camera's frame can be taught, and a refusal is told", async () => {
    answer = { outcome: "rejected", code: "label/late", detail: "the frame has left the label window" };
    // The frame that is played last, which the page shows with its next tick.
    await page.locator(".camera").first().getByText("31\u00a0%").waitFor();
    await page.locator(".camera .frame").first().click();
    await page.locator("#teach-label").fill("gear");
    await page.getByRole("button", { name: "Teach", exact: true }).click();
    await page.getByText("Refused: the frame has left the label window (label/late)").waitFor();
    expect(asked).toEqual([["belt-a", "asking-0", "gear"]]);
  });

  test("a refused frame is offered again; skipped ones come back when nothing else is open", async () => {
    answer = { outcome: "rejected", code: "label/overflow", detail: "too many labels wait" };
    const shown = page.locator("#guess");
    await page.locator(".ask").first().click();
    await page.locator("#teach-label").fill("gear");
    await page.keyboard.press("Enter");
    await page.getByText("Refused: too many labels wait").waitFor();
    await expect.poll(() => page.locator(".ask").count()).toBe(2);
    // Two are open: skipping goes from the one to the other and back.
    for (const camera of ["belt-a", "belt-b", "belt-a"]) {
      await expect.poll(() => shown.innerText()).toContain(camera === "belt-a" ? "belt-b" : "belt-a");
      await page.locator("#skip").click();
      await expect.poll(() => shown.innerText()).toContain(`${camera}: the box says`);
    }
  });

  test("a key that is held teaches one frame", async () => {
    answer = { outcome: "learned", predicted: "nut", poolVersion: 121 };
    await page.locator(".ask").first().click();
    await page.locator(".chip").first().focus();
    await page.keyboard.down("1");
    for (let repeat = 0; repeat < 5; repeat++) await page.keyboard.down("1");
    await page.keyboard.up("1");
    await page.getByText("Learned:").waitFor();
    expect(asked).toHaveLength(1);
  });

  test("it comes back after an answer that is no stream, such as a proxy's while the node starts", async () => {
    let isDown = true;
    const other = await browser.newPage();
    await other.route("**/events", (route) => (isDown ? route.fulfill({ status: 502, body: "" }) : route.continue()));
    await other.goto(dashboard.url);
    await other.getByText("connection lost, trying again").waitFor();
    isDown = false;
    await expect.poll(() => other.locator(".camera").count(), { timeout: 20_000 }).toBeGreaterThan(0);
    await other.close();
  });

  test("commands are confirmed first, and their reply is shown", async () => {
    await page.getByRole("button", { name: "Restore version 80" }).click();
    await page.getByRole("button", { name: "Cancel" }).click();
    expect(asked).toEqual([]);
    await page.getByRole("button", { name: "Restore version 80" }).click();
    await page.getByRole("button", { name: "Restore", exact: true }).click();
    await page.getByText("restore: done, pool version 160.").waitFor();
    await page.getByRole("button", { name: "Rename nut" }).click();
    await page.getByLabel("New name").fill("hex nut");
    await page.keyboard.press("Enter");
    await expect.poll(() => asked.length).toBe(2);
    expect(asked).toEqual([
      ["restore", { checkpoint: "checkpoint-80" }],
      ["rename-label", { from: "nut", to: "hex nut" }],
    ]);
  });

  test.each([
    ["light", 1280],
    ["dark", 390],
  ] as const)("axe finds nothing wrong with it, %s at %i px", async (colorScheme, width) => {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: 900 });
    await page.locator(".ask").first().press("Enter");
    // The page's policy lets no script in: it is put in from outside of it.
    await page.evaluate(axe.source);
    const faults = await page.evaluate<string[]>(
      `axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"] }).then(({ violations }) =>
        violations.map(({ id, nodes }) => id + ": " + nodes.map(({ html }) => html.slice(0, 120)).join(" | ")))`,
    );
    expect(faults).toEqual([]);
    expect(await page.evaluate("document.documentElement.scrollWidth - innerWidth")).toBeLessThanOrEqual(0);
  });
});

test.skipIf(!hasChromium)(`a page with a token lets in who knows it (${needsChromium})`, async () => {
  const token = "a-token-of-some-length";
  const dashboard = await createDashboard({ host: "127.0.0.1", port: 0, node: "n", model: "m", token });
  const browser = await launchChromium();
  try {
    const page = await browser.newPage();
    await page.goto(dashboard.url);
    await page.getByLabel("The box's token").fill("wrong");
    await page.keyboard.press("Enter");
    await page.getByText("That is not the token.").waitFor();
    await page.getByLabel("The box's token").fill(token);
    await page.keyboard.press("Enter");
    await page.getByText("No frame has come yet.").waitFor();
    expect(await page.locator("#teach").isHidden()).toBe(true);
  } finally {
    await browser.close();
    await dashboard.close();
  }
});
