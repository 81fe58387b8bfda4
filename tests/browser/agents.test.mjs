// An AI agent that nobody registered: what its user is told before it may act, and where they see and revoke it.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { after, before, test } from "node:test";

import { fits, setting, tabTo, visit } from "./browser.mjs";

const issuer = setting("ISSUER");
const resource = setting("NOTES");
const home = `http://127.0.0.1:${setting("AGENT_PORT")}`;
const client = `${home}/client.json`;
const local = `${home}/callback`;
const elsewhere = "https://travel.example/agent";
const host = home.slice("http://".length);

const document = {
  client_id: client,
  client_name: "Note taker",
  client_uri: "https://about.example/agent",
  redirect_uris: [local, elsewhere],
  grant_types: ["authorization_code", "refresh_token"],
  response_types: ["code"],
  token_endpoint_auth_method: "none",
};

/** What was answered to the agent last. */
let given;
let servers;

before(async () => {
  const serve = (asked, answer) => {
    if (asked.url === "/client.json") {
      answer.setHeader("content-type", "application/json");
      answer.end(JSON.stringify(document));
      return;
    }
    if (asked.url === "/turned.json") {
      answer.setHeader("content-type", "application/json");
      const turned = { client_id: `${home}/turned.json`, client_name: "Note \u202etaker" };
      answer.end(JSON.stringify({ ...document, ...turned }));
      return;
    }
    if (/^\/(callback|agent)\b/.test(asked.url)) given = Object.fromEntries(new URL(asked.url, home).searchParams);
    answer.setHeader("content-type", "text/html");
    answer.end("<!doctype html><title>Agent</title><link rel=icon href='data:,'><h1>Back at the agent</h1>");
  };
  const tls = { key: readFileSync(setting("TLS_KEY")), cert: readFileSync(setting("TLS_CERT")) };
  servers = [createServer(serve), createSecureServer(tls, serve)];
  const ports = [setting("AGENT_PORT"), setting("TRAVEL_PORT")];
  const listen = (server, place) => new Promise((ready) => server.listen(Number(ports[place]), "127.0.0.1", ready));
  await Promise.all(servers.map(listen));
});

after(() => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
});

/** An authorization request of the agent, and what its code is redeemed with. */
function request(redirect = local, more = {}) {
  const verifier = randomBytes(32).toString("base64url");
  const parameters = new URLSearchParams({
    response_type: "code",
    client_id: client,
    redirect_uri: redirect,
    scope: "openid offline_access notes:read notes:write",
    resource,
    state: "the state",
    code_challenge: createHash("sha256").update(verifier).digest("base64url"),
    code_challenge_method: "S256",
    ...more,
  });
  return { verifier, url: `${issuer}/oauth/authorize?${parameters}` };
}

async function signIn(page, heading) {
  await page.getByLabel("E-mail address").fill(setting("NOTING_EMAIL"));
  await page.getByLabel("Password").fill(setting("NOTING_PASSWORD"));
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: heading }).waitFor();
}

/** What people read of a page. */
async function read(page) {
  return (await page.locator("main").innerText()).replace(/\s+/g, " ");
}

async function told(page, ...texts) {
  const words = await read(page);
  for (const text of texts) assert.ok(words.includes(text), `${text} in ${words}`);
}

/** Posts to the token endpoint as the agent does, from outside of the browser. */
async function token(context, form) {
  const answer = await context.request.post(`${issuer}/oauth/token`, { form: { client_id: client, ...form } });
  return answer.json();
}

/** Allows what is asked for on the page, by keyboard; the agent's tokens. */
async function allow(context, page, verifier) {
  await tabTo(page, "decision", "allow");
  await page.keyboard.press("Enter");
  await page.waitForURL((url) => url.href.startsWith(local));
  const { code } = given;
  return token(context, {
    grant_type: "authorization_code",
    code,
    redirect_uri: local,
    code_verifier: verifier,
  });
}

test("is warned of an answer on this computer, allows it, sees the agent and revokes it", async (t) => {
  const { context, page, complaints } = await visit(t);
  const asking = request();
  await page.goto(asking.url);
  // Before anybody has signed in the name that it gave itself is not repeated.
  await told(page, `to continue to ${host}`);
  await signIn(page, "Allow access?");
  assert.equal(await page.title(), `Allow ${host}? – Sealgate`);
  await told(
    page,
    `A program that says it is from ${host} and that its name is “Note taker”, an AI agent, asks to act for you.`,
    "Nobody here has checked who it is. Its address is no proof: any program could have given it.",
    `At Notes ${resource} Read your notes Find notes find Change your notes Add a note add_note`,
    "Stay connected while you are not using it",
    "Until you take it back, also when you have signed out here: 30 days after you signed in at the latest",
    "An application on this computer: 127.0.0.1",
    "Any application on this computer could have asked under this name.",
  );
  const link = page.getByRole("link", { name: "about.example" });
  assert.equal(await link.getAttribute("rel"), "noopener noreferrer nofollow");
  assert.equal(await page.locator("main img").count(), 0);
  await fits(page);
  const boxes = await Promise.all(["Allow", "Deny"].map((name) => page.getByRole("button", { name }).boundingBox()));
  assert.deepEqual([boxes[0].width, boxes[0].height], [boxes[1].width, boxes[1].height], "no is as easy as yes");
  let tokens = await allow(context, page, asking.verifier);
  assert.equal(tokens.scope, "openid offline_access notes:read notes:write", JSON.stringify(tokens));

  await page.goto(`${issuer}/account`);
  await page.getByRole("heading", { name: "AI agents" }).waitFor();
  await told(page, `${host} says it is “Note taker”`, `At Notes ${resource} Read your notes`, "From 127.0.0.1", "in 6 days");
  await fits(page);
  // It goes on when the browser does not.
  await page.getByRole("button", { name: "Sign out of every browser" }).click();
  await page.getByRole("heading", { name: "signed out" }).waitFor();
  tokens = await token(context, { grant_type: "refresh_token", refresh_token: tokens.refresh_token });
  assert.ok(tokens.access_token, JSON.stringify(tokens));

  await page.goto(`${issuer}/account`);
  await signIn(page, "Your account");
  await page.getByRole("button", { name: "Revoke this agent" }).click();
  await page.getByRole("status").getByText("The agent is revoked").waitFor();
  assert.equal(await page.getByRole("heading", { name: "AI agents" }).count(), 0);
  const refused = await token(context, { grant_type: "refresh_token", refresh_token: tokens.refresh_token });
  assert.deepEqual([refused.error, refused.reason], ["invalid_grant", "session_revoked"]);
  assert.deepEqual(complaints, []);
});

test("is warned of an answer that goes to another host, and denies it", async (t) => {
  const { page, complaints } = await visit(t);
  await page.goto(request(elsewhere).url);
  await signIn(page, "Allow access?");
  await told(page, `${host}, whose program says that its name is “Note taker”`, "Only its address is certain.");
  await told(page, `You would go to travel.example, which is not the ${host} that asks.`, "You go to travel.example");
  await fits(page);
  await tabTo(page, "decision", "deny");
  await page.keyboard.press("Enter");
  await page.waitForURL((url) => url.href.startsWith(elsewhere));
  assert.deepEqual([given.error, given.state], ["access_denied", "the state"]);
  await page.goto(`${issuer}/account`);
  assert.equal(await page.getByRole("heading", { name: "AI agents" }).count(), 0);
  assert.deepEqual(complaints, []);
});

test("is asked each time, and revokes every agent and connection", async (t) => {
  const { context, page } = await visit(t, { javaScriptEnabled: true });
  const heading = (name) => page.getByRole("heading", { name }).waitFor();
  const first = request();
  await page.goto(first.url);
  await signIn(page, "Allow access?");
  await allow(context, page, first.verifier);
  const second = request();
  await page.goto(second.url);
  await heading("Allow access?");
  const tokens = await allow(context, page, second.verifier);
  await page.goto(`${issuer}/account`);
  await heading("AI agents");
  await page.getByRole("button", { name: "End connection 2" }).click();
  await page.getByRole("status").getByText("The session is revoked.").waitFor();
  const renewed = await token(context, { grant_type: "refresh_token", refresh_token: tokens.refresh_token });
  assert.ok(renewed.access_token, JSON.stringify(renewed));
  await page.getByRole("button", { name: "Revoke all agents" }).click();
  await page.getByRole("status").getByText("All agents are revoked").waitFor();
  const refused = await token(context, { grant_type: "refresh_token", refresh_token: renewed.refresh_token });
  assert.equal(refused.reason, "session_revoked");
});

test("a request that cannot go on says why, and which trace to look for", async (t) => {
  const { page } = await visit(t);
  await page.goto(request("https://evil.example/cb").url);
  await page.getByRole("heading", { name: "This sign-in cannot go on" }).waitFor();
  await told(page, "not registered for it", "Reason redirect_uri_unregistered");
  assert.match(await read(page), /Trace [0-9a-f]{32}/);
  await fits(page);
  await page.goto(request(local, { client_id: `${home}/turned.json` }).url);
  await told(page, "cannot be believed", "turn the text around", "Reason client_document_invalid");
});
