"""A provider tells a gate that its user signed out (OpenID Connect Back-Channel Logout 1.0, 2.5)."""

from __future__ import annotations

import json
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlencode

import httpx
from lab import Application, Browser, Client, ControlPlane, Process, free_port, settings, sign_in, wait_until

from interop.node import node

HERE = Path(__file__).resolve().parent
CHALLENGE = {"code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "code_challenge_method": "S256"}
TOLD = "/auth/backchannel-logout"


def gated(folder: Path, port: int, issuer: str, client: Client) -> Application:
    seal_key = urlsafe_b64encode(secrets.token_bytes(32)).decode()
    env: Mapping[str, str] = settings(issuer, client, f"http://127.0.0.1:{port}", seal_key)
    return Application("gated:app", port=port, folder=folder, env=env, app_dir=HERE, name="gated")


def answers(app: Application) -> list[int]:
    return list(httpx.get(f"{app.url}/answers", timeout=10).json())


def test_oidc_providers_logout_token_is_taken(tmp_path: Path) -> None:
    port, peer_port = free_port(), free_port()
    app_url, issuer = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{peer_port}"
    client = Client("gated", secrets.token_urlsafe(32))
    registered = {
        "client_id": client.id,
        "client_secret": client.secret,
        "redirect_uris": [f"{app_url}/auth/callback"],
        "backchannel_logout_uri": app_url + TOLD,
        "backchannel_logout_session_required": True,
    }
    told = tmp_path / "peer.json"
    told.write_text(json.dumps({"port": peer_port, "client": registered}))
    command = [node(), str(HERE / "logout_peer.mjs"), str(told)]
    with Process("oidc-provider", command, log=tmp_path / "peer.log") as peer:
        wait_until(lambda: "ready" in peer.tail(), "oidc-provider")
        callback = f"{app_url}/auth/callback"
        with gated(tmp_path, port, issuer, client) as app, Browser(until=callback) as browser:
            # The gate itself signs nobody in here: nobody told it that this issuer has no revocation feed.
            asked = {"client_id": client.id, "response_type": "code", "scope": "openid", **CHALLENGE}
            page = browser.open(f"{issuer}/auth?{urlencode({**asked, 'redirect_uri': callback})}")
            assert page.url.startswith(callback), page.text
            page = browser.open(f"{issuer}/session/end")
            browser.submit(page, page.form("logout"), {"logout": "yes"})
            wait_until(lambda: answers(app) == [200], f"the logout; it was answered with {answers(app)}")


def test_the_control_planes_own_logout_token_is_taken(tmp_path: Path) -> None:
    port = free_port()
    app_url = f"http://127.0.0.1:{port}"
    with ControlPlane(tmp_path) as plane:
        user = plane.add_user("ada@example.com", "Ada")
        registered = plane.register(
            {
                "name": "gated",
                "kind": "confidential",
                "redirect_uris": [f"{app_url}/auth/callback"],
                "scopes": ["openid", "profile", "email"],
                "backchannel_logout_uri": app_url + TOLD,
            }
        )
        client = Client(registered["client"]["id"], registered["secret"])
        with gated(tmp_path, port, plane.issuer, client) as app, Browser() as browser:
            page = sign_in(browser, f"{app.url}/auth/login?return_to=/answers", user.email, user.password)
            assert (page.status, page.text) == (200, "[]"), page.text
            cookie = browser.session_cookie(app.url)
            assert httpx.get(f"{app.url}/closed", cookies=cookie).status_code == 200
            (session,) = plane.cli("session", "list", "--user", user.email)
            plane.cli("session", "revoke", session["id"])
            wait_until(lambda: answers(app) == [200], f"the logout; it was answered with {answers(app)}")
            answer = httpx.get(f"{app.url}/closed", cookies=cookie)
            assert (answer.status_code, answer.json()["reason"]) == (401, "session_revoked")
