// oauth4webapi: every answer is checked against its specification, byte by byte where one says so, and
// access tokens are checked as a resource server would (RFC 9068, RFC 9449).

import assert from "node:assert/strict";
import { test } from "node:test";
import * as oauth from "oauth4webapi";
import { approve, Browser, signIn } from "./browser.mjs";
import { client as registered, issuer, privateKey, resource, user } from "./world.mjs";

const SCOPE = "openid profile email offline_access expenses:read";

async function metadata(algorithm = "oidc") {
  const url = new URL(issuer);
  return oauth.processDiscoveryResponse(url, await oauth.discoveryRequest(url, { algorithm }));
}

/** A client of ours: its metadata, how it authenticates, and the server's metadata. */
async function party(name, extra = {}) {
  const known = registered(name);
  const authentication = known.key
    ? oauth.PrivateKeyJwt(await privateKey(known))
    : known.secret
      ? oauth.ClientSecretBasic(known.secret)
      : oauth.None();
  return { as: await metadata(), client: { client_id: known.id, ...extra }, authentication, ...known, id: known.id };
}

/** Sends once, and again with the nonce if the server wants one. */
async function withNonce(send, process) {
  try {
    return await process(await send());
  } catch (error) {
    if (!oauth.isDPoPNonceError(error)) throw error;
    return process(await send());
  }
}

/** The code flow whole. */
async function codeFlow(me, { more = {}, DPoP, pushed = false, maxAge, browser, yes, seen } = {}) {
  const { as, client, authentication, redirect_uri } = me;
  browser ??= new Browser(redirect_uri);
  const verifier = oauth.generateRandomCodeVerifier();
  const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()];
  let parameters = new URLSearchParams({
    client_id: client.client_id,
    redirect_uri,
    response_type: "code",
    scope: SCOPE,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    state,
    nonce,
    ...(maxAge === undefined ? {} : { max_age: String(maxAge) }),
    ...more,
  });
  if (pushed) {
    const { request_uri } = await withNonce(
      () => oauth.pushedAuthorizationRequest(as, client, authentication, parameters, { DPoP }),
      (answer) => oauth.processPushedAuthorizationResponse(as, client, answer),
    );
    parameters = new URLSearchParams({ client_id: client.client_id, request_uri });
  }
  const url = new URL(`${as.authorization_endpoint}?${parameters}`);
  const back = await signIn(browser, url, user, yes);
  seen?.(back);
  const given = back instanceof Request ? new URLSearchParams(await oauth.formPostResponse(back)) : back;
  const answer = oauth.validateAuthResponse(as, client, given, state);
  let response;
  const tokens = await withNonce(
    async () => {
      response = await oauth.authorizationCodeGrantRequest(as, client, authentication, answer, redirect_uri, verifier, { DPoP });
      return response;
    },
    (received) =>
      oauth.processAuthorizationCodeResponse(as, client, received, { expectedNonce: nonce, maxAge, requireIdToken: true }),
  );
  await oauth.validateApplicationLevelSignature(as, response);
  return { tokens, browser, claims: oauth.getValidatedIdTokenClaims(tokens) };
}

async function refresh({ as, client, authentication }, token, options = {}) {
  return withNonce(
    () => oauth.refreshTokenGrantRequest(as, client, authentication, token, options),
    (answer) => oauth.processRefreshTokenResponse(as, client, answer),
  );
}

async function userinfo({ as, client }, token, subject, options = {}) {
  return withNonce(
    () => oauth.userInfoRequest(as, client, token, options),
    (answer) => oauth.processUserInfoResponse(as, client, subject, answer),
  );
}

/** Checks an access token as the API at `audience` would. */
async function received(as, token, audience, { DPoP, ...options } = {}) {
  const headers = new Headers();
  if (DPoP) {
    await DPoP.addProof(new URL(audience), headers, "GET", token);
    headers.set("authorization", `DPoP ${token}`);
  } else {
    headers.set("authorization", `Bearer ${token}`);
  }
  return oauth.validateJwtAccessToken(as, new Request(audience, { headers }), audience, options);
}

test("discovery", async () => {
  const documents = [await metadata("oidc"), await metadata("oauth2")];
  assert.deepEqual(documents[0], documents[1]);
});

test("client_secret_basic", async () => {
  const me = await party("web");
  const { tokens } = await codeFlow(me);
  const claims = await received(me.as, tokens.access_token, issuer);
  assert.equal(claims.client_id, me.id);
});

test("client_secret_post", async () => {
  const me = await party("web");
  await codeFlow({ ...me, authentication: oauth.ClientSecretPost(me.secret) });
});

test("public client, with consent", async () => {
  await codeFlow(await party("native"));
});

test("consent refused", async () => {
  const refused = codeFlow(await party("native"), { yes: false, more: { prompt: "consent" } });
  await assert.rejects(refused, { code: oauth.AUTHORIZATION_RESPONSE_ERROR, error: "access_denied" });
});

for (const algorithm of ["EdDSA", "ES256", "RS256", "PS256"]) {
  test(`private_key_jwt and tokens with ${algorithm}`, async () => {
    const me = await party(`key-${algorithm}`, { id_token_signed_response_alg: algorithm });
    const { tokens } = await codeFlow(me);
    await received(me.as, tokens.access_token, issuer, { signingAlgorithms: [algorithm] });
    await refresh(me, tokens.refresh_token);
  });
}

test("iss in the answer", async () => {
  const me = await party("web");
  assert.equal(me.as.authorization_response_iss_parameter_supported, true);
  const without = new URLSearchParams({ code: "c", state: "s" });
  assert.throws(() => oauth.validateAuthResponse(me.as, me.client, without, "s"), /iss/);
  await codeFlow(me);
});

test("form_post", async () => {
  let seen;
  await codeFlow(await party("web"), { more: { response_mode: "form_post" }, seen: (back) => (seen = back) });
  assert.ok(seen instanceof Request);
});

test("max_age", async () => {
  const { claims } = await codeFlow(await party("web", { require_auth_time: true }), { maxAge: 60 });
  assert.ok(Math.abs(claims.auth_time - Date.now() / 1000) < 60);
});

test("prompt=none", async () => {
  const me = await party("web");
  const { browser, claims } = await codeFlow(me);
  const again = await codeFlow(me, { browser, more: { prompt: "none" } });
  assert.equal(again.claims.sub, claims.sub);
  await assert.rejects(codeFlow(me, { more: { prompt: "none" } }), { error: "login_required" });
});

test("userinfo", async () => {
  const me = await party("web");
  const { tokens, claims } = await codeFlow(me);
  assert.equal((await userinfo(me, tokens.access_token, claims.sub)).email, user.email);
  await assert.rejects(userinfo(me, "nonsense", claims.sub), (error) => {
    assert.ok(error instanceof oauth.WWWAuthenticateChallengeError);
    return error.cause[0].parameters.error === "invalid_token";
  });
});

test("refresh", async () => {
  const me = await party("web");
  const { tokens } = await codeFlow(me);
  const next = await refresh(me, tokens.refresh_token);
  assert.notEqual(next.refresh_token, tokens.refresh_token);
  const narrow = await refresh(me, next.refresh_token, { additionalParameters: { scope: "openid" } });
  assert.equal(narrow.scope, "openid");
  await assert.rejects(refresh(me, narrow.refresh_token, { additionalParameters: { scope: "openid other" } }), {
    error: "invalid_scope",
  });
});

test("revocation", async () => {
  const me = await party("web");
  const { tokens } = await codeFlow(me);
  const revoke = async (token) =>
    oauth.processRevocationResponse(await oauth.revocationRequest(me.as, me.client, me.authentication, token));
  await revoke(tokens.refresh_token);
  await revoke("unknown");
  await assert.rejects(refresh(me, tokens.refresh_token), { error: "invalid_grant" });
});

test("pushed authorization request", async () => {
  await codeFlow(await party("web"), { pushed: true });
});

test("resource indicator", async () => {
  const me = await party("web");
  const { tokens } = await codeFlow(me, { more: { resource } });
  await received(me.as, tokens.access_token, resource);
  const next = await refresh(me, tokens.refresh_token);
  await received(me.as, next.access_token, resource);
  const { tokens: plain } = await codeFlow(me);
  await assert.rejects(received(me.as, plain.access_token, resource));
});

test("DPoP with nonces", async () => {
  const me = await party("web");
  const keys = await oauth.generateKeyPair("ES256");
  const DPoP = oauth.DPoP(me.client, keys);
  const { tokens, claims } = await codeFlow(me, { DPoP, more: { resource } });
  assert.equal(tokens.token_type, "dpop");
  const seen = await received(me.as, tokens.access_token, resource, { DPoP, requireDPoP: true });
  assert.equal(seen.cnf.jkt, await DPoP.calculateThumbprint());
  const info = await userinfo(me, tokens.access_token, claims.sub, { DPoP });
  assert.equal(info.email, user.email);
  await assert.rejects(userinfo(me, tokens.access_token, claims.sub), oauth.WWWAuthenticateChallengeError);
  const next = await refresh(me, tokens.refresh_token, { DPoP });
  assert.equal(next.token_type, "dpop");
});

for (const algorithm of ["Ed25519", "ES256", "RS256", "PS256"]) {
  test(`DPoP proofs with ${algorithm}`, async () => {
    const me = await party("service");
    const DPoP = oauth.DPoP(me.client, await oauth.generateKeyPair(algorithm));
    const tokens = await withNonce(
      () => oauth.clientCredentialsGrantRequest(me.as, me.client, me.authentication, { scope: "expenses:read", resource }, { DPoP }),
      (answer) => oauth.processClientCredentialsResponse(me.as, me.client, answer),
    );
    await received(me.as, tokens.access_token, resource, { DPoP, requireDPoP: true });
  });
}

test("DPoP binds a public client's refresh token", async () => {
  const me = await party("native");
  const DPoP = oauth.DPoP(me.client, await oauth.generateKeyPair("ES256"));
  const { tokens } = await codeFlow(me, { DPoP });
  const thief = oauth.DPoP(me.client, await oauth.generateKeyPair("ES256"));
  for (const options of [{ DPoP: thief }, {}]) {
    await assert.rejects(refresh(me, tokens.refresh_token, options), (error) =>
      ["invalid_grant", "invalid_dpop_proof"].includes(error.error),
    );
  }
  await refresh(me, tokens.refresh_token, { DPoP });
});

test("pushed, DPoP and private_key_jwt together", async () => {
  const me = await party("strict");
  const DPoP = oauth.DPoP(me.client, await oauth.generateKeyPair("ES256"));
  const { tokens } = await codeFlow(me, { DPoP, pushed: true, more: { resource } });
  await received(me.as, tokens.access_token, resource, { DPoP, requireDPoP: true });
});

test("client credentials", async () => {
  for (const name of ["service", "service-key"]) {
    const me = await party(name);
    const asked = { scope: "expenses:read", resource };
    const answer = await oauth.clientCredentialsGrantRequest(me.as, me.client, me.authentication, asked);
    const tokens = await oauth.processClientCredentialsResponse(me.as, me.client, answer);
    const claims = await received(me.as, tokens.access_token, resource);
    assert.equal(claims.sub, me.id);
  }
});

test("device", async () => {
  const me = await party("device");
  const answer = await oauth.deviceAuthorizationRequest(me.as, me.client, me.authentication, { scope: SCOPE });
  const started = await oauth.processDeviceAuthorizationResponse(me.as, me.client, answer);
  const poll = async () => {
    const polled = await oauth.deviceCodeGrantRequest(me.as, me.client, me.authentication, started.device_code);
    return oauth.processDeviceCodeResponse(me.as, me.client, polled);
  };
  await assert.rejects(poll(), { error: "authorization_pending" });
  await assert.rejects(poll(), { error: "slow_down" });
  await approve({ url: started.verification_uri_complete }, user);
  await new Promise((resolve) => setTimeout(resolve, (started.interval + 5) * 1000));
  const tokens = await poll();
  assert.equal(oauth.getValidatedIdTokenClaims(tokens).aud, me.id);
});

test("introspection", async () => {
  const me = await party("web");
  const { tokens } = await codeFlow(me, { more: { resource } });
  const server = await party("server");
  const ask = async (token) => {
    const answer = await oauth.introspectionRequest(server.as, server.client, server.authentication, token);
    return oauth.processIntrospectionResponse(server.as, server.client, answer);
  };
  const found = await ask(tokens.access_token);
  assert.equal(found.active, true);
  assert.equal(found.iss, issuer);
  assert.deepEqual(await ask("unknown"), { active: false });
});

test("introspection as JWT", async () => {
  const { tokens } = await codeFlow(await party("web"), { more: { resource } });
  const server = await party("server", { introspection_signed_response_alg: "EdDSA" });
  const answer = await oauth.introspectionRequest(server.as, server.client, server.authentication, tokens.access_token, {
    requestJwtResponse: true,
  });
  const found = await oauth.processIntrospectionResponse(server.as, server.client, answer);
  await oauth.validateApplicationLevelSignature(server.as, answer);
  assert.equal(found.active, true);
});

test("a wrong secret", async () => {
  const me = await party("web");
  const wrong = { ...me, authentication: oauth.ClientSecretBasic("wrong") };
  await assert.rejects(refresh(wrong, "rt_unknown"), (error) => error.status === 401);
});
