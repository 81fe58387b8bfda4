// One Chromium for a file of tests. Scripts are off unless a test wants them, so that nothing can depend on
// them.

import assert from "node:assert/strict";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before } from "node:test";
import { chromium } from "playwright-core";

export const setting = (name) => process.env[`SEALGATE_TEST_${name}`];

const options = { ignoreHTTPSErrors: true, javaScriptEnabled: false };
let browser;

before(async () => {
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      `--host-resolver-rules=MAP travel.example:443 127.0.0.1:${setting("TRAVEL_PORT")}`,
    ],
    env: { ...process.env, HOME: mkdtempSync(join(tmpdir(), "chromium-")) },
  });
});

after(async () => {
  await browser?.close();
});

/** A page in a browser of its own, with every complaint of the browser about it. */
export async function visit(t, extra = {}) {
  const context = await browser.newContext({ ...options, ...extra });
  t.after(() => context.close());
  const page = await context.newPage();
  const complaints = [];
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  return { context, page, complaints };
}

/** Whether a page fits 320 pixels in both schemes. */
export async function fits(page) {
  const before = page.viewportSize();
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width: 320, height: 640 });
    const wide = await page.locator("html").evaluate((html) => html.scrollWidth);
    assert.ok(wide <= 320, `${page.url()} is ${wide} pixels wide`);
  }
  await page.setViewportSize(before);
}

/** Presses Tab until the field or button with this name, and value if given, has the focus. */
export async function tabTo(page, name, value) {
  for (let presses = 0; presses < 20; presses += 1) {
    const focused = page.locator(":focus");
    if ((await focused.count()) > 0) {
      const fits = value === undefined || (await focused.getAttribute("value")) === value;
      if ((await focused.getAttribute("name")) === name && fits) return;
    }
    await page.keyboard.press("Tab");
  }
  throw new Error(`nothing named ${name} can be reached by keyboard on ${page.url()}`);
}
