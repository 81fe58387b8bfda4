// A verifier that follows no feed: jose verifies the token and its status list, @sd-jwt/jwt-status-list reads it.
// Prints the status of the token in its argument: 0 or 1.

import { getListFromStatusListJWT, getStatusListFromJWT } from "@sd-jwt/jwt-status-list";
import { createRemoteJWKSet, jwtVerify } from "jose";

const [issuer, token] = process.argv.slice(2);
const keys = createRemoteJWKSet(new URL(`${issuer}/oauth/jwks`));
await jwtVerify(token, keys, { issuer, typ: "at+jwt" });
const place = getStatusListFromJWT(token);
const answer = await fetch(place.uri);
if (answer.headers.get("content-type") !== "application/statuslist+jwt") throw new Error("another type");
const list = await answer.text();
await jwtVerify(list, keys, { issuer, subject: place.uri, typ: "statuslist+jwt", requiredClaims: ["exp", "ttl"] });
process.stdout.write(String(getListFromStatusListJWT(list).getStatus(place.idx)));
