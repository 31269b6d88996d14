// People: invited, given a role, let go; passwords forgotten; sign-ins ended; one person in two organizations.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { expectNoProblems, openBrowser, openPage, settled, visit } from "../lib/browser.mjs";
import { PASSWORD, createOrganization, enterSignIn, follow, openSignedIn, send, signIn, signOut } from "../lib/people.mjs";
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

for (const javaScript of [true, false]) {
  const word = javaScript ? "with" : "without";

  test(`an invitation makes a member with a role, ${word} JavaScript`, async () => {
    const guest = `grace-${word}@example.org`;
    const owner = await openSignedIn(browser, tallystick, OWNER, { javaScript });
    await visit(owner, "/o/acme/settings/members");
    await owner.getByLabel("E-mail").fill(guest);
    await owner.locator("form", { has: owner.getByLabel("E-mail") }).getByLabel("Role").selectOption("viewer");
    await send(owner, "Send the invitation", /notice=invited/);
    await owner.getByRole("table", { name: "Open invitations" }).getByRole("row", { name: new RegExp(`${guest}.*viewer`) }).waitFor();

    const mail = await tallystick.mail.to(guest, /invites you to Acme/);
    assert.match(mail.html, /Accept the invitation/);
    const viewer = await openPage(browser, { javaScript, baseURL: tallystick.url });
    await visit(viewer, mail.link("/invitations/"));
    await viewer.getByText(`${guest} is invited as viewer.`).waitFor();
    await viewer.getByLabel("Choose a password").fill(PASSWORD);
    await send(viewer, "Create account and accept", /\/(o\/acme|sign-in)/);
    if (new URL(viewer.url()).pathname === "/sign-in") await enterSignIn(viewer, guest);

    // A viewer reads, and is told what is not theirs to do.
    await visit(viewer, "/o/acme/budgets");
    assert.equal(await viewer.getByRole("link", { name: "New budget" }).count(), 0);
    await visit(viewer, "/o/acme/budgets/new");
    await viewer.getByText("Your role does not allow you to change budgets").waitFor();
    await visit(viewer, "/o/acme/settings/audit");
    await viewer.getByText(/^Your role does not allow you to/).waitFor();
    await visit(viewer, "/o/acme/settings/keys");
    await viewer.getByText(/^Your role does not allow you to/).waitFor();
    assert.equal(await viewer.getByRole("button", { name: "Create key" }).count(), 0);

    // The link works once.
    const late = await openPage(browser, { javaScript, baseURL: tallystick.url });
    await visit(late, mail.link("/invitations/"));
    await late.getByRole("heading", { name: "This invitation is not open" }).waitFor();

    // A new role holds at once; so does a removal.
    await visit(owner, "/o/acme/settings/members");
    const row = owner.getByRole("table", { name: "Members" }).getByRole("row", { name: new RegExp(guest) });
    await row.getByLabel("Role", { exact: true }).selectOption("member");
    await send(owner, `Change the role of ${guest}`, /notice=role-changed/);
    await visit(viewer, "/o/acme/settings/keys");
    await viewer.getByRole("button", { name: "Create key" }).waitFor();
    await visit(owner, "/o/acme/settings/members");
    await send(owner, `Remove ${guest}`, /notice=removed/);
    assert.equal((await visit(viewer, "/o/acme")).status(), 404);
    await viewer.getByRole("heading", { name: "Not found" }).waitFor();

    for (const page of [owner, viewer, late]) {
      expectNoProblems(page);
      await page.context().close();
    }
  });

  test(`a forgotten password is set anew by mail, ${word} JavaScript`, async () => {
    const email = `forgetful-${word}@example.org`;
    await tallystick.bootstrap({ email, password: PASSWORD, organization: `Forgetful ${word}` });
    const page = await openPage(browser, { javaScript, baseURL: tallystick.url });
    await visit(page, "/sign-in");
    await follow(page, "Forgotten password?", /\/forgotten-password/);
    await page.getByLabel("E-mail").fill(email);
    await page.getByRole("button", { name: "Send the link" }).click();
    await page.getByText(`If ${email} has an account, a mail with a link is on its way.`).waitFor();
    const mail = await tallystick.mail.to(email, /^Set a new Tallystick password/);
    await visit(page, mail.link("/reset-password"));
    await page.getByLabel("New password").fill("short");
    const tooShort = await page.getByLabel("New password").evaluate((field) => field.validity.tooShort);
    assert.ok(tooShort, "the browser itself refuses a short password");
    // A common password passes the browser and is refused by the server, beside its field.
    await page.getByLabel("New password").fill("password123");
    await page.getByRole("button", { name: "Set the password" }).click();
    await page.locator("#password-error").waitFor();
    await settled(page);
    await page.getByLabel("New password").fill("four unrelated words here");
    await send(page, "Set the password", /\/sign-in\?notice=password-set/);
    await enterSignIn(page, email, "four unrelated words here");
    await tallystick.mail.to(email, /^Your Tallystick password was changed/);
    expectNoProblems(page);
    await page.context().close();
  });

  test(`sign-ins are listed and ended, ${word} JavaScript`, async () => {
    const email = `careful-${word}@example.org`;
    await tallystick.bootstrap({ email, password: PASSWORD, organization: `Careful ${word}` });
    const here = await openSignedIn(browser, tallystick, email, { javaScript });
    const there = await openSignedIn(browser, tallystick, email, { javaScript });
    await visit(here, "/account");
    const rows = here.getByRole("table", { name: "Your sign-ins" }).getByRole("row");
    assert.equal(await rows.count(), 3, "a head and two sign-ins");
    await here.getByText("this one").waitFor();
    await here.getByRole("button", { name: /^End the sign-in of/ }).click();
    await here.getByText("The sign-in has ended.").waitFor();
    await visit(there, "/account");
    assert.equal(new URL(there.url()).pathname, "/sign-in", "the other browser is signed out");
    await enterSignIn(there, email);
    assert.equal(new URL(there.url()).pathname, "/account", "and led back where it was going");
    await visit(there, new URL(here.url()).origin + "/");
    await signOut(there);
    await there.getByText("You are signed out.").waitFor();
    for (const page of [here, there]) {
      expectNoProblems(page);
      await page.context().close();
    }
  });

  test(`one person in two organizations, ${word} JavaScript`, async () => {
    const email = `busy-${word}@example.org`;
    await tallystick.bootstrap({ email, password: PASSWORD, organization: `North ${word}` });
    const page = await openSignedIn(browser, tallystick, email, { javaScript });
    assert.equal(new URL(page.url()).pathname, `/o/north-${word}`, "the only organization opens by itself");
    await createOrganization(page, `South ${word}`, "America/New_York");
    await page.getByRole("banner").getByText(`South ${word}`).first().click();
    await follow(page, page.getByRole("banner").getByRole("link", { name: `North ${word}` }), new RegExp(`/o/north-${word}`));
    await page.getByText(`North ${word}, UTC`).waitFor();
    // Deleting asks for the name, and refuses another.
    await visit(page, `/o/south-${word}/settings`);
    await page.getByText("Delete this organization …").click();
    await page.getByLabel(/^Type “South/).fill("South");
    await page.getByRole("button", { name: "Delete in seven days" }).click();
    await page.locator("#typed_name-error").waitFor();
    await settled(page);
    await page.getByLabel(/^Type “South/).fill(`South ${word}`);
    await send(page, "Delete in seven days", /settings\?notice=deletion/);
    // Every page says it, and an owner undoes it there.
    await visit(page, `/o/south-${word}`);
    await page.getByText("This organization will be deleted on").waitFor();
    await send(page, "Undo", /settings\?notice=restored/);
    assert.equal(await page.getByText("This organization will be deleted on").count(), 0);
    expectNoProblems(page);
    await page.context().close();
  });
}

test("a wrong password and an unknown address say the same", async () => {
  const page = await openPage(browser, { baseURL: tallystick.url });
  const said = [];
  for (const email of [OWNER, "nobody@example.org"]) {
    await visit(page, "/sign-in");
    await page.getByLabel("E-mail").fill(email);
    await page.getByLabel("Password").fill("not the password");
    await page.getByRole("button", { name: "Sign in" }).click();
    said.push(await page.getByRole("alert").innerText());
    assert.equal(await page.getByLabel("E-mail").inputValue(), email, "what was typed is still there");
  }
  assert.equal(said[0], said[1]);
  expectNoProblems(page);
  await page.context().close();
});
