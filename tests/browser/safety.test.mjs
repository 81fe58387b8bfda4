// A browser that goes back, signs in twice at once, loses its session, or is led astray by another page.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer, request as ask } from "node:https";
import { test } from "node:test";

import { setting, visit } from "./browser.mjs";

const app = setting("APP");
const issuer = setting("ISSUER");

/** Fills in the sign-in page, without waiting for where it leads. */
async function fillIn(page) {
  await page.getByLabel("E-mail address").fill(setting("EMAIL"));
  await page.getByLabel("Password").fill(setting("PASSWORD"));
  await page.keyboard.press("Enter");
}

async function signIn(page, at = app) {
  await page.goto(`${at}/app`);
  await fillIn(page);
  await page.waitForURL(`${at}/app`);
}

test("the back button after signing in leads to the page again, and not to an error", async (t) => {
  const { page, complaints } = await visit(t);
  await signIn(page);
  const answers = [];
  page.on("response", (response) => answers.push(response));
  await page.goBack();
  if (page.url().startsWith(issuer)) await fillIn(page);
  await page.waitForURL(`${app}/app`);
  await page.getByRole("heading", { name: "Your expenses" }).waitFor();
  assert.ok(answers.every((response) => response.status() < 400), answers.map((a) => a.status()).join());

  // The answer to a finished sign-in, asked for again with and without the session.
  const { page: other } = await visit(t);
  const used = [];
  other.on("request", (request) => request.url().includes("/auth/callback") && used.push(request.url()));
  await signIn(other);
  assert.equal(used.length, 1);
  await other.goto(used[0]);
  assert.equal(other.url(), `${app}/app`);
  await other.getByRole("button", { name: "Sign out" }).click();
  await other.waitForURL(`${app}/`);
  await other.goto(used[0]);
  await other.getByRole("heading", { name: "This sign-in is already finished" }).waitFor();
  assert.deepEqual(complaints, []);
});

test("two tabs sign in at once, in both orders", async (t) => {
  for (const order of [[0, 1], [1, 0]]) {
    const { context, page } = await visit(t);
    const tabs = [page, await context.newPage()];
    await tabs[0].goto(`${app}/app`);
    await tabs[1].goto(`${app}/app?tab=two`);
    const ends = [`${app}/app`, `${app}/app?tab=two`];
    for (const tab of order) {
      await fillIn(tabs[tab]);
      await tabs[tab].waitForURL(ends[tab]);
      await tabs[tab].getByRole("heading", { name: "Your expenses" }).waitFor();
    }
  }
});

test("a sign-in whose session is lost stops after three rounds and says why", async (t) => {
  // A proxy that keeps the session's cookie for itself.
  const tls = { key: readFileSync(setting("TLS_KEY")), cert: readFileSync(setting("TLS_CERT")) };
  let lossy = true;
  const proxy = createServer(tls, (asked, answer) => {
    const { method, headers } = asked;
    const options = { method, headers, rejectUnauthorized: false };
    const passed = ask(`${setting("PROXIED")}${asked.url}`, options, (got) => {
      const cookies = got.headers["set-cookie"] ?? [];
      const kept = cookies.filter((cookie) => !lossy || !cookie.startsWith("__Host-Http-sealgate="));
      const fields = { ...got.headers };
      delete fields["set-cookie"];
      answer.writeHead(got.statusCode, kept.length > 0 ? { ...fields, "set-cookie": kept } : fields);
      got.pipe(answer);
    });
    asked.pipe(passed);
  });
  await new Promise((ready) => {
    proxy.listen(Number(setting("PROXY_PORT")), "127.0.0.1", ready);
  });
  t.after(() => {
    proxy.closeAllConnections();
    proxy.close();
  });

  const at = `https://127.0.0.1:${setting("PROXY_PORT")}`;
  const { page, complaints } = await visit(t);
  const ended = [];
  page.on("response", (response) => {
    if (response.url().startsWith(`${at}/auth/callback`)) ended.push(response.status());
  });
  await page.goto(`${at}/app`);
  await fillIn(page);
  await page.getByRole("heading", { name: "Signing in goes round in circles" }).waitFor();
  await page.getByText("credential_missing").waitFor();
  assert.deepEqual(ended, [303, 303, 303]);
  await page.setViewportSize({ width: 320, height: 640 });
  const wide = await page.locator("html").evaluate((html) => html.scrollWidth);
  assert.ok(wide <= 320, `${wide} pixels wide`);
  lossy = false;
  await page.getByRole("link", { name: "Try again" }).click();
  await page.waitForURL(`${at}/app`);
  await page.getByRole("heading", { name: "Your expenses" }).waitFor();
  assert.deepEqual(complaints.filter((text) => !text.includes("409")), []);
});

test("a form of another origin is refused, also on the same site", async (t) => {
  const { context, page } = await visit(t);
  await signIn(page);
  // Another port is another origin of the same site, so that the browser sends the cookie along.
  for (const [elsewhere, reason] of [
    ["https://127.0.0.1:1", "cross_origin"],
    ["https://evil.example", "credential_missing"],
  ]) {
    const foreign = await context.newPage();
    await foreign.route(`${elsewhere}/`, (route) =>
      route.fulfill({
        contentType: "text/html",
        body: `<form method="post" action="${app}/app/expenses">
          <input name="amount" value="1"><input name="note" value="planted"><button>Win</button></form>`,
      }),
    );
    await foreign.goto(`${elsewhere}/`);
    const answered = foreign.waitForResponse(`${app}/app/expenses`);
    await foreign.getByRole("button", { name: "Win" }).click();
    const answer = await answered;
    assert.equal((await answer.json()).reason, reason);
  }
  await page.reload();
  assert.equal(await page.getByText("planted").count(), 0);
});

test("a form with the token works in a browser that hides where it comes from", async (t) => {
  const { page } = await visit(t);
  await signIn(page);
  let change = (data) => data;
  let answered;
  await page.route(`${app}/app/expenses`, async (route) => {
    const headers = await route.request().allHeaders();
    for (const name of Object.keys(headers)) {
      if (name === "origin" || name.startsWith("sec-fetch-")) delete headers[name];
    }
    const postData = change(route.request().postData());
    const response = await route.fetch({ headers, postData, maxRedirects: 0 });
    answered = { status: response.status(), text: await response.text() };
    await route.fulfill({ status: 200, contentType: "text/html", body: "<h1>Sent</h1>" });
  });
  const add = async (note) => {
    await page.goto(`${app}/app`);
    await page.getByLabel("Amount").fill("3.20");
    await page.getByLabel("What for").fill(note);
    await page.getByRole("button", { name: "Add" }).click();
    await page.getByRole("heading", { name: "Sent" }).waitFor();
    return answered;
  };
  assert.equal((await add("Tea with the token")).status, 303);
  change = (data) => data.replace(/csrf_token=[^&]*&?/, "");
  const refused = await add("Tea without");
  assert.equal(refused.status, 403);
  assert.equal(JSON.parse(refused.text).reason, "csrf_token_missing");
  await page.goto(`${app}/app`);
  await page.getByRole("cell", { name: "Tea with the token" }).waitFor();
  assert.equal(await page.getByText("Tea without").count(), 0);
});
