// Looking around in a quarter of usage: the same numbers everywhere, files, keyboard, theme, a telephone.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { expectAccessible, expectNoProblems, openBrowser, openPage, settled, visit } from "../lib/browser.mjs";
import { PASSWORD, download, follow, openSignedIn, send, signUp } from "../lib/people.mjs";
import { startTallystick } from "../lib/server.mjs";

const OWNER = "owner@example.org";
let tallystick, browser, path, signedIn;

before(async () => {
  tallystick = await startTallystick();
  path = await tallystick.sample({ email: OWNER, password: PASSWORD, timeZone: "Asia/Kolkata" });
  browser = await openBrowser();
  const page = await openSignedIn(browser, tallystick, OWNER);
  signedIn = await page.context().storageState();
  await page.context().close();
});

after(async () => {
  await browser?.close();
  await tallystick?.stop();
});

/** A test with a page of the owner, which must end without problems. */
function looking(name, settings, look) {
  test(name, async () => {
    const page = await openPage(browser, { baseURL: tallystick.url, storageState: signedIn, ...settings });
    await look(page);
    expectNoProblems(page);
    await page.context().close();
  });
}

for (const javaScript of [true, false]) {
  const word = javaScript ? "with" : "without";

  looking(`the statements' file adds up to the page, ${word} JavaScript`, { javaScript }, async (page) => {
    await visit(page, `${path}/statements`);
    const before = page.getByRole("table", { name: "Usage and charges by month" }).getByRole("link").nth(1);
    const month = await before.innerText();
    await follow(page, before, /month=/);
    await page.getByRole("heading", { level: 2, name: month }).waitFor();
    const total = page.getByRole("table", { name: "Usage and charges by team and project" }).getByRole("row", { name: /^total/ }).getByRole("cell").last();
    const exact = (await total.getAttribute("title")).replace(/[$,]/g, "");
    const file = await download(page, page.getByRole("link", { name: "CSV", exact: true }));
    const [head, ...rows] = file.trim().split(/\r?\n/).map((line) => line.split(","));
    const amount = head.indexOf("amount");
    assert.ok(amount > 0, `an amount among ${head}`);
    assert.equal(sum(rows.map((row) => row[amount])), exactly(exact), "the lines of the file add up to the total of the page");
    await follow(page, page.getByRole("table", { name: "Usage and charges by team and project" }).getByRole("link", { name: "Engineering" }), /\/team\/engineering/);
    await page.getByRole("heading", { level: 1, name: `Engineering, ${month}` }).waitFor();
    assert.match(await download(page, page.getByRole("link", { name: "CSV", exact: true })), /code-assistant/);
  });

  looking(`the forecast names its interval and its error, ${word} JavaScript`, { javaScript }, async (page) => {
    await visit(page, `${path}/forecast`);
    await page.getByText(/80.% interval/).first().waitFor();
    await page.getByRole("img", { name: /^Spend of the month to date/ }).waitFor();
    await page.getByText("Show as table").first().click();
    await page.getByRole("table").first().waitFor();
    await follow(page, page.getByRole("table", { name: "Projects" }).getByRole("link", { name: "Search" }).or(page.getByRole("table", { name: "Projects" }).getByRole("link", { name: "search" })).first(), /project=search/);
    await follow(page, "Show all usage", /\/forecast$/);
  });

  looking(`rejected and unpriced events say why, ${word} JavaScript`, { javaScript }, async (page) => {
    await visit(page, `${path}/events/rejected`);
    assert.ok((await page.getByRole("table").getByRole("row").count()) > 1);
    await follow(page, page.getByRole("navigation", { name: "Lists of events" }).getByRole("link", { name: /^Unpriced/ }), /\/unpriced/);
    await page.getByText(/What they cost at most is not known/).waitFor();
    await follow(page, page.getByRole("link", { name: /^\d+ events? of / }).first(), /unpriced=true/);
    await page.getByRole("cell", { name: "unpriced" }).first().waitFor();
  });

  looking(`the theme is the reader's choice, ${word} JavaScript`, { javaScript }, async (page) => {
    const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    await visit(page, path);
    const light = await ground();
    await page.getByRole("button", { name: "Dark", exact: true }).click();
    await page.locator('html[data-theme="dark"]').waitFor({ state: "attached" });
    await settled(page);
    assert.notEqual(await ground(), light);
    await visit(page, `${path}/explore`);
    await page.locator('html[data-theme="dark"]').waitFor({ state: "attached" });
    await page.getByRole("button", { name: "System", exact: true }).click();
    await page.locator("html:not([data-theme])").waitFor({ state: "attached" });
  });

  looking(`a telephone's drawer opens, leads on and closes, ${word} JavaScript`, { javaScript, width: "phone" }, async (page) => {
    await visit(page, path);
    const drawer = page.getByRole("navigation", { name: "Main" });
    assert.equal(await drawer.isVisible(), false);
    await page.getByRole("button", { name: "Navigation" }).click();
    await drawer.waitFor();
    await follow(page, drawer.getByRole("link", { name: "Budgets" }), /\/budgets/);
    await page.getByRole("heading", { level: 1, name: "Budgets" }).waitFor();
    await drawer.waitFor({ state: "hidden" });
  });
}

looking("everything is reached by keyboard: skip link, palette, chart", {}, async (page) => {
  await visit(page, path);
  await page.keyboard.press("Tab");
  const skip = page.getByRole("link", { name: "Skip to content" });
  assert.ok(await skip.evaluate((link) => link === document.activeElement), "the first stop skips the navigation");
  assert.ok((await skip.boundingBox()).y >= 0, "and is seen");
  await page.keyboard.press("Enter");
  await page.waitForURL(/#content$/);

  await page.keyboard.press("Control+k");
  const palette = page.getByRole("dialog", { name: "Go to" });
  await palette.waitFor();
  await page.keyboard.type("forec");
  await page.getByRole("option", { name: /Forecast/, selected: true }).waitFor();
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/forecast/);
  await palette.waitFor({ state: "hidden" });
  await page.getByRole("heading", { level: 1, name: /Forecast/ }).waitFor();

  // On the first of a month there is one day of it.
  await visit(page, `${path}?period=30d`);
  const values = page.getByRole("slider", { name: /^Spend by day/ });
  await values.focus();
  await page.keyboard.press("Home");
  const first = await values.getAttribute("aria-valuetext");
  await page.keyboard.press("ArrowRight");
  assert.notEqual(await values.getAttribute("aria-valuetext"), first);
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/explore\?.*from=/);
  await settled(page);
});

looking("a bar leads to Explore, a legend switches off, the pointer reads values", {}, async (page) => {
  await visit(page, `${path}?period=30d`);
  const chart = page.locator("figure.chart").first();
  const fills = await chart.locator(".bars").evaluateAll((bars) => bars.map((bar) => getComputedStyle(bar).fill));
  assert.ok(fills.length > 1 && fills.every((fill) => fill !== "none"), `${fills}`);
  await chart.locator(".chart-plot").hover({ position: { x: 40, y: 60 } });
  await chart.locator(".chart-tip").getByText("support-bot").waitFor();
  const legend = chart.getByRole("button", { name: "support-bot" });
  await legend.click();
  assert.equal(await legend.getAttribute("aria-pressed"), "false");
  await chart.locator(".chart-plot").hover({ position: { x: 60, y: 60 } });
  assert.equal(await chart.locator(".chart-tip").getByText("support-bot").count(), 0);
});

looking("Overview, Explore and the API say one number", {}, async (page) => {
  await visit(page, `${path}?period=last-month`);
  // Where usage is unpriced, each says so in its own words behind the number.
  const number = async (shown) => (await shown.getAttribute("title")).split(/, |\n/)[0];
  const overview = await number(page.locator(".figure-value").first());
  await visit(page, `${path}/explore?period=last-month&group_by=model`);
  assert.equal(await number(page.getByRole("row", { name: /^total/ }).getByRole("cell").first()), overview);
  const file = await download(page, page.getByRole("link", { name: "CSV" }));
  const [head, ...rows] = file.trim().split(/\r?\n/).map((line) => line.split(","));
  const spend = head.indexOf("spend");
  assert.equal(sum(rows.map((row) => row[spend])), exactly(overview.replace(/[$,]/g, "")));
});

looking("a row of events is the link to its receipt", { javaScript: false }, async (page) => {
  await visit(page, `${path}/events`);
  const row = page.getByRole("table").getByRole("row").nth(1);
  const address = await row.getByRole("link").first().getAttribute("href");
  // Where there is no link of its own, the row's is stretched over it.
  const { x, y, width, height } = await row.getByRole("cell").first().boundingBox();
  await Promise.all([page.waitForURL((url) => url.pathname === address), page.mouse.click(x + width / 2, y + height / 2)]);
});

looking("a sheet of a statement says whose it is and has all columns", { javaScript: false }, async (page) => {
  await visit(page, `${path}/statements`);
  await follow(page, page.getByRole("table", { name: "Usage and charges by month" }).getByRole("link").nth(1), /month=/);
  await follow(page, page.getByRole("table", { name: "Usage and charges by team and project" }).getByRole("link", { name: "Engineering" }), /\/team\/engineering/);
  await page.emulateMedia({ media: "print" });
  // As wide as an A4 sheet between its margins.
  await page.setViewportSize({ width: 703, height: 1000 });
  assert.match(await page.locator(".print-head").innerText(), / · Statement of Engineering, \w+ \d{4}$/);
  const table = page.getByRole("table").first();
  for (const name of ["Model", "Meter", "Quantity", "Unit", "Effective rate, $", "Requests", "Amount, $"]) await table.getByRole("columnheader", { name }).waitFor();
  assert.equal(await page.getByRole("navigation").count(), 0, "nothing to operate on paper");
  assert.equal(await page.locator(".button").filter({ visible: true }).count(), 0);
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(overflow <= 0, `${overflow} px too wide`);
});

looking("on a phone a tap on a chart reads a day, and a second one beside it opens it", { width: "phone", touch: true }, async (page) => {
  await visit(page, `${path}?period=30d`);
  const chart = page.locator("figure.chart").first();
  const fills = await chart.locator(".bars").evaluateAll((bars) => bars.map((bar) => getComputedStyle(bar).fill));
  assert.ok(fills.length > 1 && fills.every((fill) => fill !== "none"), `${fills}`);
  const plot = chart.locator(".chart-plot");
  await plot.scrollIntoViewIfNeeded();
  await plot.tap({ position: { x: 150, y: 60 } });
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.equal(overflow, 0, "what is read in the middle does not widen the page");
  await plot.tap({ position: { x: 40, y: 60 } });
  const day = await chart.locator(".chart-tip-head span").innerText();
  assert.ok(!page.url().includes("explore"), "the first tap reads");
  await plot.tap({ position: { x: 46, y: 90 } });
  await page.waitForURL(/explore/);
  assert.match(day, /^[A-Z][a-z]{2}, [A-Z][a-z]{2} \d+$/);
});

looking("on a phone the amounts and what to do with a row stand in sight", { width: "phone" }, async (page) => {
  for (const [at, table, cell] of [
    ["/budgets", "Budgets of this month", "td.num"],
    // Those of months that are over are acknowledged, and have nothing to do.
    ["/alerts", "Alerts", "td.num"],
    ["/events", /events/i, "td.num"],
    ["/projects", /^Spend since/, "td.num"],
    ["/statements", "Usage and charges by team and project", "td.num"],
  ]) {
    await visit(page, `${path}${at}`);
    const shown = page.getByRole("table", { name: table }).first().locator(`tbody ${cell}`).filter({ visible: true }).first();
    await expectInSight(shown, at);
  }
});

/** Fails where the box of its table cuts something off. */
async function expectInSight(shown, at) {
  const [box, edge] = [await shown.boundingBox(), await shown.evaluate((part) => part.closest(".table-box").getBoundingClientRect().right)];
  assert.ok(box && box.x >= 0 && box.x + box.width <= edge + 0.5, `${at}: at ${JSON.stringify(box)}, and its table ends at ${edge}`);
}

looking("one forecast of all usage stands on every page", {}, async (page) => {
  const figure = (caption) => page.locator(".figure").filter({ hasText: caption }).locator(".figure-value").first().getAttribute("title");
  await visit(page, path);
  const forecast = await figure(/^Forecast \(/);
  assert.match(forecast, /^\$\d/);
  // A forecast moves with the clock, by parts of a million each second; two forecasts would differ by more than that.
  const dollars = (text) => Number(text.replace(/[$,]/g, ""));
  const same = (other) => assert.ok(Math.abs(dollars(other) / dollars(forecast) - 1) < 0.001, `${other} and ${forecast}`);
  await visit(page, `${path}/forecast`);
  same(await figure(/^Forecast \(month-end\)/));
  const cell = (table, row) => page.getByRole("table", { name: table }).getByRole("row", { name: row }).getByRole("cell").nth(1).getAttribute("title");
  same(await cell("Projects", /^All usage/));
  same(await cell("Budgets", /all of/));
  const budget = await page.getByRole("table", { name: "Budgets" }).getByRole("row", { name: /all of/ }).getByRole("link").getAttribute("href");
  await visit(page, budget);
  same(await figure(/^Forecast \(month-end\)/));
});

/** An organization with so many projects that a list of them is long, and a key of each. */
async function manyProjects() {
  for (const project of ["billing", "chat", "drafts", "main", "search", "speech", "vision"])
    await tallystick.bootstrap({ email: OWNER, password: PASSWORD, organization: "Many", project });
  return "/o/many";
}

for (const javaScript of [true, false]) {
  looking(`a long list is found in, ${javaScript ? "with" : "and is a list without"} JavaScript`, { javaScript }, async (page) => {
    await visit(page, `${await manyProjects()}/settings/keys`);
    const projects = page.getByRole("combobox", { name: "Projects" });
    await page.getByLabel("Name").fill(`found ${javaScript}`);
    if (javaScript) {
      const found = page.getByRole("listbox", { name: "Suggestions" }).getByRole("option");
      const before = await projects.inputValue();
      await projects.click();
      // All of them, as long as nothing is sought.
      await found.nth(12).waitFor();
      await projects.fill("none such");
      await page.getByText("No suggestions").waitFor({ state: "attached" });
      await page.getByLabel("Name").focus();
      assert.equal(await projects.inputValue(), before, "what is not in the list is not chosen");
      await projects.fill("only s");
      await found.filter({ hasText: "Only speech" }).filter({ hasText: "One project" }).waitFor();
      assert.equal(await found.count(), 2);
      await expectAccessible(page);
      await page.keyboard.press("ArrowDown");
      await page.keyboard.press("Enter");
      assert.equal(await projects.inputValue(), "Only speech");
      // Faster than the list comes.
      await projects.fill("only vis");
      await page.keyboard.press("Enter");
      await page.waitForFunction(() => document.querySelector("#project").value === "Only vision");
    } else await projects.selectOption("only:vision");
    await page.getByRole("button", { name: "Create key" }).click();
    await page.getByText(`The key “found ${javaScript}” is made.`).waitFor();
    await page.getByRole("row", { name: new RegExp(`^found ${javaScript}.*only vision`) }).waitFor();
  });
}

looking("on a phone a key, a member and an invitation can be ended without scrolling sideways", { width: "phone" }, async (page) => {
  const many = await manyProjects();
  await tallystick.bootstrap({ email: "colleague@example.org", password: PASSWORD, organization: "Elsewhere" });
  for (const email of ["colleague@example.org", "invited@example.org"]) {
    await visit(page, `${many}/settings/members`);
    await page.getByLabel("E-mail").fill(email);
    await send(page, "Send the invitation", /notice=invited/);
  }
  const colleague = await openSignedIn(browser, tallystick, "colleague@example.org");
  await visit(colleague, new URL((await tallystick.mail.to("colleague@example.org", /invites you/)).link("/invitations/")).pathname);
  await send(colleague, "Accept", /\/o\//);
  await colleague.context().close();
  for (const [at, button] of [
    ["keys", /^Revoke the key/],
    ["members", "Remove colleague@example.org"],
    ["members", "Revoke the invitation of invited@example.org"],
  ]) {
    await visit(page, `${many}/settings/${at}`);
    await expectInSight(page.getByRole("button", { name: button }).first(), at);
  }
});

test("a sample organization is loaded by a button and deleted again", async () => {
  const page = await openPage(browser, { baseURL: tallystick.url });
  await signUp(page, tallystick, "curious@example.org");
  await send(page, "Load sample data", /\/o\/sample/);
  const sample = new URL(page.url()).pathname;
  // It fills while it is looked at, and gives way to the Overview by itself.
  await page.getByRole("heading", { name: "Your sample is on its way" }).waitFor();
  await page.getByText("of usage priced").waitFor({ timeout: 90_000 });
  await settled(page);
  await visit(page, `${sample}/settings`);
  await page.getByText("Delete this organization …").click();
  await page.getByLabel(/^Type “/).fill("Sample: Northwind Labs");
  await send(page, "Delete in seven days", /settings\?notice=deletion/);
  // It takes no place any more: another one can be loaded.
  await visit(page, "/organizations");
  await page.getByText("will be deleted").waitFor();
  await send(page, "Load sample data", (url) => url.pathname.startsWith("/o/sample") && url.pathname !== sample);
  expectNoProblems(page);
  await page.context().close();
});

/** A decimal text as an exact integer of 10^-12. */
function exactly(text) {
  const [, sign, whole, part = ""] = text.match(/^(-?)(\d*)\.?(\d*)$/);
  const value = BigInt(whole + part.padEnd(12, "0").slice(0, 12));
  return sign ? -value : value;
}

function sum(texts) {
  return texts.filter(Boolean).map(exactly).reduce((total, value) => total + value, 0n);
}

looking("a model is found by part of its name, with what it costs, and brings its provider", {}, async (page) => {
  await visit(page, `${path}/prices/own/price`);
  const model = page.getByRole("combobox", { name: "Model" });
  await model.pressSequentially("gpt4o");
  const proposed = page.getByRole("listbox", { name: "Suggestions" }).getByRole("option");
  await proposed.filter({ hasText: "gpt-4o" }).first().waitFor();
  assert.equal(await model.getAttribute("aria-expanded"), "true");
  await expectAccessible(page);
  await page.keyboard.press("Escape");
  assert.equal(await proposed.count(), 0);
  assert.equal(await model.inputValue(), "gpt4o", "what was typed stays");

  await page.getByRole("combobox", { name: "Provider" }).fill("openai");
  await model.focus();
  await page.keyboard.press("ArrowDown");
  await proposed.filter({ hasText: /^gpt-4o openai, \$2\.50 \/ \$10\.00 per 1M$/ }).waitFor();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  assert.equal(await model.inputValue(), "gpt-4o");
  assert.match(page.url(), /own\/price$/, "Enter chose and did not send the form");

  await page.getByRole("combobox", { name: "Provider" }).fill("");
  await model.fill("claude-sonnet-4-5");
  await proposed.filter({ hasText: "anthropic" }).first().click();
  assert.equal(await page.getByRole("combobox", { name: "Provider" }).inputValue(), "anthropic");
});

looking("the palette finds actions, models, customers and events", {}, async (page) => {
  await visit(page, `${path}/events`);
  const event = (await page.locator("tbody a[href*='/events/']").first().getAttribute("href")).split("/").pop();
  const chosen = async (typed, name, address) => {
    await page.keyboard.press("Control+k");
    await page.getByRole("dialog", { name: "Go to" }).waitFor();
    await page.keyboard.type(typed);
    await page.getByRole("option", { name, selected: true }).waitFor();
    await page.keyboard.press("Enter");
    await page.waitForURL(address);
    await settled(page);
  };
  await chosen("new budget", /^New budget/, /\/budgets\/new$/);
  await chosen("gpt4o", /^gpt-4o/, /\/prices\/.*gpt-4o/);
  await chosen(event, /Event$/, new RegExp(`/events/${event}`));
});
