// The browser's code: little of it, and pages that do without when it does not come.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { expectNoProblems, openBrowser, openPage, settled, visit } from "../lib/browser.mjs";
import { PASSWORD, openSignedIn, signOut } from "../lib/people.mjs";
import { startTallystick } from "../lib/server.mjs";

const OWNER = "owner@example.org";
/** Document, style sheet, script, its snippets, code, icon. */
const MOST_REQUESTS = 8;
let tallystick, browser;

before(async () => {
  tallystick = await startTallystick();
  await tallystick.bootstrap({ email: OWNER, password: PASSWORD, organization: "Acme" });
  browser = await openBrowser();
});

after(async () => {
  await browser?.close();
  await tallystick?.stop();
});

test("a first visit asks for little, and its files are not asked for again", async () => {
  const page = await openPage(browser, { baseURL: tallystick.url });
  const fetched = [];
  page.on("request", (request) => fetched.push(request.url()));
  await visit(page, "/sign-in");
  assert.ok(fetched.length <= MOST_REQUESTS, `${fetched.length} requests: ${fetched.join(", ")}`);
  const code = fetched.filter((url) => url.includes("/pkg/"));
  assert.ok(code.length >= 3, `style sheet, script and code among ${code}`);
  for (const url of code) {
    const { headers } = await fetch(url);
    assert.equal(headers.get("cache-control"), "public, max-age=31536000, immutable", url);
  }
  const gone = await fetch(code[0].replace(/tallystick\.[0-9a-f]+/, "tallystick.0000"));
  assert.deepEqual([gone.status, gone.headers.get("cache-control")], [404, "no-cache"], "a file of another version");
  expectNoProblems(page);
  await page.context().close();
});

test("a page whose code does not come reads and submits as the server sent it", async () => {
  const page = await openPage(browser, { baseURL: tallystick.url });
  await page.route(/\.wasm$/, (route) => route.abort("connectionrefused"));
  await page.goto("/sign-in");
  await page.getByLabel("E-mail").fill(OWNER);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.locator('main button[type="submit"]').click();
  await page.waitForURL(/\/o\/acme/);
  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Prices", exact: true }).click();
  await page.getByRole("heading", { level: 1, name: "Prices" }).waitFor();
  await page.context().close();
});

test("going back shows what was there", async () => {
  const page = await openSignedIn(browser, tallystick, OWNER);
  await visit(page, "/o/acme/budgets");
  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Prices", exact: true }).click();
  await page.getByRole("heading", { level: 1, name: "Prices" }).waitFor();
  await settled(page);
  await page.goBack();
  await page.getByRole("heading", { level: 1, name: "Budgets" }).waitFor();
  await settled(page);
  expectNoProblems(page);
  await page.context().close();
});

test("who signed out and goes back finds the sign-in, and no figures", async () => {
  const page = await openSignedIn(browser, tallystick, OWNER);
  await visit(page, "/o/acme/budgets");
  await signOut(page);
  await page.goBack();
  await page.waitForURL((address) => address.pathname === "/sign-in");
  await page.getByLabel("Password").waitFor();
  await page.context().close();
});
