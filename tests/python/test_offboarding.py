"""A service account is offboarded: what it has ends everywhere within B, and the proof agrees."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from delegation_kit import ACCESS_TOKEN, BOUND, CODE, EXCHANGE, Ask, Town, in_words, refused, town
from lab import Client
from sealgate.testing.control_plane import program
from sessions import Realm

DOOR = "https://robot.example"
"""What the machine serves, so that it may act for whoever has a token for it."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, realm: Realm) -> Iterator[Town]:
    """Two services in three processes. `realm` finds the program."""
    assert realm.plane.port
    with town(tmp_path_factory.mktemp("offboarding"), ("b", "c")) as place:
        yield place


def part(value: bytes) -> str:
    """Base64url without padding."""
    return urlsafe_b64encode(value).rstrip(b"=").decode()


@dataclass
class Robot:
    """A service account with a key of its own."""

    place: Town
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    def register(self) -> None:
        """Registers it for both services, and as the server of a resource."""
        plane, services = self.place.plane, self.place.services
        jwk = {
            "kty": "OKP",
            "crv": "Ed25519",
            "kid": "1",
            "x": part(self.key.public_key().public_bytes_raw()),
        }
        plane.administer(
            "POST",
            "/machines",
            {
                "id": "robot",
                "owner": "platform@example.com",
                "purpose": "Sorts what came in overnight",
                "expires_at": int(time.time() + 86_400) * 1000,
                "grants": ["client_credentials", EXCHANGE],
                "scopes": ["work"],
                "resources": [services["b"].url, services["c"].url],
                "jwks": {"keys": [jwk]},
            },
        )
        plane.cli("resource", "add", DOOR, "Robot", "--client", "robot", "--scope", "work=Work")

    def ask(self, form: dict[str, str]) -> httpx.Response:
        """Asks the token endpoint, with an assertion."""
        issuer, now = self.place.plane.issuer, int(time.time())
        header = {"alg": "EdDSA", "typ": "client-authentication+jwt", "kid": "1"}
        said = {"iss": "robot", "sub": "robot", "aud": issuer, "exp": now + 60, "iat": now}
        body = said | {"jti": secrets.token_urlsafe(16)}
        text = ".".join(part(json.dumps(one).encode()) for one in (header, body))
        signed = f"{text}.{part(self.key.sign(text.encode()))}"
        kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        proof = {"client_assertion_type": kind, "client_assertion": signed}
        return self.place.http.post(f"{issuer}/oauth/token", data=form | proof)

    def own(self, name: str) -> str:
        """A token for itself at a service."""
        answer = self.ask({"grant_type": "client_credentials", "resource": self.place.services[name].url})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def acting(self, token: str, name: str) -> str:
        """A token with which it acts for a user at a service."""
        form = {"grant_type": EXCHANGE, "subject_token_type": ACCESS_TOKEN, "subject_token": token}
        answer = self.ask({**form, "resource": self.place.services[name].url})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])


class Stream:
    """A connection that lasts, and how long it did."""

    def __init__(self, url: str, token: str) -> None:
        """Opens it, and waits for its first word."""
        self.ended: float | None = None
        self._begun = threading.Event()
        headers = {"authorization": f"Bearer {token}"}

        def follow() -> None:
            try:
                with httpx.stream("GET", f"{url}/stream", headers=headers, timeout=20) as answer:
                    assert answer.status_code == 200
                    for _ in answer.iter_bytes():
                        self._begun.set()
            except httpx.RemoteProtocolError:
                pass  # It was broken off.
            self.ended = time.monotonic()

        self._thread = threading.Thread(target=follow, daemon=True)
        self._thread.start()
        assert self._begun.wait(10), "the stream says nothing"

    def lasted(self, since: float) -> int:
        """For how many milliseconds it still did."""
        self._thread.join(BOUND + 2)
        assert self.ended is not None, "the stream goes on"
        return round((self.ended - since) * 1000)


def offboard(place: Town) -> dict[str, Any]:
    """Runs the command, and gives its document."""
    env = {**os.environ, "SEALGATE_DATA_DIR": str(place.plane.data_dir)}
    command = [program(), "machine", "offboard", "robot", "--yes", "--wait=20", "--json"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_offboarding_ends_tokens_delegations_and_streams_everywhere_and_proves_it(
    place: Town, record_property: Callable[[str, object], None]
) -> None:
    robot = Robot(place)
    robot.register()
    b, c = place.services["b"], place.services["c"]
    # Somebody signs in to an application that sends the robot a token of theirs.
    back = ["--redirect-uri", "http://127.0.0.1:9/callback"]
    options = [*CODE, "--id", "desk", "--resource", DOOR, "--resource", c.url, *back]
    added = place.plane.cli("client", "add", "Desk", "--scope", "work", *options)
    desk = Client(added["client"]["id"], added["secret"])
    sent = place.code_flow(desk, place.ada, DOOR)["access_token"]
    users_own = place.code_flow(desk, place.ada, c.url)["access_token"]

    own_b, own_c, acting = robot.own("b"), robot.own("c"), robot.acting(sent, "c")
    seen = place.ask(b.url, own_b).json()
    assert (seen["kind"], seen["id"]) == ("Machine", "robot")
    seen = place.ask(c.url, acting).json()
    assert (seen["kind"], seen["via"]) == ("User", ["robot", "desk"][: len(seen["via"])])
    assert seen["via"][0] == "robot"
    streams = {"stream of its own": Stream(c.url, own_c), "stream for the user": Stream(c.url, acting)}

    def present(url: str, token: str) -> Ask:
        return lambda: place.ask(url, token)

    asked = {f"own at {door}": present(url, own_c) for door, url in c.doors}
    asked |= {f"for the user at {door}": present(url, acting) for door, url in c.doors}
    asked["own at b"] = present(b.url, own_b)
    since = time.monotonic()
    document = offboard(place)
    # The proof came when the command ended: nothing is left to wait for.
    for door, ask in asked.items():
        assert ask().status_code == 401, f"{door} is open after the proof"
    told = refused(asked, since, "token_revoked")
    told |= {name: stream.lasted(since) for name, stream in streams.items()}
    assert max(told.values()) < BOUND * 1000, told
    record_property("offboarding", told)
    print(in_words("offboarding", told))

    receipt = document["receipt"]
    assert receipt["complete"] is True
    assert {gate["gate"]: gate["state"] for gate in receipt["gates"]} == {
        "b-1": "applied",
        "c-1": "applied",
        "c-2": "applied",
    }
    assert all(0 <= gate["delay"] < BOUND * 1000 for gate in receipt["gates"])
    done = document["done"]
    assert done["ended"]["keys"] == 1
    assert done["ended"]["delegations"] == 1
    assert done["served"] == [DOOR]
    assert done["machine"]["state"] == "offboarded"

    # It gets nothing any more, by nothing that it had.
    for form in (
        {"grant_type": "client_credentials", "resource": b.url},
        {
            "grant_type": EXCHANGE,
            "subject_token_type": ACCESS_TOKEN,
            "subject_token": sent,
            "resource": c.url,
        },
    ):
        answer = robot.ask(form)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client"), answer.text
    # The user's own session is nobody else's business.
    assert place.ask(c.url, users_own).status_code == 200
