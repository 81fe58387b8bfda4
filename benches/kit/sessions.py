"""Sessions at the control plane, begun as applications begin them: a sign-in, a code, its tokens."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Sequence
from urllib.parse import parse_qs, urlencode, urlsplit

from lab import Browser, Client, ControlPlane

APPLICATION = "http://127.0.0.1:9"
"""Where codes are sent: nobody listens there, because they are read from the redirect."""

SCOPES = "openid offline_access"


def begin(plane: ControlPlane, client: Client, number: int) -> Sequence[str]:
    """The refresh tokens of so many new sessions of one new user, in an application at APPLICATION."""
    user = plane.add_user(f"{secrets.token_hex(4)}@example.com", "Grace Hopper")
    with Browser() as browser:
        page = browser.open(f"{plane.issuer}/sign-in")
        filled_in = {"email": user.email, "password": user.password}
        page = browser.submit(page, page.form("password"), filled_in)
        if page.status != 200 or not page.url.endswith("/account"):
            raise RuntimeError(f"signing in ended with {page.status} at {page.url}: {page.text[:500]}")
        return [_session(browser, plane, client) for _ in range(number)]


def _session(browser: Browser, plane: ControlPlane, client: Client) -> str:
    verifier = secrets.token_urlsafe(32)
    digest = hashlib.sha256(verifier.encode()).digest()
    callback = f"{APPLICATION}/auth/callback"
    query = {
        "response_type": "code",
        "client_id": client.id,
        "redirect_uri": callback,
        "scope": SCOPES,
        "state": secrets.token_urlsafe(8),
        "nonce": secrets.token_urlsafe(8),
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }
    answer = browser.http.get(f"{plane.issuer}/oauth/authorize?{urlencode(query)}")
    parameters = parse_qs(urlsplit(answer.headers.get("location", "")).query)
    if "code" not in parameters:
        raise RuntimeError(f"no code, but {answer.status_code}: {answer.text[:500]}{answer.headers}")
    form = {
        "grant_type": "authorization_code",
        "code": parameters["code"][0],
        "redirect_uri": callback,
        "code_verifier": verifier,
    }
    answer = browser.http.post(f"{plane.issuer}/oauth/token", data=form, auth=(client.id, client.secret))
    if answer.status_code != 200:
        raise RuntimeError(f"no tokens, but {answer.status_code}: {answer.text[:500]}")
    return str(answer.json()["refresh_token"])
