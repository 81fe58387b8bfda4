// A person who is asked: by an application of somebody else's, which answer it gets and how, and by a
// device that shows a code.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import { after, before, test } from "node:test";

import { fits, setting, tabTo, visit } from "./browser.mjs";

const issuer = setting("ISSUER");
const resource = setting("RESOURCE");
const callback = "https://travel.example/cb";
const DEVICE = "urn:ietf:params:oauth:grant-type:device_code";

/** An authorization request of the travel planner. */
function request(more = {}) {
  const challenge = createHash("sha256").update(randomBytes(32).toString("base64url")).digest("base64url");
  const parameters = new URLSearchParams({
    response_type: "code",
    client_id: "travel",
    redirect_uri: callback,
    scope: "openid email expenses:read expenses:write",
    resource,
    state: "the state",
    code_challenge: challenge,
    code_challenge_method: "S256",
    ...more,
  });
  return `${issuer}/oauth/authorize?${parameters}`;
}

/** What the travel planner's server was sent last. */
let given;
let server;

before(async () => {
  const tls = { key: readFileSync(setting("TLS_KEY")), cert: readFileSync(setting("TLS_CERT")) };
  server = createServer(tls, (asked, answer) => {
    let body = "";
    asked.on("data", (data) => {
      body += data;
    });
    asked.on("end", () => {
      const { method, headers } = asked;
      const fields = method === "POST" ? new URLSearchParams(body) : new URL(asked.url, callback).searchParams;
      if (asked.url.startsWith("/cb")) given = { method, origin: headers.origin, ...Object.fromEntries(fields) };
      answer.setHeader("content-type", "text/html");
      answer.end("<!doctype html><title>Travel planner</title><link rel=icon href='data:,'>");
    });
  });
  await new Promise((ready) => {
    server.listen(Number(setting("TRAVEL_PORT")), "127.0.0.1", ready);
  });
});

after(() => {
  server.closeAllConnections();
  server.close();
});

/** Waits until the browser is at the travel planner's; what that was sent. */
async function arrived(page) {
  await page.waitForURL((url) => url.href.startsWith(callback));
  return given;
}

async function signIn(page, heading, who = "ASKED_") {
  await page.getByLabel("E-mail address").fill(setting(`${who}EMAIL`));
  await page.getByLabel("Password").fill(setting(`${who}PASSWORD`));
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: heading }).waitFor();
}

test("is asked, says no, says yes, is not asked again, and takes it back", async (t) => {
  const { page, complaints } = await visit(t);
  await page.goto(request());
  await signIn(page, "Allow access?");
  for (const told of ["Travel planner", setting("ASKED_EMAIL"), "See your expenses", "expenses:write", "travel.example"]) {
    await page.getByText(told, { exact: false }).first().waitFor();
  }
  await fits(page);
  await tabTo(page, "decision", "deny");
  await page.keyboard.press("Enter");
  let given = await arrived(page);
  assert.deepEqual([given.error, given.state, given.iss], ["access_denied", "the state", issuer]);

  await page.goto(request());
  await tabTo(page, "decision", "allow");
  await page.keyboard.press("Enter");
  given = await arrived(page);
  assert.equal(given.code.length, 64);

  await page.goto(request({ prompt: "none" }));
  assert.equal((await arrived(page)).code.length, 64, "remembered");

  await page.goto(`${issuer}/account`);
  await page.getByRole("heading", { name: "What you have allowed" }).waitFor();
  await fits(page);
  await page.getByRole("button", { name: "Take back" }).click();
  await page.getByRole("status").getByText("taken back").waitFor();

  await page.goto(request({ prompt: "none" }));
  assert.equal((await arrived(page)).error, "consent_required");
  assert.deepEqual(complaints, []);
});

test("somebody else signs in instead, and is asked for themselves", async (t) => {
  const { page } = await visit(t);
  await page.goto(request({ prompt: "consent" }));
  await signIn(page, "Allow access?");
  await page.getByRole("link", { name: "Not you?" }).click();
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  await signIn(page, "Allow access?", "");
  await page.getByText(setting("EMAIL")).waitFor();
});

for (const javaScriptEnabled of [true, false]) {
  test(`an answer is posted ${javaScriptEnabled ? "by itself" : "by a button without scripts"}`, async (t) => {
    const { page, complaints } = await visit(t, { javaScriptEnabled });
    await page.goto(request({ response_mode: "form_post", prompt: "consent" }));
    await signIn(page, "Allow access?");
    await page.getByRole("button", { name: "Allow" }).click();
    if (!javaScriptEnabled) {
      await page.getByRole("heading", { name: "Going back" }).waitFor();
      await fits(page);
      await page.getByRole("button", { name: "Continue" }).click();
    }
    const given = await arrived(page);
    assert.equal(given.method, "POST");
    assert.equal(given.origin, issuer, "the client can tell whose form it was");
    assert.equal(given.code.length, 64);
    assert.deepEqual([given.state, given.iss], ["the state", issuer]);
    assert.deepEqual(complaints, []);
  });
}

test("a device is denied, and another one connected", async (t) => {
  const { context, page, complaints } = await visit(t);
  const post = async (path, form) => {
    const sent = await context.request.post(`${issuer}${path}`, { form: { client_id: "display", ...form } });
    return sent.json();
  };
  const begin = () => post("/oauth/device_authorization", { scope: "expenses:read", resource });
  const poll = (codes) => post("/oauth/token", { grant_type: DEVICE, device_code: codes.device_code });

  const unwanted = await begin();
  await page.goto(unwanted.verification_uri_complete);
  await signIn(page, "Connect a device");
  assert.equal(await page.getByLabel("Code").inputValue(), unwanted.user_code, "filled in, nothing more");
  assert.equal((await poll(unwanted)).error, "authorization_pending");
  await fits(page);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Did you start this" }).waitFor();
  for (const told of ["Kitchen display", "See your expenses", unwanted.user_code, "127.0.0.1"]) {
    await page.getByText(told).first().waitFor();
  }
  await fits(page);
  await tabTo(page, "decision", "deny");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Denied" }).waitFor();
  assert.equal((await poll(unwanted)).error, "access_denied");

  const wanted = await begin();
  await page.goto(wanted.verification_uri);
  await page.getByLabel("Code").fill("BCDF-GHJK");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").getByText("No device waits with this code").waitFor();
  await page.getByLabel("Code").fill(wanted.user_code.toLowerCase());
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Yes, connect it" }).click();
  await page.getByRole("heading", { name: "The device is connected" }).waitFor();
  await fits(page);
  const given = await poll(wanted);
  assert.equal(given.scope, "expenses:read", JSON.stringify(given));
  // What the code that nobody has is answered with is a refusal on purpose.
  assert.deepEqual(complaints.filter((text) => !text.includes("422")), []);
});
