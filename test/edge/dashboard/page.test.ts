import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, test } from "vitest";
import { type Dashboard, createDashboard } from "../../../src/edge/dashboard/dashboard.ts";
import { demoSchedule } from "../../../src/scene/schedule.ts";
import { hasChromium, launchChromium, needsChromium } from "../../support/chromium.ts";
import { playRun } from "../../support/dashboard-run.ts";

describe.skipIf(!hasChromium)(`the page (${needsChromium})`, () => {
  let browser: Browser;
  let dashboard: Dashboard;
  let page: Page;
  let complaints: string[];

  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser.close());

  beforeEach(async () => {
    dashboard = await createDashboard({ host: "127.0.0.1", port: 0, node: "line-3", model: "tiny-vit", tickMs: 40 });
    page = await browser.newPage();
    complaints = [];
    page.on("console", (message) => complaints.push(`${message.type()}: ${message.text()}`));
    page.on("pageerror", (error) => complaints.push(String(error)));
    await page.goto(dashboard.url);
  });
  afterEach(async () => {
    await page.close();
    await dashboard.close();
  });

  test("shows a whole run as it happens, and complains of nothing", async () => {
    await page.getByText("No frame has come yet.").waitFor();
    await playRun(dashboard, { labels: 200, drawn: 3 });

    await page.getByRole("status").getByText("online").waitFor();
    await page.getByText("right: ").or(page.getByText("said ")).first().waitFor();
    await expect.poll(() => page.locator("#tiles").innerText()).toContain("Labels learned\n200");
    expect(await page.locator(".camera h3").allInnerTexts()).toEqual(["belt-a", "belt-b"]);
    const images = page.locator(".camera img");
    await expect
      .poll(() => images.evaluateAll((all) => all.map((image) => "naturalWidth" in image && image.naturalWidth)))
      .toEqual([128, 128]);
    const parts = new Set(demoSchedule(200).phases.flatMap((phase) => phase.parts)).size;
    await expect.poll(() => page.locator("#classes tr").count()).toBe(parts);
    expect(await page.locator("#confusion tbody tr").count()).toBe(parts);
    expect(await page.locator("#snapshots tr").count()).toBe(2);
    expect(await page.locator("#prompts rect").count()).toBe(10);
    expect(await page.locator("#prompt-time .cell").count()).toBeGreaterThan(100);
    expect(await page.locator("#latency").innerText()).toContain("60");
    expect(await page.locator("#runs").innerText()).toContain("onnx on cpu");
    expect(await page.locator("#chart .new-label").count()).toBe(parts);
    expect(await page.locator("#chart .drift").count()).toBe(1);
    expect(await page.locator("#chart .phase").allTextContents()).toContain("day shift");
    await expect.poll(() => page.locator("#events").innerText()).toContain("New label “gear”");
    expect(await page.locator("#events").innerText()).toContain("frame/not-an-image");
    expect(complaints).toEqual([]);
  });

  test("labels are text, whatever they hold", async () => {
    const label = "<img src=x onerror=alert(1)>";
    dashboard.frame("cam", new Uint8Array([0xff, 0xd8]), {
      frameId: "1",
      label,
      confidence: 0.5,
      unknown: false,
      wantsLabel: false,
      top: [[label, 0.5]],
      promptIds: [0],
      poolVersion: 1,
      latencyMs: 1,
    });
    await page.locator(".camera .label").getByText(label).waitFor();
    dashboard.learned("cam", {
      frameId: "1",
      label,
      predicted: null,
      correct: null,
      poolVersion: 2,
      correction: false,
      replayed: false,
    });
    await page.locator("#classes").getByText(label).waitFor();
    expect(await page.locator("#classes img").count()).toBe(0);
  });

  test("the curve is read with the keyboard", async () => {
    await playRun(dashboard, { labels: 120, drawn: 0 });
    const chart = page.getByRole("img", { name: "After 120 labels" });
    await chart.focus();
    await page.keyboard.press("Home");
    expect(await page.locator("#reading").innerText()).toContain("After 1 labels");
    await page.keyboard.press("ArrowRight");
    expect(await page.locator("#reading").innerText()).toContain("After 2 labels");
    await page.keyboard.press("End");
    expect(await page.locator("#reading").innerText()).toContain("After 120 labels");
  });

  test("follows the system's theme until one is chosen", async () => {
    const theme = (): Promise<string | null> => page.locator("html").getAttribute("data-theme");
    await page.emulateMedia({ colorScheme: "dark" });
    await expect.poll(theme).toBe("dark");
    const button = page.getByRole("button", { name: "Theme" });
    await button.press("Enter");
    expect(await theme()).toBe("light");
    await page.reload();
    expect(await theme()).toBe("light");
    await button.press("Enter");
    expect(await theme()).toBe("dark");
  });

  test.each([320, 390, 768, 1440])("nothing runs over a screen %i px wide", async (width) => {
    await page.setViewportSize({ width, height: 800 });
    await playRun(dashboard, { labels: 60, drawn: 1 });
    await page.locator("#classes tr").first().waitFor();
    const overflow = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
    expect(overflow).toBeLessThanOrEqual(0);
  });

  test("says that the connection is lost", async () => {
    await page.getByRole("status").getByText("warming").waitFor();
    await dashboard.close();
    await expect.poll(() => page.getByRole("status").innerText()).toContain("connection lost");
  });

  test.each(["light", "dark"] as const)("text stands out from its ground in the %s theme", async (colorScheme) => {
    await page.emulateMedia({ colorScheme });
    await expect.poll(() => page.locator("html").getAttribute("data-theme")).toBe(colorScheme);
    const names = ["text", "muted", "accent", "right", "wrong", "drift", "panel", "ground"];
    const colours = await page.evaluate<string[]>(
      `(${JSON.stringify(names)}).map((name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name))`,
    );
    const grounds = colours.slice(6);
    for (const colour of colours.slice(0, 6)) {
      // WCAG 2.2, 1.4.3: 4.5 to 1.
      for (const ground of grounds) expect(contrast(colour, ground)).toBeGreaterThanOrEqual(4.5);
    }
  });
});

/** WCAG's contrast ratio of two `#rrggbb`. */
function contrast(a: string, b: string): number {
  const [high, low] = [luminance(a), luminance(b)].toSorted((x, y) => y - x) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

function luminance(colour: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const value = Number.parseInt(colour.trim().slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
