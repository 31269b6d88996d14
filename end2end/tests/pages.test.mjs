// Every page, none left out: axe in light and dark, no sideways scroll, nothing on the console, readable without JavaScript.
//
// A new page needs a line in `VISITS`; without one, the first test fails.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { expectAccessible, expectNoProblems, expectNoSidewaysScroll, openBrowser, openPage, visit } from "../lib/browser.mjs";
import { PASSWORD, openSignedIn, send, signIn } from "../lib/people.mjs";
import { routes } from "../lib/routes.mjs";
import { startTallystick } from "../lib/server.mjs";

/** Credits that usage draws, and a plan with included usage. */
const CHARGES = [
  "kind,description,provider,amount,rate,from,to,project,included,source,reason",
  "prepaid_credits,Credits of the year,openai,5000,,2026-01-01,2027-01-01,,,Invoice 1,Year",
  "subscription,Coding agent,anthropic,,200,2026-01-01,,support-bot,400,Order 2,Year",
].join("\n");

/** Tickets of each of the last 40 days, and a month's revenue. */
const METRICS = () => {
  const day = (ago) => new Date(Date.now() - ago * 86_400_000).toISOString().slice(0, 10);
  const tickets = Array.from({ length: 40 }, (_, ago) => `tickets,tickets,${day(ago)},${400 + ((ago * 37) % 90)},project=support-bot`);
  return ["name,unit,period,value,labels", ...tickets, `revenue,USD,${day(0).slice(0, 7)},42000,`].join("\n");
};

/** A cheaper price, one that looks like that of a single token, and a model that nobody knows. */
const PRICE_LIST = [
  "s\tgenai-prices\t9.9",
  "p\topenai",
  "m\tgpt-4o",
  "r\tinput_uncached\t\t\t2\t1000000",
  "r\toutput\t\t\t0.00001\t1000000",
  "m\tgpt-99",
  "r\toutput\t\t\t4\t1000000",
].join("\n");
const OWNER = "owner@example.org";
const VIEWER = "viewer@example.org";
/** Longer than a telephone is wide. */
const INVITED = "invited.with.a.long.address@subsidiary.example.org";

/**
 * Where to look at each page of the route table: as a `stranger`, as the owner on the `sample` and on an `empty` organization, and as a `viewer` of the sample.
 *
 * A visit is an address, or a function that gives one which only the running product knows; `[address, status]` where the answer is no 200 on purpose.
 */
const VISITS = {
  "/": { stranger: ["/"] },
  "/sign-up": { stranger: ["/sign-up"] },
  "/sign-in": { stranger: ["/sign-in?notice=signed-out"] },
  "/verify-email": { stranger: ["/verify-email?token=none"] },
  "/forgotten-password": { stranger: ["/forgotten-password"] },
  "/reset-password": { stranger: ["/reset-password?token=none"] },
  "/invitations/{org}/{token}": { stranger: [["/invitations/empty/none", 404], () => known.invitation] },
  "/recipients/{org}/{token}": { stranger: [["/recipients/empty/none", 404]] },
  "/account": { owner: ["/account"] },
  // Local mode has mail to show; it has a test of its own.
  "/dev/mail": { stranger: [["/dev/mail", 404]] },
  "/docs/guides/{guide}": {
    stranger: [...["curl", "python", "typescript", "opentelemetry", "litellm", "cloudevents", "files", "coding-agents", "steps"].map((guide) => `/docs/guides/${guide}`), ["/docs/guides/none", 404]],
  },
  "/organizations": { owner: ["/organizations?notice=deleted"] },
  "/o/{org}": { sample: ["", "?period=90d&compare=none", "?period=year&compare=last-year", "?model=gpt-4o&choose=environment"], empty: [""] },
  "/o/{org}/annotations": { sample: ["/annotations?period=90d", "/annotations?removed=0"], empty: ["/annotations"], viewer: ["/annotations"] },
  "/o/{org}/annotations/{annotation}": {
    sample: [() => known.annotation, ["/annotations/none", 404]],
    viewer: [[() => known.annotation, 403]],
  },
  "/o/{org}/explore": {
    sample: [
      "/explore?group_by=model&chart=area&period=90d",
      () => known.view,
      "/explore?choose=environment",
      "/explore?customer=nobody",
      "/explore?period=24h",
      "/explore?chart=lines&measure=error_rate&group_by=feature&top=20",
      "/explore?chart=heatmap&period=7d",
      "/explore?chart=treemap&group_by=project,model&model=!~mini",
      "/explore?chart=table&measure=cost_per_million_tokens&group_by=customer",
      ["/explore?measure=retries&group_by=customer", 422],
    ],
    empty: ["/explore"],
  },
  "/o/{org}/events": { sample: ["/events?choose=model"], empty: ["/events"] },
  "/o/{org}/events/rejected": { sample: ["/events/rejected"], empty: ["/events/rejected"] },
  "/o/{org}/events/unpriced": { sample: ["/events/unpriced"], empty: ["/events/unpriced"] },
  "/o/{org}/events/possible-duplicates": { sample: ["/events/possible-duplicates"], empty: ["/events/possible-duplicates"] },
  "/o/{org}/events/uploads": { sample: ["/events/uploads"], empty: ["/events/uploads"], viewer: ["/events/uploads"] },
  "/o/{org}/events/uploads/{upload}": { sample: [["/events/uploads/none", 404]], empty: [() => known.upload] },
  "/o/{org}/events/{event}": { sample: [() => known.event, () => known.unpriced] },
  "/o/{org}/sessions": { sample: ["/sessions?period=90d", "/sessions?choose=customer&sort=duration"], empty: ["/sessions"] },
  "/o/{org}/sessions/{id}": { sample: [() => known.session, ["/sessions/none", 404]] },
  "/o/{org}/interactions": { sample: ["/interactions?period=90d"], empty: ["/interactions"] },
  "/o/{org}/interactions/{id}": { sample: [() => known.interaction] },
  "/o/{org}/coding-agents": { sample: ["/coding-agents?period=90d"], empty: ["/coding-agents"] },
  "/o/{org}/projects": { sample: ["/projects", "/projects?archived=true"], viewer: ["/projects"] },
  "/o/{org}/projects/{project}": { sample: ["/projects/support-bot", ["/projects/none", 404]], empty: ["/projects/main"] },
  "/o/{org}/teams/{team}": { sample: ["/teams/engineering"], viewer: ["/teams/product"] },
  "/o/{org}/new/project": { sample: ["/new/project?team=product"], viewer: [["/new/project", 403]] },
  "/o/{org}/new/team": { sample: ["/new/team"] },
  "/o/{org}/new/product-line": { sample: ["/new/product-line"], viewer: [["/new/product-line", 403]] },
  "/o/{org}/product-lines/{line}": { sample: ["/product-lines/assistants", ["/product-lines/none", 404]], viewer: ["/product-lines/growth"] },
  "/o/{org}/product-lines/{line}/edit": { sample: ["/product-lines/assistants/edit"] },
  "/o/{org}/projects/{project}/edit": { sample: ["/projects/support-bot/edit"], viewer: [["/projects/support-bot/edit", 403]] },
  "/o/{org}/teams/{team}/edit": { sample: ["/teams/engineering/edit"] },
  "/o/{org}/budgets": { sample: ["/budgets"], empty: ["/budgets"] },
  "/o/{org}/budgets/new": { sample: ["/budgets/new"], viewer: [["/budgets/new", 403]] },
  "/o/{org}/budgets/{budget}": { sample: [() => known.budget], viewer: [() => known.budget] },
  "/o/{org}/budgets/{budget}/edit": { sample: [() => `${known.budget}/edit`] },
  "/o/{org}/alerts": { sample: ["/alerts"], empty: ["/alerts"], viewer: ["/alerts?state=open"] },
  "/o/{org}/forecast": { sample: ["/forecast", "/forecast?project=search"], empty: ["/forecast"] },
  "/o/{org}/prices": { sample: ["/prices", "/prices?q=none-such"], empty: ["/prices"] },
  "/o/{org}/prices/own": { sample: ["/prices/own"], empty: ["/prices/own"], viewer: ["/prices/own"] },
  "/o/{org}/prices/own/price": { sample: ["/prices/own/price?unpriced=true"], viewer: [["/prices/own/price", 403]] },
  "/o/{org}/prices/own/name": { sample: ["/prices/own/name"], viewer: [["/prices/own/name", 403]] },
  "/o/{org}/prices/basis": { sample: ["/prices/basis"], empty: ["/prices/basis"], viewer: ["/prices/basis"] },
  "/o/{org}/prices/imports": { sample: ["/prices/imports"], empty: ["/prices/imports"], viewer: ["/prices/imports"] },
  "/o/{org}/prices/imports/{import}": {
    sample: [() => known.import, () => `${known.import}?show=needs_confirmation`, ["/prices/imports/none", 404]],
    viewer: [() => known.import],
  },
  "/o/{org}/prices/discounts": { sample: ["/prices/discounts"], empty: ["/prices/discounts"], viewer: ["/prices/discounts"] },
  "/o/{org}/prices/discounts/new": {
    sample: ["/prices/discounts/new", "/prices/discounts/new?kind=discount&percent=12&source=Contract&seller=openai"],
    viewer: [["/prices/discounts/new", 403]],
  },
  "/o/{org}/prices/contract": { sample: ["/prices/contract"], empty: ["/prices/contract"], viewer: ["/prices/contract"] },
  "/o/{org}/prices/contract/new": { sample: ["/prices/contract/new"], viewer: [["/prices/contract/new", 403]] },
  "/o/{org}/prices/runs": { sample: ["/prices/runs"], empty: ["/prices/runs"] },
  "/o/{org}/prices/runs/new": { sample: ["/prices/runs/new"], viewer: [["/prices/runs/new", 403]] },
  "/o/{org}/prices/runs/{run}": { sample: [() => known.run] },
  "/o/{org}/prices/{provider}/{*model}": { sample: [() => known.price] },
  "/o/{org}/exports": { sample: ["/exports", "/exports?tags=none"], empty: ["/exports"] },
  "/o/{org}/exports/scheduled": { sample: ["/exports/scheduled", "/exports/scheduled?kind=gcs"], empty: ["/exports/scheduled"], viewer: ["/exports/scheduled"] },
  "/o/{org}/allocation": { sample: ["/allocation"], empty: ["/allocation"], viewer: ["/allocation"] },
  "/o/{org}/allocation/new": {
    sample: [
      "/allocation/new",
      "/allocation/new?name=Search&conditions[0][dimension]=project&conditions[0][test]=is&conditions[0][values]=search&method=spend&targets[0][to]=team:product&targets[1][to]=project:support-bot&reason=Shared",
      ["/allocation/new?name=Nowhere&method=even", 400],
    ],
    viewer: [["/allocation/new", 403]],
  },
  "/o/{org}/allocation/{month}/{kind}/{name}": { sample: [() => known.account, ["/allocation/2026-11/team/none", 404]] },
  "/o/{org}/labels": { sample: ["/labels?period=90d"], empty: ["/labels"], viewer: ["/labels"] },
  "/o/{org}/charges": { sample: ["/charges"], empty: ["/charges"], viewer: ["/charges"] },
  "/o/{org}/charges/new": { sample: ["/charges/new"], viewer: [["/charges/new", 403]] },
  "/o/{org}/charges/imports/{import}": { sample: [() => known.charges, ["/charges/imports/none", 404]] },
  "/o/{org}/charges/{charge}": { sample: [() => known.charge, ["/charges/none", 404]], viewer: [() => known.charge] },
  "/o/{org}/business-metrics": { sample: ["/business-metrics"], empty: ["/business-metrics"], viewer: ["/business-metrics"] },
  "/o/{org}/business-metrics/imports/{import}": { sample: [() => known.metrics, ["/business-metrics/imports/none", 404]] },
  "/o/{org}/business-metrics/{metric}": {
    sample: ["/business-metrics/tickets?period=90d&project=support-bot", "/business-metrics/revenue", ["/business-metrics/none", 404]],
    viewer: ["/business-metrics/tickets"],
  },
  "/o/{org}/statements": { sample: ["/statements"], empty: ["/statements"] },
  "/o/{org}/statements/{month}": { sample: [() => known.month], empty: ["/statements/2026-11"] },
  "/o/{org}/statements/markup": { sample: ["/statements/markup"], viewer: ["/statements/markup"] },
  "/o/{org}/statements/mails": { sample: ["/statements/mails"], viewer: ["/statements/mails"] },
  "/o/{org}/statements/{month}/journal": { sample: ["/statements/2026-10/journal"], empty: ["/statements/2026-10/journal"] },
  "/o/{org}/statements/{month}/{kind}/{slug}": { sample: [() => known.statement] },
  "/o/{org}/settings": { sample: ["/settings"], viewer: ["/settings"] },
  "/o/{org}/settings/members": { sample: ["/settings/members"], viewer: ["/settings/members"] },
  "/o/{org}/settings/keys": { sample: ["/settings/keys"], viewer: ["/settings/keys"] },
  "/o/{org}/settings/keys/{key}": { sample: [() => known.key], viewer: [() => known.key, ["/settings/keys/none", 404]] },
  "/o/{org}/settings/audit": { sample: ["/settings/audit"], viewer: [["/settings/audit", 403]] },
};

/** Addresses that only the running product knows; those of the sample organization without its path. */
const known = {};
const people = {};
let tallystick, browser;
const paths = { stranger: "", owner: "", empty: "/o/empty" };

before(async () => {
  tallystick = await startTallystick();
  paths.sample = paths.viewer = await tallystick.sample({ email: OWNER, password: PASSWORD });
  await tallystick.bootstrap({ email: OWNER, password: PASSWORD, organization: "Empty" });
  browser = await openBrowser();
  people.stranger = await openPage(browser, { baseURL: tallystick.url });
  people.owner = people.sample = people.empty = await openSignedIn(browser, tallystick, OWNER);
  people.viewer = await openSignedIn(browser, tallystick, OWNER);
  await invite();
  await lookUp();
});

after(async () => {
  await browser?.close();
  await tallystick?.stop();
});

/** Makes the viewer, and leaves one invitation open. */
async function invite() {
  await tallystick.bootstrap({ email: VIEWER, password: PASSWORD, organization: "Elsewhere" });
  for (const email of [VIEWER, INVITED]) {
    await visit(people.owner, `${paths.sample}/settings/members`);
    await people.owner.getByLabel("E-mail").fill(email);
    await people.owner.locator("form", { has: people.owner.getByLabel("E-mail") }).getByLabel("Role").selectOption("viewer");
    await send(people.owner, "Send the invitation", /notice=invited/);
  }
  const link = async (email) => new URL((await tallystick.mail.to(email, /invites you/)).link("/invitations/")).pathname;
  known.invitation = await link(INVITED);
  await people.viewer.context().clearCookies();
  await signIn(people.viewer, VIEWER);
  await visit(people.viewer, await link(VIEWER));
  await send(people.viewer, "Accept", /\/o\//);
}

/** Finds one of each thing that has a page, by following its list. */
async function lookUp() {
  const first = async (list, link) => {
    await visit(people.owner, paths.sample + list);
    const href = await people.owner.locator(`main a[href*="${paths.sample}${link}"]`).first().getAttribute("href");
    return href.slice(paths.sample.length).split("?")[0];
  };
  known.event = await first("/events", "/events/0");
  known.unpriced = await first("/events?unpriced=true&period=90d", "/events/0");
  known.session = await first("/sessions?period=90d", "/sessions/");
  known.interaction = await first("/interactions?period=90d", "/interactions/");
  known.budget = await first("/budgets", "/budgets/0");
  known.price = await first("/prices", "/prices/openai/");
  await visit(people.owner, `${paths.sample}/prices/runs/new?model=none-such`);
  await send(people.owner, "Preview", /\/prices\/runs\/0/);
  known.run = new URL(people.owner.url()).pathname.slice(paths.sample.length);
  await visit(people.owner, `${paths.sample}/prices/imports`);
  await people.owner.getByLabel("File").setInputFiles({ name: "list.tsv", mimeType: "text/plain", buffer: Buffer.from(PRICE_LIST) });
  await send(people.owner, "Compare", /\/prices\/imports\/0/);
  known.import = new URL(people.owner.url()).pathname.slice(paths.sample.length);
  // The sample has no key left that could send.
  await visit(people.owner, `${paths.empty}/events/uploads`);
  await people.owner.getByLabel("File", { exact: true }).setInputFiles({ name: "usage.csv", mimeType: "text/csv", buffer: Buffer.from("When,Model,Prompt tokens,Team\n2026-11-20T09:00:00Z,gpt-4o,1200,search\n") });
  await send(people.owner, "Upload and preview", /\/events\/uploads\/0/);
  known.upload = new URL(people.owner.url()).pathname.slice(paths.empty.length);
  known.month = await first("/statements", "/statements/2");
  known.statement = await first(known.month, "/statements/2");
  await visit(people.owner, paths.sample + known.month);
  await send(people.owner, "Start review", /notice=version/);
  known.account = await first("/allocation", "/allocation/2");
  await visit(people.owner, `${paths.sample}/charges/new`);
  await people.owner.getByLabel("CSV file").setInputFiles({ name: "charges.csv", mimeType: "text/csv", buffer: Buffer.from(CHARGES) });
  await send(people.owner, "Upload and preview", /\/charges\/imports\/0/);
  known.charges = new URL(people.owner.url()).pathname.slice(paths.sample.length);
  await send(people.owner, "Enter 2 charges", /notice=imported/);
  await visit(people.owner, `${paths.sample}/business-metrics`);
  await people.owner.getByLabel("CSV file").setInputFiles({ name: "metrics.csv", mimeType: "text/csv", buffer: Buffer.from(METRICS()) });
  await send(people.owner, "Upload and preview", /\/business-metrics\/imports\/0/);
  known.metrics = new URL(people.owner.url()).pathname.slice(paths.sample.length);
  await send(people.owner, "Enter 41 values", /notice=imported/);
  known.charge = await first("/charges", "/charges/4");
  await visit(people.owner, paths.sample);
  const view = await people.owner.locator('main a[href*="/explore?view="]').first().getAttribute("href");
  known.view = view.slice(paths.sample.length);
  known.key = await first("/settings/keys", "/settings/keys/");
  known.annotation = await first("/annotations?period=90d", "/annotations/0");
}

test("every page of the app is visited", async () => {
  assert.deepEqual(Object.keys(VISITS).sort(), (await routes()).sort(), "VISITS of this file and the route table in app/src/routes.rs differ");
});

test("what is not there keeps its organization's frame", () => look(people.owner, `${paths.sample}/nowhere`, 404));

test("the API's reference is a page, too", () => look(people.stranger, "/docs"));

for (const [route, visits] of Object.entries(VISITS)) {
  for (const [who, addresses] of Object.entries(visits)) {
    test(`${route} as ${who}`, async () => {
      for (const address of addresses) {
        const [given, status] = Array.isArray(address) ? address : [address, 200];
        await look(people[who], paths[who] + (typeof given === "function" ? given() : given), status);
      }
    });
  }
}

async function look(page, address, status = 200) {
  page.problems.length = 0;
  const response = await visit(page, address);
  assert.equal(response.status(), status, address);
  assert.match(await page.title(), /\S/, `${address} has a title`);
  await page.getByRole("heading", { level: 1 }).waitFor({ state: "attached" });
  await expectAccessible(page);
  await expectNoSidewaysScroll(page);
  expectNoProblems(page);
  await expectToRead(response, address);
}

/** Fails when the page as sent, before any script runs, has no heading or still waits for something. */
async function expectToRead(response, address) {
  const html = await response.text();
  assert.match(html, /<h1\b/, `${address} has its heading without JavaScript`);
  assert.doesNotMatch(html, /class="loading"/, `${address} is whole without JavaScript`);
}
