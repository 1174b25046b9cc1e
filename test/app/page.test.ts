import { describe, expect, it } from "vitest";
import type { LearnedMessage } from "../../src/message/learned.ts";
import { hasChromium, launchChromium, needsChromium } from "../support/chromium.ts";
import { cleanUps } from "../support/clean-up.ts";
import { startNode, workplace } from "../support/node.ts";
import { picture, pictureLabels } from "../support/pictures.ts";
import { sender } from "../support/sender.ts";

const started = cleanUps();

describe.skipIf(!hasChromium)(`the page of a node (${needsChromium})`, () => {
  it("teaches it: accuracy moves, what was taught is in a snapshot, and it can be gone back to", async () => {
    const place = started(await workplace(), (one) => one.remove());
    const dashboard = { enabled: true, port: 0, teach: true };
    const node = started(await startNode(place.config({ dashboard })), (one) => one.stop());
    const learned: LearnedMessage[] = [];
    node.learned$.subscribe(({ message }) => learned.push(message));
    const cameras = started(await sender(node.brokerUrl), (one) => one.end());
    const browser = started(await launchChromium(), (one) => one.close());
    const page = await browser.newPage();
    page.setDefaultTimeout(60_000);
    await page.goto(node.dashboard!.url);
    const tiles = page.locator("#tiles");
    await expect.poll(() => tiles.innerText(), { timeout: 60_000 }).toContain("Accuracy, overall\n–");

    for (let i = 0; i < 9; i++) {
      const label = pictureLabels[i % 3]!;
      const frameId = `frame-${i}`;
      await cameras.frame("cam", frameId, await picture(label, i));
      // The newest picture may still be on its way to the page.
      const shown = page.getByRole("img", { name: `Frame ${frameId} of cam` });
      await expect
        .poll(
          async () => {
            await page.locator(".camera .frame").click();
            return shown.isVisible();
          },
          { timeout: 60_000 },
        )
        .toBe(true);
      await page.locator("#teach-label").fill(label);
      await page.keyboard.press("Enter");
      await page.locator("#teach-status").getByText(`Learned: “${label}”`).waitFor();
      await expect.poll(() => learned.at(-1)?.frameId, { timeout: 60_000 }).toBe(frameId);
    }
    expect(learned.map(({ label }) => label)).toEqual([...pictureLabels, ...pictureLabels, ...pictureLabels]);
    expect(learned.slice(-3).filter(({ correct }) => correct === true).length).toBeGreaterThan(0);
    await expect.poll(() => tiles.innerText(), { timeout: 60_000 }).toMatch(/Accuracy, overall\n[1-9]\d*\s%/);
    await expect.poll(() => page.locator("#classes tr").count(), { timeout: 60_000 }).toBe(3);

    await page.getByRole("button", { name: "Take one now" }).click();
    await page.getByText("snapshot: done, pool version 9.").waitFor();
    await page.getByRole("button", { name: "Forget nut" }).click();
    await page.getByRole("button", { name: "Forget", exact: true }).click();
    await page.getByText(/^forget-label: done/).waitFor();
    await expect.poll(() => page.locator("#classes tr").count(), { timeout: 60_000 }).toBe(2);
    await page.getByRole("button", { name: "Restore version 9", exact: true }).last().click();
    await page.getByRole("button", { name: "Restore", exact: true }).click();
    await page.getByText(/^restore: done/).waitFor();
    await expect.poll(() => page.locator("#classes tr").count(), { timeout: 60_000 }).toBe(3);
  }, 300_000);
});
