// oidc-provider in memory: one process, Ed25519, a client for client credentials and refresh tokens to
// begin with. `node server.mjs PORT SESSIONS` prints one line of JSON once it answers.
import { generateKeyPairSync } from 'node:crypto';
import { Provider } from 'oidc-provider';

const [port, sessions] = process.argv.slice(2).map(Number);
const issuer = `http://127.0.0.1:${port}`;
const resource = `${issuer}/reports`;
const { privateKey } = generateKeyPairSync('ed25519');
const client = { id: 'benchmark', secret: 'a-secret-of-some-forty-characters-length' };

const provider = new Provider(issuer, {
  clients: [{
    client_id: client.id,
    client_secret: client.secret,
    grant_types: ['client_credentials', 'authorization_code', 'refresh_token'],
    redirect_uris: ['https://app.example.com/callback'],
    response_types: ['code'],
    id_token_signed_response_alg: 'Ed25519',
  }],
  jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), alg: 'Ed25519', use: 'sig', kid: 'peer' }] },
  scopes: ['openid', 'offline_access', 'reports'],
  enabledJWA: { idTokenSigningAlgValues: ['Ed25519'] },
  findAccount: (_, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
  rotateRefreshToken: true,
  // Every refresh, as ours does, signs an access token and an ID token.
  features: {
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => resource,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        scope: 'reports',
        audience: resource,
        accessTokenFormat: 'jwt',
        accessTokenTTL: 300,
        jwt: { sign: { alg: 'Ed25519' } },
      }),
    },
    devInteractions: { enabled: false },
  },
});

async function session(number) {
  const accountId = `user-${number}`;
  const grant = new provider.Grant({ accountId, clientId: client.id });
  grant.addOIDCScope('openid offline_access');
  grant.addResourceScope(resource, 'reports');
  const token = new provider.RefreshToken({
    accountId,
    client: await provider.Client.find(client.id),
    grantId: await grant.save(),
    gty: 'authorization_code',
    authTime: Math.floor(Date.now() / 1000),
    resource,
    scope: 'openid offline_access reports',
  });
  return token.save();
}

const tokens = await Promise.all(Array.from({ length: sessions }, (_, number) => session(number)));
provider.listen(port, '127.0.0.1', () => {
  console.log(JSON.stringify({ client, tokens }));
});
