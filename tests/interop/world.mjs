// What the Python side has set up: a control plane, a person, and clients of every kind.

import { readFileSync } from "node:fs";
import { webcrypto } from "node:crypto";

const world = JSON.parse(readFileSync(process.env.SEALGATE_INTEROP_WORLD, "utf-8"));

export const { issuer, user, resource } = world;

/** A registered client: `id`, `secret`, `redirect_uri`, and for `private_key_jwt` `algorithm` and `key`. */
export function client(name) {
  const found = world.clients[name];
  if (!found) throw new Error(`no client ${name} is registered`);
  return found;
}

const IMPORT = {
  EdDSA: { name: "Ed25519" },
  ES256: { name: "ECDSA", namedCurve: "P-256" },
  RS256: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
  PS256: { name: "RSA-PSS", hash: "SHA-256" },
};

/** A client's private key, for its assertions. */
export async function privateKey({ algorithm, key, kid }) {
  const der = Buffer.from(key, "base64");
  return { key: await webcrypto.subtle.importKey("pkcs8", der, IMPORT[algorithm], false, ["sign"]), kid };
}
