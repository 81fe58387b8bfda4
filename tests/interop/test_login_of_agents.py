"""`sealgate login` as a client that registers itself, and tokens for workloads, with real processes."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from agent_kit import place
from joserfc import jwt
from lab import Browser
from sealgate.testing.control_plane import program

from interop.agent_world import AgentWorld, agent_world
from interop.person import come_back
from interop.test_other_issuers import SUBJECT, House, said
from interop.test_other_issuers import house as house  # a fixture
from interop.world import RESOURCE


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AgentWorld]:
    """A control plane that lets clients register themselves, and a server of tools."""
    with agent_world(tmp_path_factory.mktemp("login-of-agents")) as world:
        yield world


def begin(home: Path, *arguments: str) -> subprocess.Popen[str]:
    """Starts a command of somebody whose home this is."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SEALGATE_")}
    own = {"HOME": str(home), "XDG_DATA_HOME": "", "SEALGATE_VAULT_PASSPHRASE": "correct horse battery"}
    return subprocess.Popen(
        [program(), *arguments],
        env=inherited | own,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(home: Path, *arguments: str, status: int = 0, told: str | None = None) -> str:
    """Runs one to its end; what it prints, or says if it fails."""
    process = begin(home, *arguments)
    out, error = process.communicate(told, timeout=60)
    assert process.returncode == status, error
    return error if status else out


def sign_in(home: Path, world: AgentWorld, *options: str) -> dict[str, Any]:
    """Signs in to the server of tools in a browser."""
    process = begin(home, "login", world.server, "--no-open", "--json", *options)
    assert process.stderr is not None
    lines: list[str] = []
    while not (found := re.search(r"(http://\S+/authorize\S+)", "".join(lines))):
        line = process.stderr.readline()
        assert line, lines
        lines.append(line)
    back = parse_qs(urlsplit(found[1]).query)["redirect_uri"][0]
    with Browser(until=back) as person:
        answer = come_back(person, found[1], world.user)
    assert httpx.get(answer).status_code == 200
    out, error = process.communicate(timeout=30)
    assert process.returncode == 0, error
    shown: dict[str, Any] = json.loads(out)
    return shown


def test_a_client_that_registers_itself_is_that_client_again(world: AgentWorld, tmp_path: Path) -> None:
    shown = sign_in(tmp_path, world)
    assert shown["resource"] == world.server
    assert shown["issuer"] == world.issuer
    token = run(tmp_path, "token").strip()
    assert said(token)["aud"] == world.server
    # It is let in: what is wrong with the call is that no conversation was begun.
    assert world.refused(token).status_code == 400
    assert world.refused(f"{token}x").status_code == 401
    again = sign_in(tmp_path, world, "--name", "again", "--dpop")
    assert again["client_id"] == shown["client_id"]
    assert again["dpop"] is True
    ambiguous = run(tmp_path, "token", status=2)
    assert "(login_ambiguous)" in ambiguous
    run(tmp_path, "logout", "--name", "again")
    # Taken back for the resource too, and the other sign-in goes on.
    assert run(tmp_path, "token").strip() == token


@pytest.mark.parametrize("slash", ["", "/"])
def test_an_issuer_is_found_with_and_without_the_slash_at_its_end(tmp_path: Path, slash: str) -> None:
    with place() as there:
        there.slash = slash
        there.pushes = True
        for end in ("", "/"):
            home = tmp_path / f"home{len(end)}"
            process = begin(home, "login", f"{there.url}{end}", "--no-open", "--json")
            assert process.stderr is not None
            told = [process.stderr.readline() for _ in range(3)]
            # The sign-in is pushed, as this server wants it.
            url = told[2].strip()
            assert "request_uri=" in url
            assert "code_challenge" not in url
            httpx.get(url, follow_redirects=True)
            out, error = process.communicate(timeout=30)
            assert process.returncode == 0, error
            assert json.loads(out)["issuer"] == f"{there.url}{slash}"
        assert len(there.asked("/par")) == 2


def test_a_device_whose_client_the_server_forgot_registers_again(tmp_path: Path) -> None:
    with place() as there:
        shown: list[str] = []
        for name in ("one", "two", "three"):
            login = run(tmp_path, "login", there.url, "--device", "--json", "--name", name)
            shown.append(json.loads(login)["client_id"])
            if name == "two":
                there.forgotten.add("c1")
        # Only then: registrations would pile up.
        assert shown == ["c1", "c1", "c2"]


@pytest.mark.parametrize("by_stdin", [False, True], ids=["file", "stdin"])
def test_a_workload_gets_a_token_by_what_its_platform_gave_it(
    house: House, tmp_path: Path, by_stdin: bool
) -> None:
    key = house.issuer.rsa("first")
    house.plane.administer(
        "POST", "/issuers", {"issuer": house.issuer.url, "name": "A cluster", "kind": "openid"}
    )
    house.machine("orders", {"sub": SUBJECT})
    given = jwt.encode({"alg": "RS256", "kid": key.kid}, house.claims(sub=SUBJECT), key)
    file = tmp_path / "projected"
    file.write_text(f"{given}\n")
    place = "-" if by_stdin else str(file)
    arguments = ["token", "--machine", "--issuer", house.plane.issuer, "--resource", RESOURCE]
    arguments += ["--workload-token", place]
    token = run(tmp_path, *arguments, told=f"{given}\n").strip()
    assert (said(token)["sub"], said(token)["aud"]) == ("orders", RESOURCE)
    header = run(tmp_path, *arguments, "--format", "header", told=given)
    assert header.startswith("Authorization: Bearer ey")
    document = json.loads(run(tmp_path, *arguments, "--format", "json", told=given))
    assert document["token_type"] == "Bearer"
    assert document["resource"] == RESOURCE
    assert not (tmp_path / ".local").exists()
    for wrong, reason in (("", "workload_token_empty"), ("x" * 70_000, "workload_token_long")):
        file.write_text(wrong)
        assert f"({reason})" in run(tmp_path, *arguments, status=2, told=wrong)
    file.write_text("e30.e30.e30")
    refused = run(tmp_path, *arguments, status=1, told="e30.e30.e30")
    assert "(agent_refused)" in refused
    assert "e30" not in refused


def test_a_workloads_token_is_not_shown_to_a_server_that_the_resource_names(
    world: AgentWorld, house: House, tmp_path: Path
) -> None:
    file = tmp_path / "projected"
    key = house.issuer.rsa("first")
    # It is for another server than the one that the resource names.
    file.write_text(jwt.encode({"alg": "RS256", "kid": key.kid}, house.claims(sub=SUBJECT), key))
    resource = ["token", "--machine", "--resource", world.server, "--workload-token", str(file)]
    told = run(tmp_path, *resource, status=1)
    assert "(agent_assertion_unavailable)" in told
    assert "--issuer URL" in told
    # Whoever says that it is meant has it judged there.
    told = run(tmp_path, *resource, "--issuer", world.issuer, status=1)
    assert "(agent_refused)" in told
