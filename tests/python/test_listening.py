"""What another identity system tells the control plane ends sessions at an application's gate."""

from __future__ import annotations

import json
import secrets
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from lab import Application, Browser, ControlPlane, free_port, settings, sign_in, wait_until

_EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "expense_tracker"
_CAEP = "https://schemas.openid.net/secevent/caep/event-type"


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


class IdentitySystem:
    """Signs with a key of its own, with nothing of ours, and publishes it."""

    issuer = "https://idp.corp.example"

    def __init__(self) -> None:
        """Starts it."""
        self._key = rsa.generate_private_key(65537, 2048)
        numbers = self._key.public_key().public_numbers()
        n = _text(numbers.n.to_bytes(256, "big"))
        jwk = {"kty": "RSA", "kid": "corp-1", "alg": "RS256", "use": "sig", "n": n, "e": "AQAB"}
        body = json.dumps({"keys": [jwk]}).encode()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.jwks_uri = f"http://127.0.0.1:{self._server.server_port}/jwks"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def sign(self, kind: str, claims: dict[str, Any]) -> str:
        """A JWT of that type."""
        header = {"alg": "RS256", "kid": "corp-1", "typ": kind}
        parts = [_text(json.dumps(part).encode()) for part in (header, claims)]
        signature = self._key.sign(".".join(parts).encode(), padding.PKCS1v15(), SHA256())
        return ".".join([*parts, _text(signature)])

    def event(self, audience: str, email: str, event: str) -> str:
        """A security event about an address."""
        claims = {
            "iss": self.issuer,
            "aud": audience,
            "iat": int(time.time()),
            "jti": secrets.token_urlsafe(16),
            "sub_id": {"format": "email", "email": email},
            "events": {f"{_CAEP}/{event}": {"event_timestamp": int(time.time())}},
        }
        return self.sign("secevent+jwt", claims)

    def stop(self) -> None:
        """Ends it."""
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def corp() -> Iterator[IdentitySystem]:
    system = IdentitySystem()
    yield system
    system.stop()


def test_a_session_ends_at_the_gate_when_another_identity_system_says_so(
    corp: IdentitySystem, tmp_path: Path
) -> None:
    with ControlPlane(tmp_path) as plane:
        ada = plane.add_user("ada@corp.example", "Ada")
        eve = plane.add_user("eve@elsewhere.example", "Eve")
        base_url = f"http://127.0.0.1:{(port := free_port())}"
        client = plane.add_client("Expense tracker", base_url)
        env = settings(plane.issuer, client, base_url, secrets.token_urlsafe(32))
        env |= {"EXPENSES_DATABASE": str(tmp_path / "expenses.db")}
        made = plane.cli(
            *("signal", "transmitter", "add", corp.issuer, "Corporate directory"),
            *("--jwks-uri", corp.jwks_uri, "--domain", "Corp.example", "--push-secret"),
        )
        app = Application("expense_tracker.app:app", port=port, folder=tmp_path, env=env, app_dir=_EXAMPLE)
        with app:
            cookies: list[dict[str, str]] = []
            for user in (ada, eve):
                with Browser() as browser:
                    assert sign_in(browser, f"{app.url}/app", user.email, user.password).status == 200
                    cookies.append(browser.session_cookie(app.url))

            def answers() -> list[int]:
                return [httpx.get(f"{app.url}/expenses", cookies=cookie).status_code for cookie in cookies]

            def push(token: str, secret: str = made["secret"]) -> int:
                headers = {"content-type": "application/secevent+jwt", "authorization": f"Bearer {secret}"}
                return httpx.post(made["push_url"], content=token, headers=headers).status_code

            assert answers() == [200, 200]
            ended = corp.event(made["audience"], ada.email, "session-revoked")
            assert push(ended, "wrong") == 401
            # Nobody is believed about somebody else's people.
            assert push(corp.event(made["audience"], eve.email, "session-revoked")) == 202
            assert answers() == [200, 200]
            assert push(ended) == 202
            wait_until(lambda: answers()[0] == 401, "the gate to refuse", 5)
            assert answers() == [401, 200]

            # The event told whole seconds and ended all that began in its own.
            told = int(time.time())
            wait_until(lambda: time.time() >= told + 1, "that second to be over", 5)

            # The same by global token revocation, for whoever signed in again.
            with Browser() as browser:
                assert sign_in(browser, f"{app.url}/app", ada.email, ada.password).status == 200
                cookies[0] = browser.session_cookie(app.url)
            assert answers() == [200, 200]
            endpoint = httpx.get(f"{plane.issuer}/.well-known/openid-configuration").json()[
                "global_token_revocation_endpoint"
            ]
            now = int(time.time())
            claims = {"iss": corp.issuer, "aud": endpoint, "iat": now, "exp": now + 60, "jti": "once"}
            credential = corp.sign("global-token-revocation+jwt", claims)
            headers = {"authorization": f"Bearer {credential}"}
            about = {"sub_id": {"format": "email", "email": ada.email}}
            assert httpx.post(endpoint, json=about, headers=headers).status_code == 204
            wait_until(lambda: answers()[0] == 401, "the gate to refuse", 5)
            assert answers() == [401, 200]
            assert httpx.post(endpoint, json=about, headers=headers).status_code == 401
