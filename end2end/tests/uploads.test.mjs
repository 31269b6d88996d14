// A file of events on its way: chosen, mapped, looked at, recorded; and a connection that breaks in between.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { expectNoProblems, openBrowser, openPage, settled, visit } from "../lib/browser.mjs";
import { PASSWORD, openSignedIn, send } from "../lib/people.mjs";
import { startTallystick } from "../lib/server.mjs";

const OWNER = "owner@example.org";
let tallystick, browser, signedIn;

before(async () => {
  tallystick = await startTallystick();
  for (const organization of ["With", "Without", "Broken"]) await tallystick.bootstrap({ email: OWNER, password: PASSWORD, organization });
  browser = await openBrowser();
  const page = await openSignedIn(browser, tallystick, OWNER);
  signedIn = await page.context().storageState();
  await page.context().close();
});

after(async () => {
  await browser?.close();
  await tallystick?.stop();
});

/** A CSV file of so many calls of the same model, without a provider; every row has a prompt that nobody may keep. */
function usage(rows, filler = "") {
  const line = (row) => `2026-11-20T09:${String(row % 60).padStart(2, "0")}:00Z,gpt-4o-2024-08-06,1000,100,"What is, ${filler}SECRET?"\n`;
  const text = "When,Model,Prompt Tokens,Completion Tokens,Prompt\n" + Array.from({ length: rows }, (_, row) => line(row)).join("");
  return { name: "usage.csv", mimeType: "text/csv", buffer: Buffer.from(text) };
}

/** From the list of files to the page of a new one, with its columns said. */
async function chooseAndMap(page, organization, file) {
  await visit(page, `/o/${organization}/events/uploads`);
  await page.getByLabel("File", { exact: true }).setInputFiles(file);
  await send(page, "Upload and preview", /\/uploads\/0/);
  await page.getByText(/Before it can be read: nothing maps to timestamp; nothing maps to provider/).waitFor();
  assert.equal(await page.getByText(/SECRET/).count(), 0, "prose is not shown");
  await page.getByLabel("Field of the column When").fill("timestamp");
  await page.getByLabel("Provider of all rows").fill("openai");
  await page.getByRole("button", { name: "Save the columns" }).click();
  await page.getByRole("heading", { name: "Record its events" }).waitFor();
  await settled(page);
}

for (const javaScript of [true, false]) {
  test(`a file is recorded once, ${javaScript ? "with" : "without"} JavaScript`, async () => {
    const organization = javaScript ? "with" : "without";
    const page = await openPage(browser, { baseURL: tallystick.url, storageState: signedIn, javaScript });
    const file = usage(300);
    await chooseAndMap(page, organization, file);
    // A browser without JavaScript has forgotten the file by now.
    const choose = async () => javaScript || page.getByLabel("File usage.csv").setInputFiles(file);
    await choose();
    await page.getByRole("button", { name: "Look at the first rows again" }).click();
    await page.getByText("The first 20 rows would cost $0.07.").waitFor();
    await choose();
    await page.getByRole("button", { name: "Import" }).click();
    await page.getByText("300 rows: 300 recorded, 0 duplicates, 0 rejected").waitFor();
    await page.getByText("done", { exact: true }).waitFor();

    await visit(page, `/o/${organization}/events/uploads`);
    await page.getByLabel("File", { exact: true }).setInputFiles(file);
    await send(page, "Upload and preview", /\/uploads\/0/);
    await page.getByText("The first 20 rows would cost").waitFor();
    await choose();
    await page.getByRole("button", { name: "Import" }).click();
    await page.getByText("300 rows: 0 recorded, 300 duplicates, 0 rejected").waitFor();
    expectNoProblems(page);
    await page.context().close();
  });
}

test("a broken connection goes on where it was, also after the page was left", async () => {
  const page = await openPage(browser, { baseURL: tallystick.url, storageState: signedIn });
  // Three pieces.
  const file = usage(900, "x".repeat(3_000));
  await chooseAndMap(page, "broken", file);
  let pieces = 0;
  await page.route(/\/send\?from=/, (route) => (++pieces === 2 ? route.abort("connectionreset") : route.continue()));
  await page.getByRole("button", { name: "Import" }).click();
  await page.getByText("No answer; trying again …").waitFor();
  await page.getByText("900 rows: 900 recorded, 0 duplicates, 0 rejected").waitFor();
  await page.getByText("done", { exact: true }).waitFor();
  assert.ok(pieces >= 4, `${pieces} pieces were sent`);
  await page.unroute(/\/send\?from=/);

  await visit(page, "/o/broken/events/uploads");
  await page.getByLabel("File", { exact: true }).setInputFiles(file);
  await send(page, "Upload and preview", /\/uploads\/0/);
  await page.route(/\/send\?from=[1-9]/, (route) => route.fulfill({ status: 400, contentType: "application/json", body: JSON.stringify({ kind: "conflict", detail: "Stopped here." }) }));
  await page.getByRole("button", { name: "Import" }).click();
  await page.getByText("Stopped here.").waitFor();
  await page.unroute(/\/send\?from=[1-9]/);
  await visit(page, page.url());
  await page.getByRole("heading", { name: "Go on" }).waitFor();
  await page.getByLabel("File usage.csv").setInputFiles({ ...usage(900, "y".repeat(3_000)) });
  await page.getByRole("button", { name: "Go on" }).click();
  await page.getByText("This is another file. Choose usage.csv as it was.").first().waitFor();
  await visit(page, page.url());
  await page.getByLabel("File usage.csv").setInputFiles(file);
  await page.getByRole("button", { name: "Go on" }).click();
  await page.getByText("900 rows: 0 recorded, 900 duplicates, 0 rejected").waitFor();
  await page.context().close();
});
