// The first day: from signing up to the mail of a budget that was crossed, with and without JavaScript.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { expectAccessible, expectNoProblems, expectNoSidewaysScroll, openBrowser, openPage, settled, visit } from "../lib/browser.mjs";
import { createOrganization, download, follow, send, sendEvents, signUp } from "../lib/people.mjs";
import { startTallystick } from "../lib/server.mjs";

let tallystick, browser;

before(async () => {
  tallystick = await startTallystick();
  browser = await openBrowser();
});

after(async () => {
  await browser?.close();
  await tallystick?.stop();
});

/** $0.15 and $0.60 per million tokens since its beginning: $0.75 in all. */
const MILLION_EACH = { provider: "openai", model: "gpt-4o-mini", usage: { prompt_tokens: 1_000_000, completion_tokens: 1_000_000 } };

for (const javaScript of [true, false]) {
  const word = javaScript ? "with" : "without";

  test(`from sign-up to the alert's mail, ${word} JavaScript`, async (t) => {
    const email = `ada-${word}@example.org`;
    const page = await openPage(browser, { javaScript, baseURL: tallystick.url });
    let path, key;

    await t.test("sign-up, verification, organization", async () => {
      await signUp(page, tallystick, email);
      await page.getByRole("heading", { name: "Create your organization" }).waitFor();
      path = await createOrganization(page, `Acme ${word}`, "Asia/Kolkata");
      await page.getByRole("heading", { name: "Three steps to your first number" }).waitFor();
      await page.getByText(`Acme ${word}, Asia/Kolkata`).waitFor();
    });

    await t.test("the snippets carry the key, one for each language", async () => {
      const shown = page.getByRole("region", { name: /snippet$/ });
      const curl = await shown.innerText();
      [key] = curl.match(/tally_live_[0-9A-Za-z]{36}/);
      assert.match(curl, new RegExp(`^curl ${tallystick.url}/v1/events`));
      for (const language of ["Python", "TypeScript"]) {
        await follow(page, language, /snippet=/);
        await page.getByRole("region", { name: `${language} snippet` }).waitFor();
        assert.ok((await shown.innerText()).includes(key), `${language} carries the key`);
      }
      if (javaScript) {
        await page.getByRole("button", { name: "Copy TypeScript snippet" }).click();
        assert.ok((await page.evaluate(() => navigator.clipboard.readText())).includes(key));
        await expectAccessible(page);
      }
      await expectNoSidewaysScroll(page);
    });

    await t.test("the first event appears by itself", async () => {
      const answer = await sendEvents(tallystick, key, { id: `first-${word}`, ...MILLION_EACH, feature: "triage", environment: "production" });
      assert.equal(answer.results[0].cost, "0.750000000000");
      if (!javaScript) await follow(page, "Check again", /\/o\//);
      else {
        await page.getByText("$0.75").first().waitFor();
        await follow(page, "See its receipt", /\/events\/[0-9a-f-]{36}$/);
      }
      await visit(page, path);
      await page.getByText("Month to date").waitFor();
      await page.getByText("$0.75").first().waitFor();
    });

    await t.test("Overview to Explore: group, step, filter, file", async () => {
      await follow(page, page.getByRole("link", { name: "Explore" }).first(), /\/explore/);
      await choose(page, "by", "feature", /group_by=feature/);
      await page.getByRole("cell", { name: "triage" }).or(page.getByRole("rowheader", { name: "triage" })).first().waitFor();
      await choose(page, "per", "month", /bucket=month/);
      await choose(page, "Measure", "requests", /measure=requests/);
      // The answer is there, so nothing is drawn anew below the menu.
      await page.getByRole("columnheader", { name: "Share of requests" }).waitFor();
      await page.getByText("Filter", { exact: true }).click();
      await follow(page, "Environment", /choose=environment/);
      await follow(page, page.getByRole("region", { name: "Environment", exact: true }).getByRole("link", { name: "production", exact: true }), /environment=production/);
      await page.getByRole("link", { name: "Remove the filter: Environment is production" }).waitFor();
      const file = await download(page, page.getByRole("link", { name: "CSV" }));
      const [head, row] = file.trim().split(/\r?\n/);
      assert.match(head, /feature.*spend.*requests/);
      assert.match(row, /triage.*0\.750000000000/);
      await page.locator(".topbar summary").nth(1).click();
      await follow(page, page.getByRole("link", { name: /^Last 7 days/ }), /period=7d/);
      await page.getByRole("link", { name: "Remove the filter: Environment is production" }).waitFor();
    });

    await t.test("down to the event and its receipt", async () => {
      await follow(page, page.getByRole("link", { name: "Events of triage" }), /\/events\?/);
      await follow(page, page.getByRole("link", { name: `Event first-${word} of` }), /\/events\/[0-9a-f-]{36}/);
      const receipt = page.getByRole("table", { name: "Receipt" });
      await receipt.getByRole("row", { name: /Total.*0\.750000000000/ }).waitFor();
      await page.getByText("Meters add up to the reported usage").waitFor();
    });

    await t.test("team and project have their Overview", async () => {
      await visit(page, `${path}/projects`);
      await follow(page, page.getByRole("table").getByRole("link").nth(1), /\/projects\/[^/?]+/);
      await page.getByText("$0.75").first().waitFor();
      await page.getByRole("heading", { name: "Owners" }).waitFor();
      await follow(page, page.getByRole("table", { name: "Owners of the project over time" }).getByRole("link"), /\/teams\//);
      await page.getByText("$0.75").first().waitFor();
    });

    await t.test("a budget is crossed, and the mail tells it all", async () => {
      await visit(page, `${path}/budgets`);
      await follow(page, page.getByRole("link", { name: "New budget" }).first(), /\/budgets\/new/);
      await page.getByLabel("Name").fill(`Pilot ${word}`);
      await page.getByLabel("Amount per month, $").fill("2");
      await page.getByLabel("Thresholds, %").fill("50, 80, 100");
      await page.getByLabel("Recipients").fill(email);
      await send(page, "Create budget", /\/budgets\/[0-9a-f-]{36}/);
      await page.getByText("The budget is there.").waitFor();
      await page.getByText("Not crossed: $0.25 to go.").waitFor();
      await sendEvents(tallystick, key, { id: `second-${word}`, ...MILLION_EACH });
      // The page that is open says it by itself.
      if (javaScript) await page.getByText(/Triggered .* with \$1\.50 used/).waitFor();
      const mail = await tallystick.mail.to(email, /budget/);
      assert.match(mail.subject, new RegExp(`^Pilot ${word} has used 75 % of its \\w+ budget \\(\\$1\\.50 of \\$2\\)$`));
      for (const part of [mail.text, mail.html]) {
        for (const said of ["50 %", "$1.50", "$2.00", "Top drivers", `${path}/budgets/`, email]) assert.ok(part.includes(said), `${said} in ${part}`);
      }
      await visit(page, mail.link("/budgets/"));
      await page.getByText(/Triggered .* with \$1\.50 used/).waitFor();
      await page.getByText("queued as").first().waitFor();
    });

    await t.test("a test mail on request, and the alert history", async () => {
      await page.getByRole("button", { name: "Send a test to me" }).click();
      await page.getByText("A test mail is on its way.").waitFor();
      const mail = await tallystick.mail.to(email, /^Test: Pilot/);
      assert.match(mail.text, /This is a test that .* asked for/);
      await settled(page);
      await visit(page, `${path}/alerts`);
      await page.getByRole("row", { name: new RegExp(`Pilot ${word}.*queued as`) }).waitFor();
      await page.getByText("Acknowledge …").click();
      await page.getByLabel("Note").fill("planned");
      await page.getByRole("button", { name: /^Acknowledge 50 % of Pilot/ }).click();
      await page.getByRole("row", { name: new RegExp(`Pilot ${word}.*${email}.*planned.*${email}`) }).waitFor();
    });

    expectNoProblems(page);
    await page.context().close();
  });
}

/** Chooses in Explore's bar; without JavaScript the button asks. */
async function choose(page, label, value, address) {
  await page.getByLabel(label, { exact: true }).selectOption(value);
  if (!page.javaScript) await page.getByRole("button", { name: "Show", exact: true }).last().click();
  await page.waitForURL(address);
}
