"""`sealgate.agent` signs in to a server of tools behind the gate, in every way that it knows."""

from __future__ import annotations

import json
import time
from base64 import b64decode, b64encode, urlsafe_b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import load_der_private_key
from lab import Browser, free_port
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from sealgate.agent import AgentAuth, AgentError, DeviceCode, MemoryStore

from interop.agent_world import AgentWorld, agent_world
from interop.person import _answer  # pyright: ignore[reportPrivateUsage]
from interop.world import DEVICE, key_pair

HELLO: dict[str, Any] = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}
HEADERS = {"accept": "application/json, text/event-stream", "mcp-protocol-version": "2025-11-25"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AgentWorld]:
    with agent_world(tmp_path_factory.mktemp("sealgate-agent")) as place:
        yield place


class Person:
    """Somebody at a browser who signs in and agrees."""

    def __init__(self, place: AgentWorld, *, yes: bool = True) -> None:
        self.place = place
        self.yes = yes
        self.redirect_uri = f"http://127.0.0.1:{free_port()}/callback"
        self.asked: list[str] = []

    def sign_in(self, url: str) -> str:
        """Does."""
        self.asked.append(url)
        return self.place.person(url, self.redirect_uri, self.yes)


def claims(token: str) -> dict[str, Any]:
    """What is in a token."""
    part = token.split(" ")[-1].split(".")[1]
    told: dict[str, Any] = json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return told


def kept(store: MemoryStore, place: AgentWorld) -> dict[str, Any]:
    """What the store keeps of the session."""
    value = store.load(place.server)
    assert value is not None
    session: dict[str, Any] = json.loads(value)
    return session


async def use(place: AgentWorld, auth: AgentAuth) -> str:
    """Lists, writes and lists again with the official client."""
    http = httpx2.AsyncClient(auth=auth, timeout=30)
    async with http, Client(streamable_http_client(place.server, http_client=http)) as client:
        assert {tool.name for tool in (await client.list_tools()).tools} >= {"list_notes", "add_note"}
        await client.call_tool("list_notes", {})
        written = await client.call_tool("add_note", {"text": "by our own agent"})
        assert not written.is_error, written
        return str(await client.call_tool("list_notes", {}))


@pytest.mark.parametrize("dpop", [False, True], ids=["bearer", "dpop"])
@pytest.mark.parametrize("way", ["document", "dynamic", "registered"])
async def test_a_person_signs_in_and_agrees_to_more(place: AgentWorld, way: str, dpop: bool) -> None:
    person, store = Person(place), MemoryStore()
    name = f"own-{way}-{dpop}".lower()
    more: dict[str, Any] = {}
    if way == "document":
        more["document"] = place.documents.publish(f"/{name}/client.json", name, person.redirect_uri)
    if way == "registered":
        told = {
            "id": name,
            "name": name,
            "kind": "public",
            "agent": True,
            "redirect_uris": [person.redirect_uri],
            "scopes": ["notes:read", "notes:write"],
            "resources": [place.server],
        }
        more["client_id"] = str(place.plane.register(told)["client"]["id"])
        more["issuer"] = place.issuer
    auth = AgentAuth.browser(place.server, browser=person, dpop=dpop, store=store, **more)
    assert "by our own agent" in await use(place, auth)
    assert len(person.asked) == 2
    assert auth.scopes is not None
    assert {"notes:read", "notes:write"} <= auth.scopes
    session = kept(store, place)
    token = claims(session["access"])
    assert token["aud"] == place.server or token["aud"] == [place.server]
    assert ("jkt" in token.get("cnf", {})) == dpop
    expected = {"document": more.get("document"), "registered": name}.get(way, session["client"])
    assert token["client_id"] == session["client"] == expected
    # Another process begins where this one ended, and nobody is asked.
    again = AgentAuth.browser(place.server, browser=Person(place), dpop=dpop, store=store, **more)
    async with httpx.AsyncClient(auth=again) as http:
        answer = await http.post(place.server, json=HELLO, headers=HEADERS)
    assert answer.status_code == 200, answer.text


def test_a_person_who_says_no_is_told_of_as_that(place: AgentWorld) -> None:
    person = Person(place, yes=False)
    auth = AgentAuth.browser(place.server, browser=person)
    with httpx.Client(auth=auth) as http, pytest.raises(AgentError) as refused:
        http.post(place.server, json=HELLO, headers=HEADERS)
    assert refused.value.reason == "agent_sign_in_refused"
    assert not refused.value.temporary
    assert "access_denied" in str(refused.value)


def test_a_session_renews_itself_and_ends_when_it_is_given_back(place: AgentWorld) -> None:
    person, store = Person(place), MemoryStore()
    auth = AgentAuth.browser(place.server, browser=person, store=store)
    auth.sign_in()
    before = kept(store, place)
    assert before["refresh"]
    # The token ends now, as far as the agent knows.
    before["ends_at"] = before["had_at"] + 1
    store.save(place.server, json.dumps(before))
    later = AgentAuth.browser(place.server, browser=Person(place), store=store)
    with httpx.Client(auth=later) as http:
        assert http.post(place.server, json=HELLO, headers=HEADERS).status_code == 200
    renewed = kept(store, place)
    assert renewed["refresh"] != before["refresh"]
    assert renewed["access"] != before["access"]
    later.sign_out()
    assert store.load(place.server) is None
    assert len(person.asked) == 1


def test_a_session_that_was_taken_back_leads_to_the_person_again(place: AgentWorld) -> None:
    person, store = Person(place), MemoryStore()
    auth = AgentAuth.browser(place.server, browser=person, store=store)
    auth.sign_in()
    place.withdraw(kept(store, place)["client"])
    with httpx.Client(auth=auth, timeout=30) as http:
        # The gate learns of it within moments; until then the old token is still taken.
        for _ in range(200):
            assert http.post(place.server, json=HELLO, headers=HEADERS).status_code == 200
            if len(person.asked) == 2:
                break
    assert len(person.asked) == 2


def test_a_person_signs_in_on_another_device(place: AgentWorld) -> None:
    told = {
        "id": "own-device",
        "name": "own-device",
        "kind": "public",
        "agent": True,
        "redirect_uris": [],
        "grants": [DEVICE, "refresh_token"],
        "scopes": ["notes:read"],
        "resources": [place.server],
    }
    client = str(place.plane.register(told)["client"]["id"])
    shown: list[DeviceCode] = []

    def show(code: DeviceCode) -> None:
        shown.append(code)
        with Browser() as other:
            assert _answer(other, code.verification_uri, place.user, True, code.user_code).status == 200

    auth = AgentAuth.device(place.server, show=show, client_id=client, scopes=["notes:read"])
    with httpx.Client(auth=auth, timeout=60) as http:
        assert http.post(place.server, json=HELLO, headers=HEADERS).status_code == 200
    assert len(shown) == 1
    assert shown[0].verification_uri.startswith(place.issuer)


def test_a_machine_proves_who_it_is_with_its_key(place: AgentWorld, tmp_path: Path) -> None:
    public, private = key_pair("ES256", "k1")
    told = {
        "id": "own-machine",
        "name": "own-machine",
        "kind": "confidential",
        "redirect_uris": [],
        "grants": ["client_credentials"],
        "scopes": ["notes:read"],
        "resources": [place.server],
        "authentication": "private_key_jwt",
        "jwks": {"keys": [public]},
    }
    place.plane.register(told)
    body = b64encode(b64decode(private)).decode()
    pem = tmp_path / "key.pem"
    pem.write_text(f"-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n")
    for key_id in (None, "k1"):
        store = MemoryStore()
        auth = AgentAuth.machine(
            place.server,
            client_id="own-machine",
            private_key=pem,
            key_id=key_id,
            scopes=["notes:read"],
            dpop=True,
            store=store,
        )
        with httpx.Client(auth=auth) as http:
            answer = http.post(place.server, json=HELLO, headers=HEADERS)
        # Whether the server of tools lets machines in is its own affair: it knows who called.
        assert answer.status_code in (200, 403), answer.text
        token = claims(kept(store, place)["access"])
        assert token["client_id"] == "own-machine"
        assert "jkt" in token["cnf"]
        assert "BEGIN" not in json.dumps(kept(store, place))


def test_a_workload_comes_with_its_platforms_token(place: AgentWorld, tmp_path: Path) -> None:
    platform = "https://platform.example"
    public, private = key_pair("ES256", "p1")
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps({"keys": [public]}))
    place.plane.cli("issuer", "add", platform, "Platform", "--kind", "openid", "--jwks", str(keys))
    machine = ["machine", "add", "own-workload", "--owner", "ops@example.com", "--purpose", "Reads notes"]
    machine += ["--expires", "30d", "--identity", f"{platform} sub=job:notes"]
    place.plane.cli(*machine, "--scope", "notes:read", "--resource", place.server)
    asked: list[str] = []

    def token(audience: str, subject: str = "job:notes") -> str:
        asked.append(audience)
        now = int(time.time())
        told = {"iss": platform, "sub": subject, "aud": audience, "iat": now, "exp": now + 120}
        key = load_der_private_key(b64decode(private), None)
        assert isinstance(key, EllipticCurvePrivateKey)
        return jwt.encode({**told, "jti": str(len(asked))}, key, "ES256", headers={"kid": "p1"})

    store = MemoryStore()
    auth = AgentAuth.workload(place.server, token=token, scopes=["notes:read"], dpop=True, store=store)
    with httpx.Client(auth=auth) as http:
        assert http.post(place.server, json=HELLO, headers=HEADERS).status_code in (200, 403)
    assert asked == [place.issuer]
    got = claims(kept(store, place)["access"])
    assert got["client_id"] == "own-workload"
    assert "jkt" in got["cnf"]
    # Another job's token is nobody's.
    stranger = AgentAuth.workload(place.server, token=lambda audience: token(audience, "job:other"))
    with httpx.Client(auth=stranger) as http, pytest.raises(AgentError, match="invalid_grant") as refused:
        http.post(place.server, json=HELLO, headers=HEADERS)
    assert refused.value.reason == "agent_refused"


def test_a_request_elsewhere_is_not_sent(place: AgentWorld) -> None:
    auth = AgentAuth.browser(place.server, browser=Person(place))
    auth.sign_in()
    with httpx.Client(auth=auth) as http:
        for url in (place.issuer, place.server.removesuffix("/mcp"), f"{place.server}2"):
            with pytest.raises(AgentError) as refused:
                http.get(url)
            assert refused.value.reason == "agent_url_elsewhere"
