// Local mode: a private PostgreSQL, and mail that is shown instead of being sent.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { expectAccessible, expectNoProblems, expectNoSidewaysScroll, openBrowser, openPage, visit } from "../lib/browser.mjs";
import { follow, send, PASSWORD } from "../lib/people.mjs";
import { startLocally } from "../lib/server.mjs";

let folder, tallystick, browser;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "tallystick-local-"));
  tallystick = await startLocally(folder);
  browser = await openBrowser();
});

after(async () => {
  await browser?.close();
  await tallystick?.stop();
  await rm(folder, { recursive: true, force: true });
});

test("a link in a mail that is shown at /dev/mail leads on", async () => {
  const page = await openPage(browser, { baseURL: tallystick.url });
  await visit(page, "/dev/mail");
  await page.getByText("No mail yet").waitFor();
  await visit(page, "/sign-up");
  await page.getByLabel("E-mail").fill("ada@example.org");
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Sign up" }).click();
  await follow(page, "/dev/mail", /\/dev\/mail/);
  await page.getByRole("heading", { name: "Verify your e-mail address for Tallystick" }).waitFor();
  await expectAccessible(page);
  await expectNoSidewaysScroll(page);
  await follow(page, page.getByRole("link", { name: /\/verify-email/ }), /\/verify-email/);
  await send(page, "Verify this address", /\/organizations/);
  assert.equal(new URL(page.url()).pathname, "/organizations");
  await visit(page, "/dev/mail");
  await page.getByRole("link", { name: "As HTML" }).first().click();
  await page.getByRole("link", { name: "Verify this address" }).waitFor();
  expectNoProblems(page);
  await page.context().close();
});
