// Times the first visit of a page on a slow telephone: nothing in the cache, a processor four times slower, 1.6 Mbit/s with 150 ms.
// What the browser sends is not slowed down: Chromium's emulation then holds the first answer back for more than a second.
//
//   node end2end/first-visit.mjs http://127.0.0.1:3000 --email me@example.org --password secret /o/acme
//
// Of --runs visits (default 7) the median and the range, in ms from the beginning of the navigation: first paint of content, and
// when the islands are awake. Start it on an idle machine, against `target/dist`.

import { parseArgs } from "node:util";
import { openBrowser, openPage, settled, visit } from "./lib/browser.mjs";

const PHONE = { offline: false, latency: 150, downloadThroughput: 1_600_000 / 8, uploadThroughput: -1 };
const SLOWER = 4;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { email: { type: "string" }, password: { type: "string" }, runs: { type: "string", default: "7" } },
});
const [baseURL, path] = positionals;
if (!path || !values.email) {
  console.error("usage: node end2end/first-visit.mjs URL --email E --password P [--runs N] PATH");
  process.exit(2);
}

const browser = await openBrowser();
const member = await openPage(browser, { baseURL });
await visit(member, "/sign-in");
await member.fill('input[type="email"]', values.email);
await member.fill('input[type="password"]', values.password);
await Promise.all([member.waitForURL((url) => url.pathname !== "/sign-in"), member.click('main button[type="submit"], form button[type="submit"]')]);
const storageState = await member.context().storageState();

const runs = [];
for (let run = 0; run < Number(values.runs); run += 1) {
  const page = await openPage(browser, { baseURL, width: "phone", storageState });
  const debug = await page.context().newCDPSession(page);
  await debug.send("Network.enable");
  await debug.send("Network.emulateNetworkConditions", PHONE);
  await debug.send("Emulation.setCPUThrottlingRate", { rate: SLOWER });
  const asked = [];
  let bytes = 0;
  debug.on("Network.loadingFinished", ({ encodedDataLength }) => (bytes += encodedDataLength));
  page.on("request", (request) => asked.push(request.url()));
  // When the attribute appears, by the page's own clock.
  await page.addInitScript(() => {
    new MutationObserver((_, observer) => {
      if (!document.documentElement?.hasAttribute("data-hydrated")) return;
      window.awake = performance.now();
      observer.disconnect();
    }).observe(document, { attributes: true, subtree: true, attributeFilter: ["data-hydrated"] });
  });
  await page.goto(path);
  await settled(page);
  const painted = await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime);
  runs.push({ painted, awake: await page.evaluate(() => window.awake), requests: asked.length, kB: bytes / 1000 });
  await page.context().close();
}
await browser.close();

for (const what of ["painted", "awake", "requests", "kB"]) {
  const sorted = runs.map((run) => run[what]).sort((a, b) => a - b);
  console.log(`${what}: ${Math.round(sorted[sorted.length >> 1])} (${Math.round(sorted[0])} to ${Math.round(sorted.at(-1))})`);
}
