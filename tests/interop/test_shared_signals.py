"""A receiver of security events that shares no code with the transmitter: push, poll, and a `kill -9`.

There is no library for receivers in Python or JavaScript; joserfc and PyJWT each verify every token.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Empty, Queue
from typing import Any

import httpx
import jwt
import pytest
from joserfc import jwt as jose
from joserfc.jwk import KeySet
from lab import ControlPlane

from interop.load import Crowd

CAEP = "https://schemas.openid.net/secevent/caep/event-type"
SSF = "https://schemas.openid.net/secevent/ssf/event-type"
HEADER = "Bearer of-the-receivers-choosing"


class Receiver:
    """Takes pushed events on a loopback port (RFC 8935); says 503 while it is `down`."""

    def __init__(self) -> None:
        self.events: Queue[str] = Queue()
        self.down = False
        self.refused = threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                sound = (
                    self.headers["content-type"] == "application/secevent+jwt"
                    and self.headers["authorization"] == HEADER
                )
                if receiver.down:
                    receiver.refused.set()
                elif sound:
                    receiver.events.put(body)
                self.send_response(503 if receiver.down else 202 if sound else 400)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/events"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@dataclass
class House:
    """A control plane with a person, a client that people sign in to, and its receiver."""

    plane: ControlPlane
    crowd: Crowd
    receiver: Receiver
    seen: list[str] = field(default_factory=list[str])

    def http(self) -> httpx.Client:
        return httpx.Client(base_url=self.plane.issuer, timeout=40)

    def token(self, http: httpx.Client, scope: str = "ssf.manage ssf.read") -> dict[str, str]:
        web = self.crowd.web
        form = {"grant_type": "client_credentials", "scope": scope}
        answer = http.post("/oauth/token", data=form, auth=(web.id, web.secret or ""))
        assert answer.status_code == 200, answer.text
        return {"authorization": f"Bearer {answer.json()['access_token']}"}

    async def signed_in(self) -> str:
        """A session that has just begun; its id."""
        async with self.crowd.client() as http:
            if not self.crowd.browsers:
                await self.crowd.sign_in(http, self.crowd.users[0])
            await self.crowd.begin(http, self.crowd.browsers[0])
        assert self.crowd.faults == []
        claims = jwt.decode(self.crowd.lines[-1].access, options={"verify_signature": False})
        return str(claims["sid"])

    def revoke(self, session: str) -> None:
        self.plane.administer("POST", f"/sessions/{session}/revoke")

    def verified(self, token: str) -> dict[str, Any]:
        """The claims of a token, as two libraries have them."""
        header = jwt.get_unverified_header(token)
        assert (header["typ"], header["alg"]) == ("secevent+jwt", "RS256")
        with self.http() as http:
            document = http.get("/.well-known/ssf-configuration").json()
            keys = http.get(document["jwks_uri"]).json()
        found = jwt.PyJWKSet.from_dict(keys)[header["kid"]]
        claims: dict[str, Any] = jwt.decode(
            token, found, algorithms=["RS256"], audience=self.crowd.web.id, issuer=self.plane.issuer
        )
        assert jose.decode(token, KeySet.import_key_set(keys), algorithms=["RS256"]).claims == claims
        assert "sub" not in claims
        assert "exp" not in claims
        assert len(claims["events"]) == 1
        return claims

    def next(self, event: str) -> dict[str, Any]:
        """The next event of that type which was pushed; each by its `jti` once."""
        until = time.monotonic() + 30
        while time.monotonic() < until:
            try:
                claims = self.verified(self.receiver.events.get(timeout=1))
            except Empty:
                continue
            if event in claims["events"] and claims["jti"] not in self.seen:
                self.seen.append(claims["jti"])
                return claims
        raise AssertionError(f"no {event} was pushed")


@pytest.fixture
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Everything, with the client registered as a receiver."""
    receiver = Receiver()
    with ControlPlane(tmp_path_factory.mktemp("signals")) as plane:
        crowd = Crowd.on(plane, people=1)
        change = {
            "grants": ["authorization_code", "refresh_token", "client_credentials"],
            "resources": [f"{plane.issuer}/ssf"],
            "scopes": ["ssf.read", "ssf.manage"],
        }
        plane.administer("PATCH", f"/clients/{crowd.web.id}", change)
        yield House(plane, crowd, receiver)
    receiver.stop()


def push(receiver: Receiver) -> dict[str, Any]:
    delivery = {"method": "urn:ietf:rfc:8935", "endpoint_url": receiver.url, "authorization_header": HEADER}
    return {"delivery": delivery}


async def test_events_are_pushed_and_none_is_lost_when_the_control_plane_is_killed(house: House) -> None:
    with house.http() as http:
        manage = house.token(http)
        made = http.post("/ssf/streams", json=push(house.receiver), headers=manage)
        assert made.status_code == 201, made.text
        stream = made.json()["stream_id"]
        asked = {"stream_id": stream, "state": "a state of ours"}
        assert http.post("/ssf/verify", json=asked, headers=manage).status_code == 204
    verification = house.next(f"{SSF}/verification")
    assert verification["events"] == {f"{SSF}/verification": {"state": "a state of ours"}}
    assert verification["sub_id"] == {"format": "opaque", "id": stream}

    session = await house.signed_in()
    began = house.next(f"{CAEP}/session-established")
    assert began["sub_id"]["session"] == {"format": "opaque", "id": session}
    house.revoke(session)
    ended = house.next(f"{CAEP}/session-revoked")
    assert ended["sub_id"] == {
        "format": "complex",
        "user": {"format": "iss_sub", "iss": house.plane.issuer, "sub": ended["sub_id"]["user"]["sub"]},
        "session": {"format": "opaque", "id": session},
    }
    event = ended["events"][f"{CAEP}/session-revoked"]
    assert event["initiating_entity"] == "admin"
    assert event["reason_admin"]["en"]

    # The receiver is down, and the control plane dies as soon as the revocation is acknowledged.
    session = await house.signed_in()
    house.next(f"{CAEP}/session-established")
    house.receiver.down = True
    house.revoke(session)
    house.plane.kill()
    house.plane.restart()
    assert house.receiver.refused.wait(timeout=20)
    house.receiver.down = False
    again = house.next(f"{CAEP}/session-revoked")
    assert again["sub_id"]["session"]["id"] == session
    assert again["jti"] != ended["jti"]
    told = house.plane.administer("GET", f"/signals/streams/{stream}")
    assert (told["status"], told["dropped"]) == ("enabled", 0)


async def test_events_are_polled_and_come_until_they_are_acknowledged(house: House) -> None:
    with house.http() as http:
        manage = house.token(http)
        wanted = {"events_requested": [f"{CAEP}/session-revoked"]}
        made = http.post("/ssf/streams", json=wanted, headers=manage).json()
        assert made["delivery"]["method"] == "urn:ietf:rfc:8936"
        url = made["delivery"]["endpoint_url"]
        read = house.token(http, "ssf.read")

        def poll(**asked: Any) -> dict[str, Any]:
            answer = http.post(url, json=asked, headers=read)
            assert answer.status_code == 200, answer.text
            return dict(answer.json())

        assert poll(returnImmediately=True) == {"sets": {}, "moreAvailable": False}
        session = await house.signed_in()
        waiting: Queue[dict[str, Any]] = Queue()
        thread = threading.Thread(target=lambda: waiting.put(poll()))
        thread.start()
        began = time.monotonic()
        house.revoke(session)
        first = waiting.get(timeout=20)
        thread.join()
        assert time.monotonic() - began < 5
        [(jti, token)] = first["sets"].items()
        claims = house.verified(token)
        assert claims["jti"] == jti
        assert claims["sub_id"]["session"]["id"] == session
        house.plane.kill()
        house.plane.restart()
        assert poll(returnImmediately=True)["sets"].keys() == {jti}
        assert poll(returnImmediately=True, ack=[jti])["sets"] == {}
        refused = http.post("/ssf/streams", json={}, headers=read)
        assert (refused.status_code, refused.json()["reason"]) == (403, "scope_missing")
        assert json.loads(http.get("/ssf/streams", headers=read).text)[0]["stream_id"] == made["stream_id"]
