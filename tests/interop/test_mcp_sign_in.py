"""The official client of the Model Context Protocol and FastMCP's, at a server of tools behind the gate.

Each signs somebody in, in every way by which a client can be known: by its document, by registering itself,
registered by hand.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import AsyncGenerator, Generator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from lab import free_port
from mcp import Client
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata, OAuthToken
from pydantic import AnyUrl

from interop.agent_world import AgentWorld, agent_world

HERE = Path(__file__).resolve().parent
Way = Literal["document", "dynamic", "registered"]
WAYS: list[Way] = ["document", "dynamic", "registered"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AgentWorld]:
    with agent_world(tmp_path_factory.mktemp("agents")) as place:
        yield place


@dataclass(frozen=True)
class Known:
    """How a client is known."""

    way: Way
    redirect_uri: str
    document: str | None = None
    id: str | None = None

    @classmethod
    def make(cls, place: AgentWorld, way: Way, program: str) -> Known:
        """Publishes its document or registers it, or leaves that to the client."""
        redirect_uri = f"http://127.0.0.1:{free_port()}/callback"
        if way == "document":
            url = place.documents.publish(f"/{program}/client.json", f"The {program} program", redirect_uri)
            return cls(way, redirect_uri, document=url)
        if way == "registered":
            told = {
                "id": program,
                "name": f"The {program} program",
                "kind": "public",
                "agent": True,
                "redirect_uris": [redirect_uri],
                "scopes": ["notes:read", "notes:write"],
                "resources": [place.server],
            }
            return cls(way, redirect_uri, id=str(place.plane.register(told)["client"]["id"]))
        return cls(way, redirect_uri)

    def check(self, client_id: str) -> None:
        """The id that it went by is of its kind."""
        if self.way == "dynamic":
            assert client_id
            assert not client_id.startswith("http")
        else:
            assert client_id == (self.document or self.id)


def asked(url: str) -> dict[str, str]:
    """The parameters of an authorization request."""
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def check_requests(place: AgentWorld, known: Known, requests: list[str]) -> None:
    """The person was asked twice, for this server alone: to read, and then for both at once."""
    first, second = map(asked, requests)
    for request in (first, second):
        assert request["resource"] == place.server
        assert request["redirect_uri"] == known.redirect_uri
    assert "notes:write" not in first["scope"].split()
    assert {"notes:read", "notes:write"} <= set(second["scope"].split())


def check_refused(place: AgentWorld, token: str) -> None:
    """The server says of a token that it is not good, as RFC 6750 and RFC 9728 have it."""
    answer = place.refused(token)
    assert answer.status_code == 401, answer.text
    challenge = answer.headers["www-authenticate"]
    assert challenge.startswith("Bearer ")
    assert 'error="invalid_token"' in challenge
    assert 'resource_metadata="' in challenge


def test_a_stranger_is_told_where_to_sign_in_and_of_no_error(place: AgentWorld) -> None:
    answer = httpx2.post(place.server, json={}, headers={"accept": "application/json, text/event-stream"})
    assert answer.status_code == 401
    challenge = answer.headers["www-authenticate"]
    assert "error=" not in challenge
    url = challenge.split('resource_metadata="')[1].split('"')[0]
    document = httpx2.get(url).raise_for_status().json()
    assert document["resource"] == place.server
    assert document["authorization_servers"] == [place.issuer]


class Storage:
    """Keeps what the official client has."""

    def __init__(self, client: OAuthClientInformationFull | None = None) -> None:
        self.client = client
        self.tokens: OAuthToken | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


class NobodyThereError(Exception):
    """Nobody is at the browser any more."""


@dataclass
class Official:
    """The official client, and the person at its browser."""

    place: AgentWorld
    known: Known
    storage: Storage
    somebody: bool = True

    def provider(self) -> OAuthClientProvider:
        """Its own part of signing in."""
        returned: list[str] = []

        async def redirect(url: str) -> None:
            if not self.somebody:
                raise NobodyThereError
            returned.append(self.place.person(url, self.known.redirect_uri))

        async def callback() -> AuthorizationCodeResult:
            answer = asked(returned.pop())
            return AuthorizationCodeResult(
                code=answer["code"], state=answer.get("state"), iss=answer.get("iss")
            )

        metadata = OAuthClientMetadata(
            client_name="The official program",
            redirect_uris=[AnyUrl(self.known.redirect_uri)],
            grant_types=["authorization_code", "refresh_token"],
            token_endpoint_auth_method="none",
        )
        return OAuthClientProvider(
            self.place.server,
            metadata,
            self.storage,
            redirect,
            callback,
            client_metadata_url=self.known.document,
        )

    @asynccontextmanager
    async def connected(self) -> AsyncGenerator[Client]:
        """Connected to the server of tools."""
        async with httpx2.AsyncClient(auth=self.provider(), timeout=30) as http:
            transport = streamable_http_client(self.place.server, http_client=http)
            async with Client(transport) as client:
                yield client

    @property
    def token(self) -> str:
        assert self.storage.tokens is not None
        return self.storage.tokens.access_token


def official(place: AgentWorld, way: Way) -> Official:
    known = Known.make(place, way, f"official-{way}")
    storage = Storage()
    if known.id is not None:
        storage.client = OAuthClientInformationFull(
            client_id=known.id,
            redirect_uris=[AnyUrl(known.redirect_uri)],
            token_endpoint_auth_method="none",
            issuer=place.issuer,
        )
    return Official(place, known, storage)


def texts(result: Any) -> str:
    """The text of a tool's answer."""
    assert not result.is_error, result
    return "\n".join(part.text for part in result.content)


@pytest.mark.parametrize("way", WAYS)
async def test_the_official_client_signs_in_steps_up_and_is_cut_off(place: AgentWorld, way: Way) -> None:
    agent = official(place, way)
    before, read = len(place.asked), place.documents.read
    async with agent.connected() as client:
        tools = {tool.name for tool in (await client.list_tools()).tools}
        assert {"list_notes", "add_note"} <= tools
        texts(await client.call_tool("list_notes", {}))
        assert len(place.asked) == before + 1
        narrow = agent.token
        note = f"written by {agent.known.way}"
        texts(await client.call_tool("add_note", {"text": note}))
        assert note in texts(await client.call_tool("list_notes", {}))
    check_requests(place, agent.known, place.asked[before:])
    assert (place.documents.read > read) == (way == "document")
    assert agent.storage.client is not None
    client_id = agent.storage.client.client_id
    agent.known.check(client_id)
    assert agent.token != narrow

    # With what it keeps it needs nobody at the browser, until the person takes back what they granted.
    agent.somebody = False
    async with agent.connected() as client:
        assert note in texts(await client.call_tool("list_notes", {}))
    place.withdraw(client_id)
    for token in (narrow, agent.token):
        check_refused(place, token)
    with pytest.raises(BaseExceptionGroup) as raised:
        async with agent.connected() as client:
            await client.call_tool("list_notes", {})
    assert raised.group_contains(NobodyThereError)


@dataclass
class FastMcp:
    """FastMCP's client in a process of its own, and who sits at the browser that it opens."""

    place: AgentWorld
    process: subprocess.Popen[str]
    person: Path
    log: Path

    def tell(self, what: dict[str, Any]) -> dict[str, Any]:
        """Says a line; the line that comes back."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(what) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        return dict(json.loads(line)) if line else {"error": ["it ended"]}

    def call(self, tool: str, **arguments: str) -> dict[str, Any]:
        """Calls a tool."""
        return self.tell({"tool": tool, "arguments": arguments})

    def says(self, yes: bool) -> None:
        """What the person answers from now on."""
        user = self.place.user
        told = {"email": user.email, "name": user.name, "password": user.password, "yes": yes}
        self.person.write_text(json.dumps(told | {"asked": str(self.log)}))

    def requests(self) -> list[str]:
        """What the browser was opened with."""
        return self.log.read_text().splitlines()


@contextmanager
def fastmcp(place: AgentWorld, folder: Path) -> Generator[FastMcp]:
    """Runs it."""
    person, log, browser = folder / "person.json", folder / "asked", folder / "browser"
    log.touch()
    person.touch(mode=0o600)
    # The variable that names the browser is a list with colons, so that those of a path cannot stand there.
    path = ":".join(sys.path)
    script = f"""#!/bin/sh
exec env PYTHONPATH='{path}' PERSON='{person}' '{sys.executable}' '{HERE / "browser_person.py"}' "$1" \\
    >>'{folder / "browser.log"}' 2>&1
"""
    browser.write_text(script)
    browser.chmod(0o700)
    env = os.environ | {
        "BROWSER": f"{browser} %s &",
        "FASTMCP_CHECK_FOR_UPDATES": "off",
        "FASTMCP_LOG_LEVEL": "WARNING",
    }
    command = [sys.executable, "-W", "ignore", str(HERE / "fastmcp_agent.py")]
    with (
        (folder / "fastmcp.log").open("w") as errors,
        subprocess.Popen(
            command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
        ) as process,
    ):
        try:
            agent = FastMcp(place, process, person, log)
            agent.says(True)
            yield agent
            assert process.stdin is not None
            process.stdin.close()
            process.wait(20)
        finally:
            process.kill()


@pytest.mark.parametrize(
    "way", ["document", *(pytest.param(way, marks=pytest.mark.slow) for way in ("dynamic", "registered"))]
)
def test_fastmcps_client_signs_in_steps_up_and_is_cut_off(
    place: AgentWorld, way: Way, tmp_path: Path
) -> None:
    sign_in_with_fastmcp(place, way, tmp_path)


@pytest.mark.slow
def test_fastmcps_client_and_fastmcps_server(tmp_path: Path) -> None:
    with agent_world(tmp_path / "world", server="fastmcp") as place:
        sign_in_with_fastmcp(place, "document", tmp_path)


def sign_in_with_fastmcp(place: AgentWorld, way: Way, tmp_path: Path) -> None:
    """FastMCP's client reads, writes by asking for more, and ends with what its user granted."""
    known = Known.make(place, way, f"fastmcp-{way}")
    auth: dict[str, Any] = {"callback_port": urlsplit(known.redirect_uri).port, "client_name": "FastMCP"}
    if known.document is not None:
        auth["client_metadata_url"] = known.document
    if known.id is not None:
        auth["client_id"] = known.id
    with fastmcp(place, tmp_path) as agent:
        begun = agent.tell({"server": place.server, "auth": auth})
        assert {"list_notes", "add_note"} <= set(begun.get("tools", [])), begun
        narrow = agent.call("list_notes")
        assert "error" not in narrow, narrow
        note = f"written by FastMCP, {way}"
        wide = agent.call("add_note", text=note)
        assert "error" not in wide, wide
        assert note in "\n".join(agent.call("list_notes")["text"])
        check_requests(place, known, agent.requests())
        known.check(wide["client"])
        assert wide["token"] != narrow["token"]

        # The person takes it back, and says no when asked again.
        place.withdraw(wide["client"])
        agent.says(False)
        for told in (narrow, wide):
            check_refused(place, told["token"])
        cut = agent.call("list_notes")
        assert "error" in cut, cut
