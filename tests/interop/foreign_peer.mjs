// oidc-provider in memory, as a provider that is no Sealgate: everybody signs in and says yes at once, access
// tokens for resources are JWTs, and its keys are changed and taken away on request.
// `node foreign_peer.mjs SETTINGS` prints a line when it answers. `POST /control` takes
//   {"keys": ["k1", "k2"]}   the keys of the set; the first one signs
//   {"keys_down": true}      whether the set cannot be had
//   {"mint": {header, claims}}  a token by the signing key that says anything
// and tells how often the set and the token endpoint were asked.

import { createServer } from "node:http";
import { readFileSync } from "node:fs";
import { exportJWK, generateKeyPair, importJWK, SignJWT } from "jose";
import { Provider } from "oidc-provider";

const { port, clients, access_seconds: accessSeconds } = JSON.parse(readFileSync(process.argv[2], "utf-8"));
const issuer = `http://127.0.0.1:${port}`;

const made = {};
for (const kid of ["k1", "k2", "k3"]) {
  const { privateKey } = await generateKeyPair("RS256", { extractable: true });
  made[kid] = { ...(await exportJWK(privateKey)), alg: "RS256", use: "sig", kid };
}

const state = { keys: ["k1"], keys_down: false, keys_asked: 0, tokens_asked: 0 };

// What is signed in stays so through a change of keys: the memory is the module's.
function provider() {
  const current = new Provider(issuer, {
    clients,
    jwks: { keys: state.keys.map((kid) => made[kid]) },
    cookies: { keys: ["a key of the tests"] },
    responseTypes: ["code"],
    scopes: ["openid", "offline_access", "profile", "email"],
    claims: { openid: ["sub"], email: ["email"], profile: ["name"] },
    conformIdTokenClaims: false,
    findAccount: (_, accountId) => ({
      accountId,
      claims: () => ({ sub: accountId, email: "ada@example.com", name: "Ada" }),
    }),
    ttl: { AccessToken: accessSeconds, IdToken: 300, RefreshToken: 3600, Session: 3600, Grant: 3600 },
    features: {
      devInteractions: { enabled: false },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: { enabled: true },
      clientCredentials: { enabled: true },
      revocation: { enabled: true },
      dPoP: { enabled: true },
      resourceIndicators: {
        enabled: true,
        useGrantedResource: () => true,
        getResourceServerInfo: (_, audience) => ({
          audience,
          scope: "api:read api:write",
          accessTokenFormat: "jwt",
          accessTokenTTL: 300,
          jwt: { sign: { alg: "RS256" } },
        }),
      },
    },
    // It refuses loopback addresses on its own accord; the application of the tests has no other.
    fetch: (url, { dispatcher, ...options }) => fetch(url, options),
  });
  current.use(async (ctx, next) => {
    if (!ctx.path.startsWith("/interaction/")) return next();
    const { prompt, params, session } = await current.interactionDetails(ctx.req, ctx.res);
    let result = { login: { accountId: "ada" } };
    if (prompt.name === "consent") {
      const grant = new current.Grant({ accountId: session.accountId, clientId: params.client_id });
      grant.addOIDCScope(params.scope);
      if (params.resource) grant.addResourceScope(params.resource, params.scope);
      result = { consent: { grantId: await grant.save() } };
    }
    ctx.respond = false;
    return current.interactionFinished(ctx.req, ctx.res, result, { mergeWithLastSubmission: true });
  });
  return current.callback();
}

let answer = provider();

async function control(body) {
  const { mint, ...change } = JSON.parse(body || "{}");
  Object.assign(state, change);
  if (change.keys) answer = provider();
  if (!mint) return state;
  const key = await importJWK(made[state.keys[0]], "RS256");
  const header = { alg: "RS256", kid: state.keys[0], ...mint.header };
  return { token: await new SignJWT(mint.claims).setProtectedHeader(header).sign(key) };
}

createServer((request, response) => {
  const path = request.url.split("?")[0];
  if (path === "/control") {
    let body = "";
    request.on("data", (piece) => (body += piece));
    request.on("end", async () => {
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify(await control(body)));
    });
    return;
  }
  if (path === "/jwks") {
    state.keys_asked += 1;
    if (state.keys_down) {
      response.statusCode = 503;
      response.end();
      return;
    }
  }
  state.tokens_asked += path === "/token";
  answer(request, response);
}).listen(port, "127.0.0.1", () => console.log("ready"));
