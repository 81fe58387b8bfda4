"""The issuer tells an application that a session ended: the gate answers, the application is not asked."""

from __future__ import annotations

import asyncio
import json
import secrets
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import sealgate.bodies
from asgi_kit import Answer, Message, http_scope, request
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fastapi import FastAPI
from sealgate import Gate
from unreachable import SETTINGS

PATH = "/auth/backchannel-logout"
FORM = ("content-type", "application/x-www-form-urlencoded")
EVENT = "http://schemas.openid.net/event/backchannel-logout"


def b64(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


class Issuer:
    """An issuer with a key, that answers for its metadata and its key set."""

    def __init__(self) -> None:
        self.key = Ed25519PrivateKey.generate()
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = json.dumps(issuer.documents().get(self.path, {})).encode()
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                """Says nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def documents(self) -> dict[str, Any]:
        public = self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        key = {"kty": "OKP", "crv": "Ed25519", "x": b64(public), "kid": "k1", "alg": "EdDSA", "use": "sig"}
        metadata = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/jwks",
        }
        return {"/.well-known/openid-configuration": metadata, "/jwks": {"keys": [key]}}

    def token(self, **change: Any) -> str:
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": self.url,
            "aud": "tests",
            "iat": now,
            "exp": now + 120,
            "jti": secrets.token_urlsafe(),
            "sub": "ada",
            "sid": "a session",
            "events": {EVENT: {}},
            **change,
        }
        header = {"alg": "EdDSA", "kid": "k1", "typ": "logout+jwt"}
        signed = ".".join(b64(json.dumps(part).encode()) for part in (header, claims))
        return f"{signed}.{b64(self.key.sign(signed.encode()))}"

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    issuer = Issuer()
    yield issuer
    issuer.stop()


@pytest.fixture
def app(issuer: Issuer) -> Iterator[FastAPI]:
    settings: dict[str, Any] = {**SETTINGS, "issuer": issuer.url}
    gate = Gate(**settings)
    app = FastAPI()

    @app.post(PATH)
    async def never() -> str:
        raise AssertionError("the path is the gate's")

    gate.install(app)
    yield app
    gate._core.stop()  # pyright: ignore[reportPrivateUsage]


async def tell(app: FastAPI, body: str, *headers: tuple[str, str]) -> Answer:
    return await request(app, "POST", PATH, headers or [FORM], body.encode())


async def test_a_logout_token_is_answered_by_the_gate_and_taken_once(app: FastAPI, issuer: Issuer) -> None:
    token = issuer.token()
    answer = await tell(app, f"logout_token={token}")
    assert (answer.status, answer.body, answer.header("cache-control")) == (200, b"", "no-store")
    answer = await tell(app, f"logout_token={token}")
    assert (answer.status, answer.reason) == (400, "logout_token_replayed")
    assert answer.header("cache-control") == "no-store"
    assert json.loads(answer.body)["error"] == "invalid_request"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"iss": "http://127.0.0.1:9"}, "logout_token_misdirected"),
        ({"aud": ["tests", "others"]}, "logout_token_misdirected"),
        ({"exp": 1}, "logout_token_expired"),
        ({"nonce": None}, "logout_token_malformed"),
        ({"sub": None}, "logout_token_invalid"),
        ({"events": {}}, "logout_token_invalid"),
    ],
)
async def test_a_token_with_a_wrong_claim_is_refused(
    app: FastAPI, issuer: Issuer, change: dict[str, Any], reason: str
) -> None:
    answer = await tell(app, f"logout_token={issuer.token(**change)}")
    assert (answer.status, answer.reason) == (400, reason)


async def test_no_more_of_a_body_is_read_than_a_token_needs(app: FastAPI) -> None:
    answer = await tell(app, "logout_token=" + "a" * 200_000)
    assert (answer.status, answer.reason) == (400, "logout_request_malformed")
    assert answer.received == 1, "the first piece is too long already"
    answer = await tell(app, "logout_token=a", FORM, ("content-length", "17409"))
    assert (answer.status, answer.reason, answer.received) == (400, "logout_request_malformed", 0)
    answer = await tell(app, "{}", ("content-type", "application/json"))
    assert (answer.status, answer.reason, answer.received) == (400, "logout_request_malformed", 0)


async def test_a_body_in_pieces_is_put_together(app: FastAPI, issuer: Issuer) -> None:
    body = f"logout_token={issuer.token()}".encode()
    pieces = [body[at : at + 7] for at in range(0, len(body), 7)]
    messages: list[Message] = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    messages.append({"type": "http.request"})
    answer = Answer()

    async def receive() -> Message:
        return messages.pop(0)

    async def send(message: Message) -> None:
        answer.messages.append(message)

    await app(http_scope("POST", PATH, [FORM]), receive, send)
    assert answer.status == 200
    assert messages == []


async def test_a_body_that_does_not_arrive_is_refused(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealgate.bodies, "_SECONDS", 0.0)
    answer = Answer()

    async def receive() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Message) -> None:
        answer.messages.append(message)

    await app(http_scope("POST", PATH, [FORM]), receive, send)
    assert (answer.status, answer.reason) == (400, "logout_request_malformed")


async def test_another_method_is_told_the_right_one(app: FastAPI) -> None:
    answer = await request(app, "GET", PATH)
    assert (answer.status, answer.header("allow")) == (405, "POST")
