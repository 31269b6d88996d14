// Takes pages of a running server in six variants (375, 1440 and 1920 wide, light and dark).
//
//   node end2end/shots.mjs http://127.0.0.1:3000 --email me@example.org --password secret /o/acme /o/acme/explore
//
// Signs in first when --email is given. --out FOLDER (default end2end/screenshots), --no-javascript.
// Prints the files, and whatever went wrong in the pages.

import { parseArgs } from "node:util";
import { openBrowser, openPage, shoot, visit } from "./lib/browser.mjs";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    email: { type: "string" },
    password: { type: "string" },
    out: { type: "string" },
    "no-javascript": { type: "boolean", default: false },
  },
});
const [baseURL, ...paths] = positionals;
if (!baseURL || paths.length === 0) {
  console.error("usage: node end2end/shots.mjs URL [--email E --password P] [--out FOLDER] [--no-javascript] PATH...");
  process.exit(2);
}

const browser = await openBrowser();
const page = await openPage(browser, { baseURL, javaScript: !values["no-javascript"] });
if (values.email) {
  await visit(page, "/sign-in");
  await page.fill('input[type="email"]', values.email);
  await page.fill('input[type="password"]', values.password);
  await Promise.all([page.waitForURL((url) => url.pathname !== "/sign-in"), page.click('main button[type="submit"], form button[type="submit"]')]);
}
for (const path of paths) {
  const response = await visit(page, path);
  const name = path.replace(/[^a-z0-9]+/gi, "-").replace(/^-|-$/g, "") || "home";
  for (const file of await shoot(page, name, values.out)) console.log(`${response.status()} ${file}`);
}
for (const problem of page.problems) console.log(`PROBLEM ${problem}`);
await browser.close();
