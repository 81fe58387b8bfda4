// A person in a real browser: signs in by keyboard alone, adds an expense, signs out; then somebody with
// a copy of their cookie.

import assert from "node:assert/strict";
import { test } from "node:test";

import { setting, tabTo, visit } from "./browser.mjs";

const app = setting("APP");
const issuer = setting("ISSUER");

/** Fills in the sign-in page as somebody without a mouse does. */
async function signInByKeyboard(page) {
  await page.goto(`${app}/app`);
  assert.ok(page.url().startsWith(`${issuer}/sign-in`), page.url());
  await tabTo(page, "email");
  await page.keyboard.type(setting("EMAIL"));
  await page.keyboard.press("Tab");
  await page.keyboard.type(setting("PASSWORD"));
  await page.keyboard.press("Enter");
  await page.waitForURL(`${app}/app`);
}

const sessionOf = async (context) =>
  (await context.cookies(app)).find((cookie) => cookie.name === "__Host-Http-sealgate");

test("signs in, adds an expense, signs out, and a copied cookie is worthless", async (t) => {
  const { context, page, complaints } = await visit(t);
  await signInByKeyboard(page);
  assert.match(await page.content(), /Ada Lovelace/);

  const cookie = await sessionOf(context);
  assert.ok(cookie, "the browser keeps the __Host-Http- cookie");
  assert.deepEqual(
    { httpOnly: cookie.httpOnly, secure: cookie.secure, sameSite: cookie.sameSite, path: cookie.path },
    { httpOnly: true, secure: true, sameSite: "Lax", path: "/" },
  );

  await page.getByLabel("Amount").fill("12.50");
  await page.getByLabel("What for").fill("Coffee <b>beans</b>");
  await page.getByRole("button", { name: "Add" }).click();
  await page.getByRole("cell", { name: "Coffee <b>beans</b>" }).waitFor();
  await page.getByRole("cell", { name: "12.50" }).waitFor();

  const copy = await visit(t);
  await copy.context.addCookies([cookie]);
  await copy.page.goto(`${app}/app`);
  assert.match(await copy.page.content(), /Coffee/, "the copy works before sign-out");

  await page.getByRole("button", { name: "Sign out" }).click();
  await page.waitForURL(`${app}/`);
  assert.equal(await sessionOf(context), undefined, "the cookie is gone");

  const replay = await copy.context.request.get(`${app}/expenses`);
  assert.equal(replay.status(), 401);
  assert.equal((await replay.json()).reason, "session_revoked");
  await copy.page.goto(`${app}/app`);
  assert.ok(copy.page.url().startsWith(`${issuer}/sign-in`), copy.page.url());

  await page.goto(`${app}/app`);
  assert.ok(page.url().startsWith(`${issuer}/sign-in`), "signed out at the control plane too");
  assert.deepEqual(complaints, []);
  assert.deepEqual(copy.complaints, []);
});

test("a wrong password says so beside the field, and loses nothing", async (t) => {
  const { page } = await visit(t);
  await page.goto(`${app}/app`);
  await page.getByLabel(/e-?mail/i).fill(setting("EMAIL"));
  await page.getByLabel(/password/i).fill("not the password, by far");
  await page.keyboard.press("Enter");
  await page.locator('[aria-invalid="true"]').first().waitFor();
  assert.equal(await page.getByLabel(/e-?mail/i).inputValue(), setting("EMAIL"));
  await page.getByLabel(/password/i).fill(setting("PASSWORD"));
  await page.keyboard.press("Enter");
  await page.waitForURL(`${app}/app`);
});

test("an invitation makes an account, once", async (t) => {
  const { page, complaints } = await visit(t);
  await page.goto(setting("INVITATION"));
  await page.goto(setting("INVITATION"));
  const password = "four unlikely words together";
  for (const field of await page.locator('input[type="password"]').all()) await field.fill(password);
  await page.locator("main button[type=submit], main button").first().click();
  await page.waitForURL(`${issuer}/account`);
  assert.match(await page.content(), /Grace Hopper|grace@example.com/);

  const second = await visit(t);
  const spent = await second.page.goto(setting("INVITATION"));
  assert.ok(spent.status() >= 400, `a spent link answers ${spent.status()}`);
  assert.deepEqual(complaints, []);
});

test("the pages fit 320 pixels, light and dark", async (t) => {
  for (const colorScheme of ["light", "dark"]) {
    const { page } = await visit(t, { colorScheme, viewport: { width: 320, height: 640 }, javaScriptEnabled: true });
    await page.goto(`${app}/app`);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(wide <= 320, `${wide} pixels wide`);
    const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const [red] = background.match(/\d+/g).map(Number);
    assert.equal(red > 128, colorScheme === "light", `${colorScheme}: ${background}`);
  }
});
