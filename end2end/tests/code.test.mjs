// A room's code that does not come: an open page says so and leads on; a page from the server reads and submits all the same.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { expectAccessible, expectNoProblems, openBrowser, openPage, settled, visit } from "../lib/browser.mjs";
import { PASSWORD, openSignedIn } from "../lib/people.mjs";
import { startTallystick } from "../lib/server.mjs";

const OWNER = "owner@example.org";
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

test("the code of a room comes with its first page, and not before", async () => {
  const page = await openSignedIn(browser, tallystick, OWNER);
  const fetched = [];
  page.on("request", (request) => fetched.push(request.url()));
  const rooms = () => fetched.map((url) => /\/pkg\/split_([a-z]+)\./.exec(url)?.[1]).filter(Boolean);
  await visit(page, "/o/acme/budgets");
  assert.deepEqual([...new Set(rooms())], ["control"]);
  await page.getByRole("link", { name: "Prices", exact: true }).click();
  await page.getByRole("heading", { level: 1, name: "Prices" }).waitFor();
  assert.deepEqual([...new Set(rooms())], ["control", "prices"]);
  for (const url of fetched.filter((url) => url.includes("/pkg/"))) {
    const { headers } = await fetch(url);
    assert.equal(headers.get("cache-control"), "no-cache", `${url} is asked for again on every visit`);
  }
  expectNoProblems(page);
  await page.context().close();
});

test("an open page whose next room does not come says so, and goes on when it is there again", async () => {
  const page = await openSignedIn(browser, tallystick, OWNER);
  await visit(page, "/o/acme/budgets");
  await page.route(/\/pkg\/split_prices/, (route) => route.abort("connectionrefused"));
  await page.getByRole("link", { name: "Prices", exact: true }).click();
  await page.getByText("This page did not load").waitFor();
  await expectAccessible(page);
  await page.unroute(/\/pkg\/split_prices/);
  await page.getByRole("link", { name: "Load it again" }).click();
  await page.getByRole("heading", { level: 1, name: "Prices" }).waitFor();
  await settled(page);
  await page.context().close();
});

test("a page whose code does not come reads and submits as the server sent it", async () => {
  const page = await openPage(browser, { baseURL: tallystick.url });
  await page.route(/\/pkg\/split_account/, (route) => route.abort("connectionrefused"));
  await page.goto("/sign-in");
  await page.getByLabel("E-mail").fill(OWNER);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.locator('main button[type="submit"]').click();
  await page.waitForURL(/\/o\/acme/);
  await settled(page);
  await page.context().close();
});
