//! Rules about credentials that must not count.

use sealgate_inventory::{Rule, Severity};

/// Anything passes for a credential.
pub const ACCEPTS_GARBAGE: Rule = Rule {
    id: "accepts-garbage",
    severity: Severity::Error,
    title: "A gate accepts whatever looks like a credential",
    explanation: "Without a credential the route denied, and with a meaningless one of the same scheme it \
        did not. The gate asks whether something is there and not what it is. `HTTPBearer` and \
        `OAuth2PasswordBearer` of FastAPI do just that: they read the header and verify nothing.",
    broken: "\
from fastapi import Depends, FastAPI
from fastapi.security import HTTPBearer

app = FastAPI()


@app.get(\"/invoices\", dependencies=[Depends(HTTPBearer())])
def invoices() -> list[str]:
    return [\"2026-001\"]
",
    fixed: "\
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

app = FastAPI()


def known(bearer: HTTPAuthorizationCredentials = Depends(HTTPBearer())) -> None:
    if bearer.credentials != \"of-ada\":
        raise HTTPException(401)


@app.get(\"/invoices\", dependencies=[Depends(known)])
def invoices() -> list[str]:
    return [\"2026-001\"]
",
};

/// A token that no issuer made passes.
pub const ACCEPTS_FORGED: Rule = Rule {
    id: "accepts-forged",
    severity: Severity::Error,
    title: "A gate accepts tokens that no issuer made",
    explanation: "A token was accepted that the probe made itself: without a signature, with another one, \
        signed with a fresh key, with a key that the token brings along, or with a secret that stands in \
        somebody's documentation. Whoever can make such a token is whoever they say they are. The finding \
        names how the token was made.\n\n\
        Forged tokens that are also expired, not valid yet, or for another audience or issuer are named so. \
        They show that signatures are not verified, and nothing about the claims.",
    broken: "\
import base64
import json

from fastapi import Depends, FastAPI, HTTPException, Request

app = FastAPI()


def user(request: Request) -> str:
    try:
        payload = request.headers[\"authorization\"].split(\".\")[1]
        return json.loads(base64.urlsafe_b64decode(payload + \"==\"))[\"sub\"]
    except (KeyError, IndexError, ValueError):
        raise HTTPException(401) from None


@app.get(\"/me\")
def me(user: str = Depends(user)) -> str:
    return user
",
    fixed: "\
import os

import jwt
from fastapi import Depends, FastAPI, HTTPException, Request

app = FastAPI()
SECRET = os.urandom(32)


def user(request: Request) -> str:
    try:
        token = request.headers[\"authorization\"].removeprefix(\"Bearer \")
        return jwt.decode(token, SECRET, algorithms=[\"HS256\"])[\"sub\"]
    except (KeyError, jwt.InvalidTokenError):
        raise HTTPException(401) from None


@app.get(\"/me\")
def me(user: str = Depends(user)) -> str:
    return user
",
};

/// Expired credentials pass.
pub const ACCEPTS_EXPIRED: Rule = Rule {
    id: "accepts-expired",
    severity: Severity::Error,
    title: "A gate accepts a credential that has expired",
    explanation: "An identity of the probe file whose credential has expired got in. A token that was \
        stolen once then works for ever.",
    broken: "claims = jwt.decode(token, KEY, algorithms=[\"ES256\"], options={\"verify_exp\": False})\n",
    fixed: "claims = jwt.decode(token, KEY, algorithms=[\"ES256\"], options={\"require\": [\"exp\"]})\n",
};

/// Credentials for others pass.
pub const ACCEPTS_FOREIGN: Rule = Rule {
    id: "accepts-foreign",
    severity: Severity::Error,
    title: "A gate accepts a credential that is meant for another application",
    explanation: "An identity of the probe file whose credential is for another audience got in. Whoever \
        runs the other application can use every token that its users bring, here.",
    broken: "claims = jwt.decode(token, KEY, algorithms=[\"ES256\"], options={\"verify_aud\": False})\n",
    fixed: "claims = jwt.decode(token, KEY, algorithms=[\"ES256\"], audience=\"https://api.example.com\")\n",
};

/// Revoked identities pass.
pub const ACCEPTS_REVOKED: Rule = Rule {
    id: "accepts-revoked",
    severity: Severity::Error,
    title: "A gate accepts somebody who was revoked",
    explanation: "An identity of the probe file that was signed out, disabled or deleted still got in. The \
        gate believes the credential until it expires and asks nobody whether it still counts.",
    broken: "\
def user(token: str) -> str:
    return jwt.decode(token, KEY, algorithms=[\"ES256\"])[\"sub\"]
",
    fixed: "\
@app.get(\"/me\")
def me(user: User = Depends(gate.user())) -> str:  # Sealgate's gate follows the revocation feed.
    return user.id
",
};

/// Lost roles count.
pub const ACCEPTS_DEMOTED: Rule = Rule {
    id: "accepts-demoted",
    severity: Severity::Error,
    title: "A gate accepts a role that was taken away",
    explanation: "An identity of the probe file that has lost a role or scope got in where that is asked \
        for. The gate believes what the credential said when it was made.",
    broken: "\
def admin(claims: Claims = Depends(claims)) -> None:
    if \"admin\" not in claims.roles:  # As they were when the token was made.
        raise HTTPException(403)
",
    fixed: "\
def admin(claims: Claims = Depends(claims)) -> None:
    if \"admin\" not in roles_now(claims.sub):
        raise HTTPException(403)
",
};

/// Tenants see each other.
pub const CROSSES_TENANTS: Rule = Rule {
    id: "crosses-tenants",
    severity: Severity::Error,
    title: "Somebody of one tenant gets what belongs to another",
    explanation: "An identity of the probe file that belongs to another tenant was answered with success. \
        The gate knows who calls, and nothing compares that with whom the thing belongs to. An answer of \
        404 is as good as a denial where the owner is seen to get the same thing.",
    broken: "\
@app.get(\"/tenants/{tenant}/invoices\")
def invoices(tenant: str, user: User = Depends(user)) -> list[Invoice]:
    return invoices_of(tenant)
",
    fixed: "\
@app.get(\"/tenants/{tenant}/invoices\")
def invoices(tenant: str, user: User = Depends(user)) -> list[Invoice]:
    if user.tenant != tenant:
        raise HTTPException(403)
    return invoices_of(tenant)
",
};
