// openid-client, certified as a relying party, in its strictest settings: https only, ID tokens' signatures
// checked beside TLS. Each test is a row of the table that run ends with.

import assert from "node:assert/strict";
import { test } from "node:test";
import * as oidc from "openid-client";
import { approve, Browser, signIn } from "./browser.mjs";
import { client, issuer, privateKey, resource, user } from "./world.mjs";

const SCOPE = "openid profile email offline_access expenses:read";

async function configured(name, metadata = {}, authentication) {
  const registered = client(name);
  const how =
    authentication?.(registered) ??
    (registered.key
      ? oidc.PrivateKeyJwt(await privateKey(registered))
      : registered.secret
        ? oidc.ClientSecretBasic(registered.secret)
        : oidc.None());
  const config = await oidc.discovery(new URL(issuer), registered.id, metadata, how);
  oidc.enableNonRepudiationChecks(config);
  return { config, redirectUri: registered.redirect_uri };
}

/** The code flow whole: what the token endpoint answers, and the browser that stays signed in. */
async function codeFlow({ config, redirectUri }, { more = {}, checks = {}, DPoP, pushed = false, exchange = {}, ...rest } = {}) {
  const browser = rest.browser ?? new Browser(redirectUri);
  const pkceCodeVerifier = oidc.randomPKCECodeVerifier();
  const [state, nonce] = [oidc.randomState(), oidc.randomNonce()];
  const parameters = new URLSearchParams({
    redirect_uri: redirectUri,
    scope: SCOPE,
    code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: "S256",
    state,
    nonce,
    ...more,
  });
  const url = pushed
    ? await oidc.buildAuthorizationUrlWithPAR(config, parameters, { DPoP })
    : oidc.buildAuthorizationUrl(config, parameters);
  const back = await signIn(browser, url, user, rest.yes);
  rest.seen?.(back, url);
  const expected = { pkceCodeVerifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true, ...checks };
  const tokens = await oidc.authorizationCodeGrant(config, back, expected, exchange, { DPoP });
  return { tokens, browser, claims: tokens.claims() };
}

const header = (jwt) => JSON.parse(Buffer.from(jwt.split(".")[0], "base64url").toString());
const payload = (jwt) => JSON.parse(Buffer.from(jwt.split(".")[1], "base64url").toString());

test("discovery", async () => {
  for (const algorithm of ["oidc", "oauth2"]) {
    const config = await oidc.discovery(new URL(issuer), "anyone", undefined, oidc.None(), { algorithm });
    const metadata = config.serverMetadata();
    assert.equal(metadata.issuer, issuer);
    assert.ok(metadata.supportsPKCE("S256"));
  }
});

test("client_secret_basic", async () => {
  const { claims, tokens } = await codeFlow(await configured("web"));
  assert.equal(claims.email ?? user.email, user.email);
  assert.ok(tokens.refresh_token);
  assert.ok(tokens.expiresIn() > 200);
});

test("client_secret_post", async () => {
  await codeFlow(await configured("web", {}, ({ secret }) => oidc.ClientSecretPost(secret)));
});

test("public client, with consent", async () => {
  const { tokens } = await codeFlow(await configured("native"));
  assert.ok(tokens.refresh_token);
});

test("consent refused", async () => {
  await assert.rejects(codeFlow(await configured("native"), { yes: false, more: { prompt: "consent" } }), {
    code: "OAUTH_AUTHORIZATION_RESPONSE_ERROR",
    error: "access_denied",
  });
});

for (const algorithm of ["EdDSA", "ES256", "RS256", "PS256"]) {
  test(`private_key_jwt and tokens with ${algorithm}`, async () => {
    const setup = await configured(`key-${algorithm}`, { id_token_signed_response_alg: algorithm });
    const { tokens } = await codeFlow(setup);
    assert.equal(header(tokens.id_token).alg, algorithm);
    assert.equal(header(tokens.access_token).alg, algorithm);
    await oidc.refreshTokenGrant(setup.config, tokens.refresh_token);
  });
}

test("iss in the answer", async () => {
  const setup = await configured("web");
  let seen;
  const { config, redirectUri } = setup;
  await codeFlow(setup, { seen: (back) => (seen = back) });
  assert.equal(seen.searchParams.get("iss"), issuer);
  const mixedUp = new URL(`${redirectUri}?${new URLSearchParams({ code: "c", state: "s", iss: "https://other.example" })}`);
  await assert.rejects(oidc.authorizationCodeGrant(config, mixedUp, { expectedState: "s" }), (error) =>
    /"iss"/.test(error.cause.message),
  );
});

test("form_post", async () => {
  let seen;
  await codeFlow(await configured("web"), { more: { response_mode: "form_post" }, seen: (back) => (seen = back) });
  assert.equal(seen.method, "POST");
});

test("max_age", async () => {
  const { claims } = await codeFlow(await configured("web"), { more: { max_age: "60" }, checks: { maxAge: 60 } });
  assert.equal(typeof claims.auth_time, "number");
});

test("prompt=none", async () => {
  const setup = await configured("web");
  const { browser, claims } = await codeFlow(setup);
  const again = await codeFlow(setup, { browser, more: { prompt: "none" } });
  assert.equal(again.claims.sub, claims.sub);
  await assert.rejects(codeFlow(setup, { more: { prompt: "none" } }), { error: "login_required" });
});

test("userinfo", async () => {
  const setup = await configured("web");
  const { tokens, claims } = await codeFlow(setup);
  const info = await oidc.fetchUserInfo(setup.config, tokens.access_token, claims.sub);
  assert.equal(info.email, user.email);
  assert.equal(info.name, user.name);
});

test("refresh", async () => {
  const setup = await configured("web");
  const { tokens, claims } = await codeFlow(setup);
  const next = await oidc.refreshTokenGrant(setup.config, tokens.refresh_token);
  assert.notEqual(next.refresh_token, tokens.refresh_token);
  assert.equal(next.claims().sub, claims.sub);
  const narrow = await oidc.refreshTokenGrant(setup.config, next.refresh_token, { scope: "openid" });
  assert.equal(narrow.scope, "openid");
});

test("revocation", async () => {
  const setup = await configured("web");
  const { tokens } = await codeFlow(setup);
  await oidc.tokenRevocation(setup.config, tokens.refresh_token, { token_type_hint: "refresh_token" });
  await assert.rejects(oidc.refreshTokenGrant(setup.config, tokens.refresh_token), { error: "invalid_grant" });
  await oidc.tokenRevocation(setup.config, tokens.refresh_token);
});

test("pushed authorization request", async () => {
  let asked;
  await codeFlow(await configured("web"), { pushed: true, seen: (_, url) => (asked = url) });
  assert.deepEqual([...asked.searchParams.keys()].sort(), ["client_id", "request_uri"]);
});

test("resource indicator", async () => {
  const setup = await configured("web");
  const { tokens } = await codeFlow(setup, { more: { resource } });
  assert.deepEqual([payload(tokens.access_token).aud].flat(), [resource, issuer]);
  const next = await oidc.refreshTokenGrant(setup.config, tokens.refresh_token);
  assert.deepEqual([payload(next.access_token).aud].flat(), [resource, issuer]);
  await assert.rejects(codeFlow(setup, { more: { resource: "https://stranger.example/" } }), { error: "invalid_target" });
});

test("DPoP with nonces", async () => {
  const setup = await configured("web");
  const DPoP = oidc.getDPoPHandle(setup.config, await oidc.randomDPoPKeyPair());
  const { tokens, claims } = await codeFlow(setup, { DPoP });
  assert.equal(tokens.token_type, "dpop");
  assert.equal(payload(tokens.access_token).cnf.jkt, await DPoP.calculateThumbprint());
  const info = await oidc.fetchUserInfo(setup.config, tokens.access_token, claims.sub, { DPoP });
  assert.equal(info.sub, claims.sub);
  const next = await oidc.refreshTokenGrant(setup.config, tokens.refresh_token, undefined, { DPoP });
  assert.equal(next.token_type, "dpop");
});

test("DPoP binds a public client's refresh token", async () => {
  const setup = await configured("native");
  const DPoP = oidc.getDPoPHandle(setup.config, await oidc.randomDPoPKeyPair());
  const { tokens } = await codeFlow(setup, { DPoP });
  const thief = oidc.getDPoPHandle(setup.config, await oidc.randomDPoPKeyPair());
  for (const options of [{ DPoP: thief }, undefined]) {
    const stolen = oidc.refreshTokenGrant(setup.config, tokens.refresh_token, undefined, options);
    await assert.rejects(stolen, (error) => ["invalid_grant", "invalid_dpop_proof"].includes(error.error));
  }
  await oidc.refreshTokenGrant(setup.config, tokens.refresh_token, undefined, { DPoP });
});

test("pushed, DPoP and private_key_jwt together", async () => {
  const setup = await configured("strict");
  const DPoP = oidc.getDPoPHandle(setup.config, await oidc.randomDPoPKeyPair());
  const jkt = await DPoP.calculateThumbprint();
  const { tokens } = await codeFlow(setup, { DPoP, pushed: true, more: { dpop_jkt: jkt } });
  assert.equal(payload(tokens.access_token).cnf.jkt, jkt);
  await assert.rejects(codeFlow(setup, { DPoP }), { error: "invalid_request" });
});

test("client credentials", async () => {
  const { config } = await configured("service");
  const tokens = await oidc.clientCredentialsGrant(config, { scope: "expenses:read", resource });
  const claims = payload(tokens.access_token);
  assert.equal(claims.sub, client("service").id);
  assert.deepEqual([claims.aud].flat(), [resource]);
  const DPoP = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair());
  const bound = await oidc.clientCredentialsGrant(config, { scope: "expenses:read" }, { DPoP });
  assert.equal(bound.token_type, "dpop");
  const keyed = await configured("service-key");
  await oidc.clientCredentialsGrant(keyed.config, { scope: "expenses:read" });
});

test("device", async () => {
  const setup = await configured("device");
  const started = await oidc.initiateDeviceAuthorization(setup.config, { scope: SCOPE });
  const decided = approve({ url: started.verification_uri, userCode: started.user_code }, user);
  const tokens = await oidc.pollDeviceAuthorizationGrant(setup.config, started);
  await decided;
  assert.equal(tokens.claims().aud, client("device").id);
  const refused = await oidc.initiateDeviceAuthorization(setup.config, { scope: SCOPE });
  await approve({ url: refused.verification_uri_complete }, user, false);
  await assert.rejects(oidc.pollDeviceAuthorizationGrant(setup.config, refused), { error: "access_denied" });
});

test("introspection", async () => {
  const setup = await configured("web");
  const { tokens } = await codeFlow(setup, { more: { resource } });
  const { config } = await configured("server");
  const found = await oidc.tokenIntrospection(config, tokens.access_token);
  assert.equal(found.active, true);
  assert.equal(found.client_id, client("web").id);
  await oidc.tokenRevocation(setup.config, tokens.refresh_token);
  assert.deepEqual(await oidc.tokenIntrospection(config, tokens.access_token), { active: false });
});

test("introspection as JWT", async () => {
  const { tokens } = await codeFlow(await configured("web"), { more: { resource } });
  const { config } = await configured("server", { introspection_signed_response_alg: "EdDSA" });
  const found = await oidc.tokenIntrospection(config, tokens.access_token);
  assert.equal(found.active, true);
});

test("logout", async () => {
  const setup = await configured("web");
  const { tokens, browser } = await codeFlow(setup);
  const logout = oidc.buildEndSessionUrl(setup.config, {
    id_token_hint: tokens.id_token,
    post_logout_redirect_uri: client("web").logout_uri,
    state: "s1",
  });
  browser.redirectUri = client("web").logout_uri;
  const page = await browser.open(logout);
  const back = page.back ?? (await browser.submit(page, page.form("/oauth/logout"))).back;
  assert.equal(back.searchParams.get("state"), "s1");
  await assert.rejects(oidc.refreshTokenGrant(setup.config, tokens.refresh_token), { error: "invalid_grant" });
});

test("a wrong secret", async () => {
  const { config } = await configured("web", {}, () => oidc.ClientSecretBasic("wrong"));
  await assert.rejects(oidc.refreshTokenGrant(config, "rt_unknown"), { status: 401 });
});
