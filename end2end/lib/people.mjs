// What people do on their way to a number, told by role and label; the same with and without JavaScript.

import assert from "node:assert/strict";
import { openPage, settled, visit } from "./browser.mjs";

export const PASSWORD = "correct horse battery staple";

/** Presses the button of a form and waits for the page that it leads to. */
export async function send(page, button, address) {
  await Promise.all([page.waitForURL(address), page.getByRole("button", { name: button, exact: true }).click()]);
  await settled(page);
}

/** Follows a link and waits for the page that it leads to; the link may be a name or a locator. */
export async function follow(page, link, address) {
  const locator = typeof link === "string" ? page.getByRole("link", { name: link, exact: true }) : link;
  await Promise.all([page.waitForURL(address), locator.click()]);
  await settled(page);
}

/** Signs up and opens the mailed link, which signs in on the same browser. */
export async function signUp(page, { mail }, email, password = PASSWORD) {
  await visit(page, "/sign-up");
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign up" }).click();
  await page.getByRole("heading", { name: "Check your email" }).waitFor();
  const letter = await mail.to(email, /^Verify your e-mail address/);
  await visit(page, letter.link("/verify-email"));
  await send(page, "Verify this address", /\/(organizations|o\/)/);
}

/** Signs in from the sign-in page. */
export async function signIn(page, email, password = PASSWORD) {
  await visit(page, "/sign-in");
  await enterSignIn(page, email, password);
}

/** Fills in the sign-in form of the present page and waits for where it leads. */
export async function enterSignIn(page, email, password = PASSWORD) {
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill(password);
  await send(page, "Sign in", (address) => !address.pathname.startsWith("/sign-in"));
}

/** Signs out from an organization's page. */
export async function signOut(page) {
  await page.getByRole("banner").getByText(/@/).first().click();
  await send(page, "Sign out", /\/sign-in\?notice=signed-out/);
}

/** Creates an organization from the page of all organizations; the answer is its path. */
export async function createOrganization(page, name, zone) {
  await visit(page, "/organizations");
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Reporting time zone").fill(zone);
  await send(page, "Create organization", /\/o\/[^/]+$/);
  return new URL(page.url()).pathname;
}

/** A page of somebody who is signed in, in a context of its own. */
export async function openSignedIn(browser, tallystick, email, settings = {}) {
  const page = await openPage(browser, { baseURL: tallystick.url, ...settings });
  await signIn(page, email, settings.password);
  return page;
}

/** Sends events as a program does; fails unless the answer has the expected status. */
export async function sendEvents(tallystick, key, events, status = 200) {
  const response = await fetch(`${tallystick.url}/v1/events`, {
    method: "POST",
    headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json" },
    body: JSON.stringify(events),
  });
  const answer = await response.json();
  assert.equal(response.status, status, JSON.stringify(answer));
  return answer;
}

/** Takes a file as a person does, by its link; the answer is its text. */
export async function download(page, link) {
  const [file] = await Promise.all([page.waitForEvent("download"), link.click()]);
  const stream = await file.createReadStream();
  const parts = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts).toString("utf8");
}
