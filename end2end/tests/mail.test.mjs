// A mail server that refuses at first: the alert history shows its answer, and then that the mail has arrived.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { expectNoProblems, openBrowser, visit } from "../lib/browser.mjs";
import { PASSWORD, openSignedIn, send, sendEvents } from "../lib/people.mjs";
import { startTallystick } from "../lib/server.mjs";

const OWNER = "owner@example.org";
let tallystick, browser, key;

before(async () => {
  tallystick = await startTallystick();
  key = await tallystick.bootstrap({ email: OWNER, password: PASSWORD, organization: "Acme" });
  browser = await openBrowser();
});

after(async () => {
  await browser?.close();
  await tallystick?.stop();
});

test("a refusal stands in the alert history, and the delivery after it", async () => {
  const page = await openSignedIn(browser, tallystick, OWNER);
  await visit(page, "/o/acme/budgets/new");
  await page.getByLabel("Name").fill("Pilot");
  await page.getByLabel("Amount per month, $").fill("1");
  await page.getByLabel("Recipients").fill(OWNER);
  await send(page, "Create budget", /\/budgets\/[0-9a-f-]{36}/);

  tallystick.mail.refuse({ code: 451, text: "4.7.1 greylisted, come back soon" });
  await sendEvents(tallystick, key, { provider: "openai", model: "gpt-4o-mini", usage: { prompt_tokens: 4_000_000, completion_tokens: 0 } });
  const answer = page.getByRole("table", { name: "Alerts of this budget" }).getByText("greylisted, come back soon");
  await seen(page, answer);
  await page.getByRole("table", { name: "Alerts of this budget" }).getByText("on the way").first().waitFor();

  tallystick.mail.refuse(null);
  const mail = await tallystick.mail.to(OWNER, /^Pilot has used 60 % of its/);
  assert.ok(mail.messageId, "the mail has an id by which a second copy is known");
  await seen(page, page.getByRole("table", { name: "Alerts of this budget" }).getByText(/queued as/).first());
  await page.getByText(/delivered after \d attempts/).first().waitFor();
  assert.equal(tallystick.mail.mails.filter(({ messageId }) => messageId === mail.messageId).length, 1);
  expectNoProblems(page);
  await page.context().close();
});

/** Loads the page again until it shows this. */
async function seen(page, what, limitMs = 30_000) {
  const giveUp = Date.now() + limitMs;
  for (;;) {
    await visit(page, page.url());
    if (await what.count()) return;
    if (Date.now() > giveUp) throw new Error(`not seen on ${page.url()}:\n${await page.locator("main").innerText()}`);
  }
}
