"""The WorkOS SDK's way: `load_sealed_session(...).authenticate()` on a session that its own helper sealed.

The signing key's set is served on loopback and stays in the SDK's cache, as in a warm application.
"""

from __future__ import annotations

import json
import sys
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import jwt
import rounds
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.asymmetric import rsa
from workos import WorkOSClient
from workos.session import seal_session_from_auth_response

_CLIENT_ID = "client_01J8Z4Q5W6E7R8T9Y0V1N2M3K4"
_KID = "sso_oidc_key_pair_01J8Z4Q5W6E7R8T9Y0V1N2M3K4"
_USER = {
    "object": "user",
    "id": "user_01J8Z4Q5W6E7R8T9Y0V1N2M3K4",
    "email": "ada.lovelace@example.com",
    "first_name": "Ada",
    "last_name": "Lovelace",
    "email_verified": True,
    "profile_picture_url": None,
    "last_sign_in_at": "2026-11-01T08:00:00.000Z",
    "created_at": "2026-01-01T08:00:00.000Z",
    "updated_at": "2026-11-01T08:00:00.000Z",
    "external_id": None,
}


def main() -> None:
    """Makes a key, a token and a sealed session, checks them with the SDK, then serves rounds."""
    rounds.configuration()
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    base_url = _serve_keys(key)
    client = WorkOSClient(api_key="sk_test_bench", client_id=_CLIENT_ID, base_url=base_url)
    password = Fernet.generate_key().decode()
    sealed = seal_session_from_auth_response(
        access_token=_access_token(key, base_url),
        refresh_token="r" * 26,
        user=_USER,
        cookie_password=password,
    )

    def authenticate() -> object:
        session = client.user_management.load_sealed_session(session_data=sealed, cookie_password=password)
        answer = session.authenticate()
        if not answer.authenticated:
            sys.exit(f"the SDK refused the session: {answer!r}")
        return answer

    user = getattr(authenticate(), "user", None)
    if user != _USER:
        sys.exit("the SDK names another user")
    rounds.serve(authenticate)


def _access_token(key: rsa.RSAPrivateKey, base_url: str) -> str:
    """A token with the claims that the SDK's documentation shows, good for an hour."""
    now = int(time.time())
    claims = {
        "iss": base_url,
        "sub": _USER["id"],
        "sid": "session_01J8Z4Q5W6E7R8T9Y0V1N2M3K4",
        "jti": str(uuid.uuid4()),
        "org_id": "org_01J8Z4Q5W6E7R8T9Y0V1N2M3K4",
        "role": "member",
        "roles": ["member"],
        "permissions": ["expenses:read", "expenses:write"],
        "entitlements": [],
        "feature_flags": [],
        "auth_time": now,
        "iat": now,
        "exp": now + 3600,
    }
    return jwt.encode(claims, key, algorithm="RS256", headers={"kid": _KID})


def _serve_keys(key: rsa.RSAPrivateKey) -> str:
    """Serves the key set on loopback from a thread that otherwise sleeps; its base URL."""
    public: dict[str, Any] = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    body = json.dumps({"keys": [{**public, "alg": "RS256", "use": "sig", "kid": _KID}]}).encode()

    class Keys(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = HTTPServer(("127.0.0.1", 0), Keys)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}/"


main()
