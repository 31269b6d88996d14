// The product starts, serves its pages with and without JavaScript, and says so to a browser without complaint.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { expectAccessible, expectNoProblems, expectNoSidewaysScroll, openBrowser, openPage, visit } from "../lib/browser.mjs";
import { startTallystick } from "../lib/server.mjs";

let tallystick, browser;

before(async () => {
  // One after the other: what has started is ended in `after`, also when the next one fails.
  tallystick = await startTallystick();
  browser = await openBrowser();
});

after(async () => {
  await browser?.close();
  await tallystick?.stop();
});

for (const javaScript of [true, false]) {
  test(`the sign-in page reads ${javaScript ? "with" : "without"} JavaScript`, async () => {
    const page = await openPage(browser, { javaScript, baseURL: tallystick.url });
    const response = await visit(page, "/sign-in");
    assert.equal(response.status(), 200);
    assert.match(await page.title(), /Tallystick/);
    await page.getByRole("heading", { level: 1 }).waitFor();
    if (javaScript) await expectAccessible(page);
    await expectNoSidewaysScroll(page);
    expectNoProblems(page);
    await page.context().close();
  });
}

test("a page that does not exist is told so with the right status", async () => {
  const page = await openPage(browser, { baseURL: tallystick.url });
  const response = await visit(page, "/there-is-no-such-page");
  assert.equal(response.status(), 404);
  expectNoProblems(page);
  await page.context().close();
});
