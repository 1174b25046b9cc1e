import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Browser, Page } from "playwright-core";
import { pino } from "pino";
import sharp from "sharp";
import { expect, it } from "vitest";
import { type DemoEvent, runDemo } from "../../src/app/demo.ts";
import { hasChromium, launchChromium } from "../support/chromium.ts";

/** Takes README.md's picture of the page anew, from a run of what `npm start` runs: a minute or two. */
const isAsked = process.env["L2P_TAKE_PICTURES"] !== undefined && hasChromium;

const picture = resolve(import.meta.dirname, "../results/page.png");
const frames = 480;
/** Of the frames: when the picture is taken. */
const takenAt = 440;
const height = 974;

it.skipIf(!isAsked)(
  "the page as the demo shows it, light on a desktop and dark on a phone (set L2P_TAKE_PICTURES to take it anew)",
  async () => {
    const stop = new AbortController();
    const browser = await launchChromium();
    let address = "";
    let played = 0;
    const onEvent = (event: DemoEvent): void => {
      if (event.kind === "started") address = event.page;
      if (event.kind === "progress") played = event.frames;
    };
    const ports = { dashboardPort: 0, brokerPort: 0 };
    const camera = { cameras: 2, framesPerSecond: 4, labelShare: 0.5, labelDelayMs: 1000 };
    const options = { ...ports, ...camera, frames, storyFrames: frames / 2, seed: 1, signal: stop.signal, onEvent };
    const demo = runDemo(options, pino({ level: "silent" }));
    let failure: unknown;
    demo.catch((error: unknown) => (failure = error));
    const until = async (is: () => boolean): Promise<void> => {
      while (!is() && failure === undefined) await sleep(50);
    };
    try {
      await until(() => address !== "");
      const [desktop, phone] = await Promise.all([
        open(browser, "light", 1180, address),
        open(browser, "dark", 340, address),
      ]);
      await until(() => played >= takenAt);
      for (const page of [desktop, phone]) await page.locator(".ask").first().press("Enter");
      const shots = await Promise.all([desktop, phone].map((page) => page.screenshot()));
      await sideBySide(shots, 40);
      expect(await phone.evaluate("document.documentElement.scrollWidth - innerWidth")).toBeLessThanOrEqual(0);
    } finally {
      await browser.close();
      stop.abort();
      await demo; // with its failure
    }
  },
  600_000,
);

async function open(browser: Browser, colorScheme: "light" | "dark", width: number, address: string): Promise<Page> {
  const page = await browser.newPage();
  await page.emulateMedia({ colorScheme });
  await page.setViewportSize({ width, height });
  await page.goto(address);
  return page;
}

async function sideBySide(shots: readonly Buffer[], gap: number): Promise<void> {
  const sizes = await Promise.all(shots.map((shot) => sharp(shot).metadata()));
  const lefts = sizes.map((_, i) => sizes.slice(0, i).reduce((sum, { width }) => sum + width + gap, 0));
  const width = lefts.at(-1)! + sizes.at(-1)!.width;
  await sharp({ create: { width, height, channels: 3, background: "#ffffff" } })
    .composite(shots.map((input, i) => ({ input, left: lefts[i]!, top: 0 })))
    .png({ palette: true, compressionLevel: 9, effort: 10 })
    .toFile(picture);
}
