"""What an administrator is told after a revocation: which gate has applied it, and when."""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from lab import Browser, Client, ControlPlane, Process, User, free_port, settings, sign_in, wait_until

FOLDER = Path(__file__).parent
PATHS = {"PYTHONPATH": f"{FOLDER}:{':'.join(sys.path)}"}
SHORT = 2
"""The staleness bound of the gate that is stopped, in seconds."""


@dataclass
class Site:
    """One process of an application."""

    url: str
    process: Process

    def ask(self, session: dict[str, str]) -> int:
        return httpx.get(f"{self.url}/me", headers=session).status_code

    def signed_in(self, user: User) -> tuple[str, dict[str, str]]:
        """A new session: its id, and the header fields that present it."""
        with Browser() as browser:
            sign_in(browser, f"{self.url}/me", user.email, user.password)
            cookies = browser.session_cookie(self.url)
        session = {"cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
        return str(httpx.get(f"{self.url}/me", headers=session).json()["session"]), session


@contextmanager
def served(folder: Path, name: str, given: dict[str, str], port: int, **more: str) -> Generator[Site]:
    env = {**given, **PATHS, "SEALGATE_GATE_NAME": name, **more}
    command = [sys.executable, "-m", "uvicorn", "sharing:app", "--port", str(port)]
    with Process(name, command, log=folder / f"{name}.log", env=env) as process:
        site = Site(f"http://127.0.0.1:{port}", process)

        def answers() -> bool:
            process.check()
            try:
                return site.ask({}) == 401
            except httpx.TransportError:
                return False

        wait_until(answers, name)
        yield site


@dataclass
class Town:
    """A control plane, and two gates of one application: one that shares its view and one that does not."""

    plane: ControlPlane
    client: Client
    user: User
    first: Site
    second: Site

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command against the running control plane, whatever its status."""
        environment = {**os.environ, "SEALGATE_DATA_DIR": str(self.plane.data_dir)}
        return subprocess.run(
            ["sealgate", *arguments], env=environment, capture_output=True, text=True, timeout=60, check=False
        )

    def gates(self) -> dict[str, str]:
        listed = json.loads(self.command("feed", "gates", "--json").stdout)["gates"]
        return {gate["gate"]: gate["state"] for gate in listed}


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Generator[Town]:
    folder = tmp_path_factory.mktemp("town")
    with ControlPlane(folder / "plane") as plane, ExitStack() as stack:
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        user = plane.add_user("ada@example.com", "Ada")
        client = plane.add_client("expenses", url)
        given = settings(plane.issuer, client, url, secrets.token_urlsafe(32))
        first = stack.enter_context(
            served(folder, "web-1", given, port, SEALGATE_SHARED_VIEW=str(folder / "view"))
        )
        apart = {"SEALGATE_SHARED_VIEW": "off", "SEALGATE_STALENESS_BOUND": str(SHORT)}
        second = stack.enter_context(served(folder, "web-2", given, free_port(), **apart))
        town = Town(plane, client, user, first, second)
        # Right after its start the control plane vouches for nobody who may not be back.
        receipt = town.command("feed", "receipt", "--wait", "30")
        assert receipt.returncode == 0, receipt
        yield town


def test_a_receipt_lists_each_gate_with_its_delay(town: Town) -> None:
    session, cookie = town.first.signed_in(town.user)
    assert (town.first.ask(cookie), town.second.ask(cookie)) == (200, 200)
    said = town.command("session", "revoke", session, "--wait")
    assert said.returncode == 0, said
    # Nothing is left to wait for.
    assert (town.first.ask(cookie), town.second.ask(cookie)) == (401, 401)
    lines = said.stdout.splitlines()
    assert lines[0] == f"The session of {town.user.email} on {town.client.id} is revoked."
    assert lines[1].split() == ["GATE", "APPLICATION", "STATE", "DELAY"]
    for line, name in zip(lines[2:4], ("web-1", "web-2"), strict=True):
        assert re.fullmatch(rf"{name} +{re.escape(town.client.id)} +applied +\d+ ms", line), line
    assert re.fullmatch(r"Revoked everywhere at [-\d]+ [\d:.]+Z \(\d+ ms\)\.", lines[4]), lines[4]


def test_the_receipt_is_in_the_json_document_too(town: Town) -> None:
    said = town.command("user", "sign-out", town.user.email, "--wait=20", "--json")
    assert said.returncode == 0, said
    document: dict[str, Any] = json.loads(said.stdout)
    assert document["done"]["email"] == town.user.email
    receipt = document["receipt"]
    assert receipt["complete"] is True
    assert {gate["gate"]: gate["state"] for gate in receipt["gates"]} == {
        "web-1": "applied",
        "web-2": "applied",
    }
    assert all(0 <= gate["delay"] < 5000 for gate in receipt["gates"])
    assert {gate["bound"] for gate in receipt["gates"]} == {10_000, SHORT * 1000}


def test_a_gate_that_is_stopped_is_silent_once_its_bound_has_passed(town: Town) -> None:
    session, cookie = town.first.signed_in(town.user)
    assert town.second.ask(cookie) == 200
    os.kill(town.second.process.pid, signal.SIGSTOP)
    try:
        begun = time.monotonic()
        said = town.command("session", "revoke", session, "--wait")
        took = time.monotonic() - begun
        assert said.returncode == 0, said
        assert SHORT <= took < SHORT + 3
        assert re.search(r"^web-1 .* applied +\d+ ms$", said.stdout, re.MULTILINE), said.stdout
        assert re.search(r"^web-2 .* silent +-$", said.stdout, re.MULTILINE), said.stdout
        assert "web-2 of expenses" in said.stdout
        assert "has not answered" in said.stdout
        assert "503" in said.stdout

        soon = town.command("session", "revoke", "--user", town.user.email, "--yes", "--wait=1")
        assert soon.returncode == 4, soon
        assert "Not everywhere yet" in soon.stdout
        wait_until(lambda: town.gates() == {"web-1": "live", "web-2": "silent"}, "the silence")
    finally:
        os.kill(town.second.process.pid, signal.SIGCONT)
    wait_until(lambda: town.gates() == {"web-1": "live", "web-2": "live"}, "its answer")
    assert town.second.ask(cookie) == 401


def test_watching_shows_what_is_revoked_and_who_has_applied_it(town: Town) -> None:
    session, _ = town.first.signed_in(town.user)
    environment = {**os.environ, "SEALGATE_DATA_DIR": str(town.plane.data_dir)}
    with subprocess.Popen(
        ["sealgate", "feed", "watch"], env=environment, stdout=subprocess.PIPE, text=True
    ) as watching:
        assert watching.stdout is not None
        try:
            begun = [watching.stdout.readline(), watching.stdout.readline()]
            assert all(re.search(r"web-\d of expenses\S* follows the feed$", line) for line in begun), begun
            town.plane.cli("session", "revoke", session)
            told, applied = watching.stdout.readline(), watching.stdout.readline()
            assert re.search(rf"#\d+ session {session} revoked, told to {town.client.id}$", told), told
            assert re.search(r"#\d+ revoked everywhere: web-1 \d+ ms, web-2 \d+ ms$", applied), applied
            watching.send_signal(signal.SIGINT)
            assert watching.wait(10) == 0
        finally:
            watching.kill()


def test_with_no_server_nobody_can_be_asked(tmp_path: Path) -> None:
    with ControlPlane(tmp_path) as plane:
        user = plane.add_user("ada@example.com", "Ada")
        data_dir = plane.data_dir
    environment = {**os.environ, "SEALGATE_DATA_DIR": str(data_dir)}
    command = ["sealgate", "user", "disable", user.email, "--wait"]
    said = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert said.returncode == 4, said
    assert "is disabled, and every session is revoked" in said.stdout
    assert "no gate can be asked" in said.stderr
    command = ["sealgate", "feed", "watch"]
    said = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert said.returncode == 3, said
    assert "feed_unserved" in said.stderr
