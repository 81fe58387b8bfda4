// oidc-provider in memory, set up as the control plane is: the same clients, scopes, resource, lifetimes
// and addresses, and everybody signs in and says yes at once. `node peer.mjs SETTINGS` prints a line when it answers.

import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { errors, Provider } from "oidc-provider";

const { port, clients, user, resource, scopes, resourceScopes } = JSON.parse(readFileSync(process.argv[2], "utf-8"));
const issuer = `http://127.0.0.1:${port}`;
const jwk = (alg, kind, options) => ({
  ...generateKeyPairSync(kind, options).privateKey.export({ format: "jwk" }),
  alg,
  use: "sig",
  kid: `peer-${alg}`,
});
const resourceServer = {
  scope: resourceScopes.join(" "),
  audience: resource,
  accessTokenFormat: "jwt",
  accessTokenTTL: 300,
  jwt: { sign: { alg: "EdDSA" } },
};

const provider = new Provider(issuer, {
  clients,
  scopes,
  jwks: {
    keys: [
      jwk("EdDSA", "ed25519"),
      jwk("ES256", "ec", { namedCurve: "P-256" }),
      jwk("RS256", "rsa", { modulusLength: 2048 }),
      jwk("PS256", "rsa", { modulusLength: 2048 }),
    ],
  },
  cookies: { keys: ["a key of the tests"] },
  responseTypes: ["code"],
  clientAuthMethods: ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"],
  enabledJWA: { idTokenSigningAlgValues: ["EdDSA", "ES256", "RS256", "PS256"] },
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
  conformIdTokenClaims: false,
  ttl: { AccessToken: 300, AuthorizationCode: 60, ClientCredentials: 300, DeviceCode: 600 },
  rotateRefreshToken: true,
  pkce: { required: () => true },
  findAccount: (_, accountId) => ({
    accountId,
    claims: () => ({ sub: accountId, email: user.email, email_verified: true, name: user.name }),
  }),
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    deviceFlow: { enabled: true },
    introspection: { enabled: true },
    revocation: { enabled: true },
    jwtIntrospection: { enabled: true },
    claimsParameter: { enabled: true },
    dPoP: { enabled: true, nonceSecret: Buffer.alloc(32, 1), requireNonce: () => true },
    pushedAuthorizationRequests: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => undefined,
      useGrantedResource: () => true,
      getResourceServerInfo: (_, indicator) => {
        if (indicator !== resource) throw new errors.InvalidTarget();
        return resourceServer;
      },
    },
  },
  routes: {
    authorization: "/oauth/authorize",
    device_authorization: "/oauth/device_authorization",
    end_session: "/oauth/logout",
    introspection: "/oauth/introspect",
    jwks: "/oauth/jwks",
    pushed_authorization_request: "/oauth/par",
    revocation: "/oauth/revoke",
    token: "/oauth/token",
    userinfo: "/oauth/userinfo",
    code_verification: "/device",
  },
});

// What a person would do on its pages.
provider.use(async (ctx, next) => {
  if (!ctx.path.startsWith("/interaction/")) return next();
  const { prompt, params, session } = await provider.interactionDetails(ctx.req, ctx.res);
  let result = { login: { accountId: "ada" } };
  if (prompt.name === "consent") {
    const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
    grant.addOIDCScope(params.scope ?? "");
    grant.addResourceScope(resource, resourceServer.scope);
    result = { consent: { grantId: await grant.save() } };
  }
  ctx.respond = false;
  return provider.interactionFinished(ctx.req, ctx.res, result, { mergeWithLastSubmission: true });
});

provider.listen(port, "127.0.0.1", () => console.log("ready"));
