// Chromium, and pages that remember everything that went wrong in them.

import assert from "node:assert/strict";
import axe from "axe-core";
import { mkdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const SCREENSHOTS = fileURLToPath(new URL("../screenshots", import.meta.url));
const WIDTHS = { phone: { width: 375, height: 812 }, desktop: { width: 1440, height: 900 }, wide: { width: 1920, height: 1080 } };
const SCHEMES = ["light", "dark"];
const HYDRATION_LIMIT_MS = 40_000;
const PATIENCE_MS = 20_000;

/** Chromium with a fresh profile; one per test file is enough, contexts are cheap. */
export function openBrowser() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

/**
 * A page in a context of its own.
 *
 * Settings: `javaScript` (default true), `baseURL`, `width` ("phone", "desktop" or "wide"), `scheme` ("light" or "dark"), `touch` (fingers, default false), `storageState`.
 * `page.problems` collects errors on the console (also of the content security policy), exceptions and failed requests.
 */
export async function openPage(browser, { javaScript = true, baseURL, width = "desktop", scheme = "light", touch = false, storageState } = {}) {
  const context = await browser.newContext({
    javaScriptEnabled: javaScript,
    baseURL,
    viewport: WIDTHS[width],
    colorScheme: scheme,
    hasTouch: touch,
    reducedMotion: "reduce",
    storageState,
    permissions: ["clipboard-read", "clipboard-write"],
  });
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  page.problems = [];
  page.on("console", (message) => {
    // An answer with an error status is what some tests are about; they look at the page. And whoever leaves a page ends the loading of its code.
    const expected = message.text().startsWith("Failed to load resource") || message.text().endsWith("Response body loading was aborted");
    if (message.type() === "error" && !expected) page.problems.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => page.problems.push(`exception: ${error.message}`));
  page.on("requestfailed", (request) => {
    const reason = request.failure()?.errorText;
    // With scripting switched off, Chromium itself refuses to fetch our script and calls that "csp"; with it on, the same policy is tested.
    const refused = !javaScript && reason === "csp" && request.resourceType() === "script";
    // Leaving a page ends its requests.
    if (reason !== "net::ERR_ABORTED" && !refused) page.problems.push(`request: ${request.url()}: ${reason}`);
  });
  page.javaScript = javaScript;
  return page;
}

/** Goes to an address; with JavaScript, waits until the browser's side has taken over. */
export async function visit(page, address) {
  const response = await page.goto(address);
  await settled(page);
  return response;
}

/** Waits until the browser's side has taken over; without JavaScript, and on a page without scripts, there is nothing to wait for. */
export async function settled(page) {
  if (!page.javaScript || (await page.locator("script").count()) === 0) return;
  try {
    await page.locator("html[data-hydrated]").waitFor({ state: "attached", timeout: HYDRATION_LIMIT_MS });
  } catch {
    throw new Error(`the browser's side did not take over ${page.url()}: ${page.problems.join("; ") || "without a word"}`);
  }
}

/** Fails when anything went wrong in the page. */
export function expectNoProblems(page) {
  assert.deepEqual(page.problems, [], `something went wrong on ${page.url()}`);
}

/** Fails when axe finds a violation, in light or in dark. */
export async function expectAccessible(page) {
  for (const scheme of SCHEMES) {
    await page.emulateMedia({ colorScheme: scheme });
    // Through the debugger: the page's own policy would refuse a script element.
    await page.evaluate(`if (!window.axe) { ${axe.source} } 0`);
    const violations = await page.evaluate(async () => {
      const { violations } = await window.axe.run(document, {
        runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
      });
      return violations.map(({ id, help, nodes }) => ({ id, help, nodes: nodes.map(({ target, failureSummary }) => `${target}: ${failureSummary}`) }));
    });
    assert.deepEqual(violations, [], `axe on ${page.url()} in ${scheme}`);
  }
  await page.emulateMedia({ colorScheme: "light" });
}

/** Fails when the page stays wider than the window, on a telephone, on a desk and on a large screen. */
export async function expectNoSidewaysScroll(page) {
  const before = page.viewportSize();
  const excess = () => document.documentElement.scrollWidth - document.documentElement.clientWidth;
  try {
    for (const [name, size] of Object.entries(WIDTHS)) {
      await page.setViewportSize(size);
      // On a busy machine the page is laid out anew a moment after its window has another size.
      const fits = () => document.documentElement.scrollWidth <= document.documentElement.clientWidth;
      const settled = await page.waitForFunction(fits, null, { timeout: 5_000 }).then(() => true, () => false);
      assert.ok(settled, `${page.url()} scrolls sideways on a ${name}, by ${await page.evaluate(excess)} pixels`);
    }
  } finally {
    await page.setViewportSize(before);
  }
}

/** Takes the page in six variants: `screenshots/NAME-{phone,desktop,wide}-{light,dark}.png`. */
export async function shoot(page, name, folder = SCREENSHOTS) {
  await mkdir(folder, { recursive: true });
  const before = page.viewportSize();
  const files = [];
  for (const [width, size] of Object.entries(WIDTHS)) {
    for (const scheme of SCHEMES) {
      await page.setViewportSize(size);
      await page.emulateMedia({ colorScheme: scheme });
      // A pointer that rests on a chart would read its values.
      await page.mouse.move(0, 0);
      const path = `${folder}/${name}-${width}-${scheme}.png`;
      await page.screenshot({ path, fullPage: true });
      files.push(path);
    }
  }
  await page.setViewportSize(before);
  await page.emulateMedia({ colorScheme: "light" });
  return files;
}
