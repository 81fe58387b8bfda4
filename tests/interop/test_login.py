"""`sealgate login`, `token` and `logout` against the control plane, with a person at a browser."""

from __future__ import annotations

import base64
import json
import os
import re
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from lab import ControlPlane, Tls
from sealgate.testing.control_plane import program

from interop.person import approve_device, browser, come_back
from interop.receiver import Receiver
from interop.world import RESOURCE, World, populate

PHRASE = "correct horse battery"
SCOPE = ["--scope", "expenses:read", "--scope", "offline_access"]


class Terminal:
    """One person's terminal: a home of its own, and a vault in it."""

    def __init__(self, home: Path, world: World, **variables: str) -> None:
        self.home, self.world = home, world
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("SEALGATE_")}
        passphrase = {"SEALGATE_VAULT_PASSPHRASE": PHRASE}
        self.environment = {**inherited, "HOME": str(home), "XDG_DATA_HOME": "", **passphrase, **variables}

    @property
    def vault(self) -> Path:
        """The vault's file."""
        return self.home / ".local/share/sealgate/vault"

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        """Starts a command."""
        return subprocess.Popen(
            [program(), *arguments, "--authority-file", str(self.world.tls.authority)],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, status: int = 0) -> str:
        """Runs a command to its end; what it printed, or what it said if it is to fail."""
        done = self.begin(*arguments)
        out, said = done.communicate(timeout=60)
        assert done.returncode == status, said
        return said if status else out

    def document(self, *arguments: str) -> dict[str, Any]:
        """The JSON document that a command prints."""
        document: dict[str, Any] = json.loads(self.run(*arguments, "--json"))
        return document

    def plain(self, *arguments: str, status: int = 0) -> str:
        """The same for a command that asks no server."""
        done = subprocess.run(
            [program(), *arguments], env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == status, done.stderr
        return done.stderr if status else done.stdout


@pytest.fixture
def terminal(tmp_path: Path, world: World) -> Terminal:
    """A terminal at which nobody is signed in."""
    return Terminal(tmp_path, world)


def said(process: subprocess.Popen[str], pattern: str) -> str:
    """What a process says that fits, once it has said it."""
    assert process.stderr is not None
    told = ""
    for line in process.stderr:
        told += line
        if found := re.search(pattern, told):
            return found[1]
    raise AssertionError(told)


def sign_in(terminal: Terminal, *options: str, client: str = "native", come: bool = True) -> dict[str, Any]:
    """Signs in with a browser; the document that is printed."""
    world = terminal.world
    process = terminal.begin(
        "login", world.issuer, "--no-open", "--client-id", world.clients[client].id,
        "--resource", RESOURCE, *SCOPE, *options, "--json",
    )  # fmt: skip
    url = said(process, r"(https://\S+/authorize\S+)")
    back = parse_qs(urlsplit(url).query)["redirect_uri"][0]
    with browser(world, until=back) as person:
        answer = come_back(person, url, world.user, yes=come)
    assert urlsplit(answer).hostname == "127.0.0.1"
    page = httpx.get(answer)
    assert page.status_code == 200
    out, told = process.communicate(timeout=30)
    if not come:
        assert process.returncode == 1
        assert "agent_sign_in_refused" in told, told
        return {}
    assert process.returncode == 0, told
    assert "may be closed" in page.text
    # It took one answer, and listens no more.
    with pytest.raises(httpx.ConnectError):
        httpx.get(answer)
    shown: dict[str, Any] = json.loads(out)
    return shown


def claims(token: str) -> dict[str, Any]:
    """What a token says."""
    payload = token.split(".")[1]
    said: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return said


def test_a_person_signs_in_with_a_browser_and_the_token_is_for_the_resource(terminal: Terminal) -> None:
    shown = sign_in(terminal)
    issuer = terminal.world.issuer
    assert shown["issuer"] == issuer
    assert shown["resource"] == RESOURCE
    assert shown["renewable"] is True
    assert shown["scopes"] == ["expenses:read", "offline_access"]
    token = terminal.run("token").strip()
    said = claims(token)
    assert (said["iss"], said["aud"], said["client_id"]) == (issuer, RESOURCE, "native")
    assert "expenses:read" in said["scope"].split()
    # In every format, and for the resource.
    assert terminal.run("token", "--format", "header") == f"Authorization: Bearer {token}\n"
    document = terminal.document("token", "--resource", RESOURCE)
    assert document["access_token"] == token
    assert document["token_type"] == "Bearer"
    assert terminal.run("token", "--resource", "https://other.example", status=1).startswith(
        "error: there is no such sign-in here (login_missing)\n"
    )
    # Nothing secret is told, and nothing rests in the open.
    listed = terminal.plain("login", "list", "--json")
    login = json.loads(listed)["logins"][0]
    assert login["name"] == urlsplit(issuer).netloc
    assert "refresh" not in {*login, *document}
    files = [path for path in terminal.home.rglob("*") if path.is_file()]
    assert terminal.vault in files
    for path in files:
        assert path.stat().st_mode & 0o077 == 0, path
        assert not {"native", token.split(".")[2]} & set(re.findall(r"[\w-]+", path.read_text())), path


def test_a_sign_in_that_is_refused_leaves_nothing(terminal: Terminal) -> None:
    sign_in(terminal, come=False)
    assert json.loads(terminal.plain("login", "list", "--json")) == {"logins": []}


def test_a_person_signs_in_on_another_device(terminal: Terminal) -> None:
    world = terminal.world
    process = terminal.begin(
        "login", world.issuer, "--device", "--client-id", world.clients["device"].id,
        "--resource", RESOURCE, *SCOPE, "--name", "away",
    )  # fmt: skip
    assert process.stderr is not None
    told = ""
    while not (found := re.search(r"open\s+(https://\S+)\s.*:\s+(\S+)\s*\n\n", told, re.S)):
        line = process.stderr.readline()
        assert line, told
        told += line
    approve_device(world, found[1], found[2])
    out, more = process.communicate(timeout=60)
    assert process.returncode == 0, told + more
    assert re.search(r"^name +away$", out, re.M), out
    assert claims(terminal.run("token", "--name", "away").strip())["aud"] == RESOURCE


@pytest.fixture(scope="module")
def hasty_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world whose tokens are due for renewal after ten seconds: those that end within a minute are."""
    folder = tmp_path_factory.mktemp("hasty-world")
    tls = Tls.make(folder / "tls")
    plane, receiver = ControlPlane(folder, tls=tls, env={"SEALGATE_LIFETIMES_ACCESS": "70s"}), Receiver()
    world = World(plane, tls, plane.add_user("ada@example.com", "Ada Lovelace"), receiver)
    try:
        populate(world)
        yield world
    finally:
        world.stop()


@pytest.mark.parametrize("options", [(), ("--dpop",)], ids=["bearer", "dpop"])
def test_a_token_that_is_due_is_renewed_once_however_many_ask(
    hasty_world: World, tmp_path: Path, options: tuple[str, ...]
) -> None:
    terminal = Terminal(tmp_path, hasty_world)
    sign_in(terminal, *options)
    first = terminal.run("token").strip()
    time.sleep(10.5)
    before = renewals(hasty_world)
    started = [terminal.begin("token") for _ in range(6)]
    tokens = {process.communicate(timeout=60)[0].strip() for process in started}
    assert [process.returncode for process in started] == [0] * 6
    # All got the same new one: one of them renewed, and the others waited for it.
    assert len(tokens) == 1
    renewed = tokens.pop()
    assert renewed != first
    assert claims(renewed)["aud"] == RESOURCE
    assert claims(renewed).get("cnf") == claims(first).get("cnf")
    assert renewals(hasty_world) == before + 1


def renewals(world: World) -> int:
    """How often a session was renewed so far."""
    records = world.plane.administer("GET", "/audit?action=session.renew&limit=100")["records"]
    return len(records)


def test_a_sign_in_that_was_revoked_says_how_to_sign_in_again(hasty_world: World, tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, hasty_world)
    sign_in(terminal)
    sessions = hasty_world.plane.cli("session", "list", "--all")
    for session in sessions:
        if session["client"] == "native" and not session["revoked_at"]:
            hasty_world.plane.cli("session", "revoke", session["id"])
    time.sleep(10.5)
    told = terminal.run("token", status=1)
    assert told.startswith(f"error: the sign-in at {hasty_world.issuer} is over (login_over)\n")
    assert f"sealgate login {hasty_world.issuer} --client-id native" in told


def test_a_token_is_bound_to_its_key_and_printed_with_a_proof(terminal: Terminal) -> None:
    shown = sign_in(terminal, "--dpop")
    assert shown["dpop"] is True
    missing = terminal.run("token", "--format", "header", status=2)
    assert missing.startswith(
        "error: the token is bound to a key, and of use only with a proof (proof_missing)\n"
    )
    url = "https://api.example/expenses/7?x=1"
    headers = terminal.run("token", "--format", "header", "--url", url, "--method", "POST")
    lines = dict(line.split(": ", 1) for line in headers.splitlines())
    scheme, token = lines["Authorization"].split()
    proof = claims(lines["DPoP"])
    assert scheme == "DPoP"
    assert (proof["htm"], proof["htu"]) == ("POST", "https://api.example/expenses/7")
    assert claims(token)["cnf"]["jkt"]


def test_one_answer_of_somebody_else_does_not_end_the_sign_in(terminal: Terminal) -> None:
    world = terminal.world
    process = terminal.begin(
        "login", world.issuer, "--no-open", "--client-id", "native", "--resource", RESOURCE, *SCOPE
    )
    url = said(process, r"(https://\S+/authorize\S+)")
    query = parse_qs(urlsplit(url).query)
    back = query["redirect_uri"][0]
    assert httpx.get(back, params={"code": "stolen", "state": "guessed"}).status_code == 404
    # The right state, and the wrong server: an answer, and refused (RFC 9207).
    forged = {"code": "stolen", "state": query["state"][0], "iss": "https://evil.example"}
    assert httpx.get(back, params=forged).status_code == 200
    _, told = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "(agent_callback_unacceptable)" in told
    assert "stolen" not in told


@pytest.mark.parametrize("options", [(), ("--dpop",)], ids=["bearer", "dpop"])
def test_signing_out_takes_the_tokens_back_at_the_server(
    terminal: Terminal, options: tuple[str, ...]
) -> None:
    sign_in(terminal, *options)
    token = terminal.run("token").strip()
    told = terminal.begin("logout")
    _, said_out = told.communicate(timeout=30)
    assert told.returncode == 0, said_out
    assert said_out == f"Signed out of {urlsplit(terminal.world.issuer).netloc}.\n"
    terminal.run("token", status=1)
    world = terminal.world
    secret = world.clients["server"].secret
    assert secret is not None
    endpoint = f"{world.issuer}/oauth/introspect"
    with httpx.Client(verify=ssl.create_default_context(cafile=str(world.tls.authority))) as http:
        answer = http.post(endpoint, data={"token": token}, auth=("server", secret))
    assert answer.json() == {"active": False}


def test_a_server_that_is_away_keeps_a_sign_in_from_being_forgotten(
    terminal: Terminal, tmp_path: Path
) -> None:
    sign_in(terminal)
    # Nobody vouches for its certificate here, which is as good as away.
    refused = terminal.plain("logout", status=3)
    assert "(agent_unreachable)" in refused
    assert "sealgate logout --name" in refused
    assert len(json.loads(terminal.plain("login", "list", "--json"))["logins"]) == 1
    terminal.plain("logout", "--all", "--local")
    assert not terminal.vault.exists()


def test_without_a_passphrase_and_with_another_one_nothing_opens(terminal: Terminal, world: World) -> None:
    sign_in(terminal)
    wrong = Terminal(terminal.home, world, SEALGATE_VAULT_PASSPHRASE="incorrect horse battery")
    assert "(vault_broken)" in wrong.plain("login", "list", status=1)
    none = Terminal(terminal.home, world, SEALGATE_VAULT_PASSPHRASE="")
    assert "(vault_passphrase_missing)" in none.plain("login", "list", status=2)
    terminal.vault.chmod(0o644)
    refused = terminal.plain("token", status=1)
    assert "(vault_exposed)" in refused
    assert "chmod" in refused
    terminal.vault.chmod(0o600)
    short = Terminal(terminal.home / "other", world, SEALGATE_VAULT_PASSPHRASE="short")
    # Before anybody was sent to sign in.
    told = short.run("login", world.issuer, "--no-open", "--client-id", "native", status=2)
    assert told.startswith(
        "error: a vault's passphrase has at least 12 characters (vault_passphrase_short)\n"
    )


def test_the_keyring_of_the_machine_keeps_the_key(tmp_path: Path, world: World) -> None:
    terminal = Terminal(tmp_path, world, SEALGATE_VAULT_PASSPHRASE="")
    probe = terminal.begin("login", world.issuer, "--no-open", "--client-id", "native", *SCOPE)
    assert probe.stderr is not None
    if "vault_keyless" in (first := probe.stderr.readline()):
        pytest.skip("no keyring for us on this machine")
    assert first.startswith("Sign in at:")
    probe.kill()
    probe.communicate()
    sign_in(terminal)
    assert terminal.vault.read_text().startswith("sealgate-vault 1 keyring\n")
    assert claims(terminal.run("token").strip())["client_id"] == "native"
    # Another home finds neither the vault nor, by chance, its key.
    other = Terminal(tmp_path / "other", world, SEALGATE_VAULT_PASSPHRASE="")
    assert json.loads(other.plain("login", "list", "--json")) == {"logins": []}
    terminal.plain("logout", "--all", "--local")


def test_a_machine_gets_a_token_by_its_key_and_nothing_is_kept(terminal: Terminal, tmp_path: Path) -> None:
    client = terminal.world.clients["service-key"]
    assert client.key is not None
    lines = re.findall(".{1,64}", client.key)
    key = tmp_path / "key.pem"
    key.write_text("\n".join(["-----BEGIN PRIVATE KEY-----", *lines, "-----END PRIVATE KEY-----", ""]))
    machine = ["--machine", "--issuer", terminal.world.issuer, "--client-id", client.id, "--key", str(key)]
    asked = ["--resource", RESOURCE, "--scope", "expenses:read"]
    token = terminal.run("token", *machine, *asked).strip()
    assert (claims(token)["sub"], claims(token)["aud"]) == (client.id, RESOURCE)
    assert not terminal.vault.exists()
    refused = terminal.run("token", *machine, "--resource", "https://other.example", status=1)
    assert "(agent_refused)" in refused
    missing = terminal.run("token", "--machine", "--issuer", terminal.world.issuer, status=2)
    assert "(proof_missing)" in missing


def test_what_is_no_server_is_told_with_what_to_do(terminal: Terminal) -> None:
    told = terminal.run("login", f"{terminal.world.issuer}/nowhere", "--no-open", status=1)
    assert told.startswith("error: ")
    assert "hint: " in told
    told = terminal.run("login", "http://id.example", "--no-open", status=2)
    assert "(url_wrong)" in told or "(agent_" in told
    # A server that lets no client register itself, and none was given.
    told = terminal.run("login", terminal.world.issuer, "--no-open", status=1)
    assert "(agent_not_registered)" in told or "(agent_registration_refused)" in told
    assert "--client-id ID" in told
