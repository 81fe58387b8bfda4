// A developer on FastAPI's documentation page: "Authorize" signs in with PKCE, and the token opens a gated
// route.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { test } from "node:test";

import { setting, visit } from "./browser.mjs";

const docs = setting("DOCS");
const issuer = setting("ISSUER");
const assets = dirname(createRequire(import.meta.url).resolve("swagger-ui-dist/package.json"));

/** The page as FastAPI makes it, with its assets from a package instead of a host elsewhere. */
async function openDocs(t) {
  const visited = await visit(t, { javaScriptEnabled: true });
  await visited.context.route("https://cdn.jsdelivr.net/npm/swagger-ui-dist@5/*", (route) =>
    route.fulfill({ path: join(assets, new URL(route.request().url()).pathname.split("/").at(-1)) }),
  );
  await visited.context.route("https://fastapi.tiangolo.com/*", (route) => route.abort());
  await visited.page.goto(`${docs}/docs`);
  return visited;
}

/** Executes the one operation; what came back. */
async function execute(page) {
  const operation = page.locator(".opblock", { hasText: "/notes" });
  const button = operation.getByRole("button", { name: "Execute" });
  if (!(await button.isVisible())) {
    await operation.locator(".opblock-summary").click();
    await operation.getByRole("button", { name: "Try it out" }).click();
  }
  const answered = page.waitForResponse((response) => response.url() === `${docs}/notes`);
  await button.click();
  return answered;
}

test("Authorize signs in, and the token opens a gated route", async (t) => {
  const { page, context } = await openDocs(t);
  const refused = await execute(page);
  assert.equal(refused.status(), 401);
  assert.equal((await refused.json()).reason, "credential_missing");

  const asked = [];
  context.on("request", (request) => asked.push(request.url()));
  await page.locator(".auth-wrapper > .authorize").click();
  const dialog = page.locator(".modal-ux");
  const scheme = dialog.locator(".auth-container", { hasText: "OAuth2, authorizationCode" });
  assert.equal(await scheme.locator("input[data-name=clientId], input#client_id_authorizationCode").inputValue(), "docs");
  const popup = context.waitForEvent("page");
  await scheme.locator(".auth-btn-wrapper .authorize").click();
  const signIn = await popup;
  await signIn.getByLabel(/e-?mail/i).fill(setting("EMAIL"));
  await signIn.getByLabel(/password/i).fill(setting("PASSWORD"));
  await signIn.keyboard.press("Enter");
  await signIn.getByRole("button", { name: /allow/i }).click();
  await scheme.getByText("Logout", { exact: true }).waitFor();

  const authorization = new URL(asked.find((url) => url.startsWith(`${issuer}/oauth/authorize`)));
  assert.equal(authorization.searchParams.get("code_challenge_method"), "S256");
  assert.equal(authorization.searchParams.get("resource"), docs);
  assert.equal(authorization.searchParams.get("scope"), "notes:read openid");
  assert.ok(signIn.isClosed(), "the window closed by itself");

  await dialog.locator(".btn-done").first().click();
  const opened = await execute(page);
  assert.equal(opened.status(), 200, await opened.text());
  assert.match((await opened.json())[0], /^a note for /);
});
