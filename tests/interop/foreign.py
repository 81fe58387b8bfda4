"""A provider that is no Sealgate, an application behind the gate in front of it, and their tokens."""

from __future__ import annotations

import json
import secrets
import time
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Self

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from lab import Application, Browser, Client, Process, free_port, settings, wait_until

from interop.node import node

HERE = Path(__file__).resolve().parent
API = "https://api.example"
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = {"code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "code_challenge_method": "S256"}
ELSEWHERE = "http://127.0.0.1:1/callback"


def part(value: bytes) -> str:
    """Base64url without padding."""
    return urlsafe_b64encode(value).rstrip(b"=").decode()


@dataclass(frozen=True)
class Answer:
    """What the application, or the gate for it, answered."""

    status: int
    body: Any
    headers: httpx.Headers

    @property
    def reason(self) -> str | None:
        """The gate's reason, if it refused."""
        problem = self.headers["content-type"] == "application/problem+json"
        return str(self.body["reason"]) if problem else None


class ProofKey:
    """A key that a token is bound to (RFC 9449)."""

    def __init__(self) -> None:
        """Makes one."""
        self._key = ec.generate_private_key(ec.SECP256R1())
        numbers = self._key.public_key().public_numbers()
        x, y = (part(number.to_bytes(32, "big")) for number in (numbers.x, numbers.y))
        self._jwk = {"kty": "EC", "crv": "P-256", "x": x, "y": y}

    def proof(self, method: str, url: str, *, token: str | None = None, nonce: str | None = None) -> str:
        """Proves for one request that its sender holds the key."""
        claims: dict[str, object] = {
            "htm": method,
            "htu": url,
            "iat": int(time.time()),
            "jti": str(uuid.uuid4()),
        }
        if token is not None:
            claims["ath"] = part(sha256(token.encode()).digest())
        if nonce is not None:
            claims["nonce"] = nonce
        headers = {"typ": "dpop+jwt", "jwk": self._jwk}
        return jwt.encode(claims, self._key, algorithm="ES256", headers=headers)


class House:
    """The provider, and what is registered there."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        """Starts the provider; `stack` ends it."""
        self.port, self.app_port = free_port(), free_port()
        self.issuer = f"http://127.0.0.1:{self.port}"
        self.app_url = f"http://127.0.0.1:{self.app_port}"
        self.app = Client("gated", secrets.token_urlsafe(32))
        self.caller = Client("caller", secrets.token_urlsafe(32))
        clients = [
            {
                "client_id": self.app.id,
                "client_secret": self.app.secret,
                "grant_types": ["authorization_code", "refresh_token"],
                "redirect_uris": [f"{self.app_url}/auth/callback"],
                "post_logout_redirect_uris": [f"{self.app_url}/health"],
                "backchannel_logout_uri": f"{self.app_url}/auth/backchannel-logout",
                "backchannel_logout_session_required": True,
            },
            {
                "client_id": self.caller.id,
                "client_secret": self.caller.secret,
                "grant_types": ["authorization_code", "client_credentials"],
                "redirect_uris": [ELSEWHERE],
            },
        ]
        told = folder / "peer.json"
        told.write_text(json.dumps({"port": self.port, "clients": clients, "access_seconds": 2}))
        command = [node(), str(HERE / "foreign_peer.mjs"), str(told)]
        peer = stack.enter_context(Process("oidc-provider", command, log=folder / "peer.log"))
        wait_until(lambda: "ready" in peer.tail(), "oidc-provider")
        self._seal_key = part(secrets.token_bytes(32))
        self._folder = folder

    def control(self, **change: Any) -> dict[str, Any]:
        """Changes the provider, and tells how it stands."""
        answer = httpx.post(f"{self.issuer}/control", json=change, timeout=10)
        told: dict[str, Any] = answer.raise_for_status().json()
        return told

    def mint(self, header: Mapping[str, object], **claims: object) -> str:
        """A token that the provider signed and that says anything."""
        now = int(time.time())
        good = {
            "iss": self.issuer,
            "aud": API,
            "sub": self.caller.id,
            "client_id": self.caller.id,
            "jti": str(uuid.uuid4()),
            "iat": now,
            "exp": now + 60,
            "scope": "api:read",
        }
        minted: str = self.control(mint={"header": header, "claims": good | claims})["token"]
        return minted

    def gated(self, *, port: int | None = None, **more: str) -> Application:
        """The application, behind a gate that knows the provider as a plain OpenID provider."""
        port = port or self.app_port
        env = settings(self.issuer, self.app, f"http://127.0.0.1:{port}", self._seal_key)
        env |= {
            "SEALGATE_PROVIDER": "openid",
            "SEALGATE_SCOPES": "openid profile email offline_access",
            "SEALGATE_AUDIENCES": API,
            "SEALGATE_AFTER_LOGOUT": "/health",
        }
        return Application(
            "foreign_app:app",
            port=port,
            folder=self._folder,
            env=env | more,
            app_dir=HERE,
            name=f"application-{port}",
        )

    def _token(self, data: Mapping[str, str], key: ProofKey | None = None) -> dict[str, Any]:
        url = f"{self.issuer}/token"
        headers = {"DPoP": key.proof("POST", url)} if key else {}
        auth = (self.caller.id, self.caller.secret)
        answer = httpx.post(url, data=data, headers=headers, auth=auth, timeout=10)
        assert answer.status_code == 200, answer.text
        granted: dict[str, Any] = answer.json()
        return granted

    def machine_token(self, *, resource: str = API, key: ProofKey | None = None) -> str:
        """A token that the client got for itself."""
        data = {"grant_type": "client_credentials", "resource": resource, "scope": "api:read"}
        token: str = self._token(data, key)["access_token"]
        return token

    def user_tokens(self) -> dict[str, Any]:
        """What the client got for a user who signed in to it: an access token and an ID token."""
        asked = {
            "client_id": self.caller.id,
            "response_type": "code",
            "scope": "openid api:read",
            "resource": API,
            "redirect_uri": ELSEWHERE,
            **CHALLENGE,
        }
        with Browser(until=ELSEWHERE) as browser:
            page = browser.open(str(httpx.URL(f"{self.issuer}/auth", params=asked)))
        code = httpx.URL(page.url).params["code"]
        data = {"grant_type": "authorization_code", "code": code, "redirect_uri": ELSEWHERE}
        return self._token({**data, "code_verifier": VERIFIER, "resource": API})


class Caller:
    """A program that calls the application, with one token or another."""

    def __init__(self, url: str) -> None:
        """Calls the application at `url`."""
        self.url = url
        self._http = httpx.Client(timeout=10)

    def bearer(self, path: str, token: str) -> Answer:
        """With a bearer token."""
        return self._get(path, {"authorization": f"Bearer {token}"})

    def bound(self, path: str, token: str, key: ProofKey, nonce: str | None = None) -> Answer:
        """With a token and a proof of a key."""
        proof = key.proof("GET", f"{self.url}{path}", token=token, nonce=nonce)
        return self._get(path, {"authorization": f"DPoP {token}", "dpop": proof})

    def cookies(self, path: str, cookies: Mapping[str, str]) -> Answer:
        """With a browser's cookies."""
        jar = "; ".join(f"{name}={value}" for name, value in cookies.items())
        return self._get(path, {"cookie": jar})

    def _get(self, path: str, headers: Mapping[str, str]) -> Answer:
        answer = self._http.get(f"{self.url}{path}", headers={"accept": "application/json", **headers})
        return Answer(answer.status_code, answer.json(), answer.headers)

    def close(self) -> None:
        """Closes its connections."""
        self._http.close()

    def __enter__(self) -> Self:
        """Is the caller itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Closes it."""
        self.close()
