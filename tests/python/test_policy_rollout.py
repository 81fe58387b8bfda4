"""Policies that change: every worker of every application decides by the new version, or refuses."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from lab import Browser, Process, free_port, settings, sign_in, wait_until
from line import DistantControlPlane, distant_control_plane

FOLDER = Path(__file__).parent
PATHS = {"PYTHONPATH": f"{FOLDER}:{':'.join(sys.path)}"}
BOUND = 3
"""The staleness bound, in seconds."""
SLACK = 1.5
"""How long an answer may be on its way on a machine that has much to do."""


@dataclass
class Site:
    """An application, which may have several workers."""

    url: str
    process: Process

    def ask(self, session: dict[str, str], path: str = "/approve") -> tuple[int, str | None]:
        answer = httpx.get(f"{self.url}{path}", headers=session, timeout=10)
        if answer.status_code == 503:
            assert int(answer.headers["retry-after"]) > 0
            assert "set-cookie" not in answer.headers
        return answer.status_code, answer.json().get("reason") if answer.is_error else None

    def workers(self) -> dict[int, dict[str, Any]]:
        """What each worker says of itself, as far as this meets them."""
        answers = [httpx.get(f"{self.url}/worker", timeout=10).json() for _ in range(12)]
        return {answer["pid"]: answer for answer in answers}


@contextmanager
def served(folder: Path, name: str, given: dict[str, str], port: int, **more: str) -> Generator[Site]:
    env = {**given, **PATHS, "SEALGATE_GATE_NAME": name, "SEALGATE_STALENESS_BOUND": str(BOUND), **more}
    command = [sys.executable, "-m", "uvicorn", "governed:app", "--port", str(port), "--workers", "2"]
    with Process(name, command, log=folder / f"{name}.log", env=env) as process:
        site = Site(f"http://127.0.0.1:{port}", process)

        def answers() -> bool:
            process.check()
            try:
                return site.ask({})[0] == 401
            except httpx.TransportError:
                return False

        wait_until(answers, name)
        yield site


@dataclass
class Town:
    """A control plane on a line, two applications of two workers each, and somebody with a session."""

    plane: DistantControlPlane
    client: str
    sites: list[Site]
    session: dict[str, str]
    given: dict[str, str]

    def apply(self, role: str | None) -> int:
        """The next version gives everybody who comes by the application this role, or nothing; its number."""
        when = {"issuer": "own", "client": self.client}
        rules: list[dict[str, Any]] = [{"when": when, "give": {"roles": [role]}}] if role else []
        note = f"roles: {role} {secrets.token_hex(4)}"
        document: dict[str, Any] = {
            "mapping": {"rules": rules, "of": {}},
            # Two versions in a row never say the same.
            "policies": {"files": {"note.cedar": f"// {note}\n"}},
        }
        door = httpx.HTTPTransport(uds=str(self.plane.data_dir / "admin.sock"))
        with httpx.Client(transport=door, base_url="http://socket") as operator:
            answer = operator.post("/api/v1/policies", json={"document": document, "note": note})
        assert answer.status_code == 200, answer.text
        assert answer.json()["changed"]
        return int(answer.json()["version"])

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "SEALGATE_DATA_DIR": str(self.plane.data_dir)}
        return subprocess.run(
            ["sealgate", *arguments], env=environment, capture_output=True, text=True, timeout=60, check=False
        )

    def answers(self) -> Counter[tuple[int, str | None]]:
        """Several answers of each application."""
        return Counter(site.ask(self.session) for site in self.sites for _ in range(8))

    def until(self, expected: tuple[int, str | None]) -> float:
        """Waits until every answer is this one; how long that took."""
        begun = time.monotonic()
        wait_until(lambda: set(self.answers()) == {expected}, f"{expected} from everybody")
        return time.monotonic() - begun

    def meanwhile(self, done: Callable[[], bool]) -> list[tuple[float, tuple[int, str | None]]]:
        """What is answered until something is so, each with when it was asked for."""
        answers: list[tuple[float, tuple[int, str | None]]] = []
        while not done():
            for site in self.sites:
                asked = time.monotonic()
                answers.append((asked, site.ask(self.session)))
        return answers


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Generator[Town]:
    folder = tmp_path_factory.mktemp("governed")
    with distant_control_plane(folder / "plane") as plane, ExitStack() as stack:
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        user = plane.add_user("ada@example.com", "Ada")
        client = plane.add_client("expenses", url)
        given = settings(plane.issuer, client, url, secrets.token_urlsafe(32))
        (folder / "view").mkdir(mode=0o700)
        shared = {"SEALGATE_SHARED_VIEW": str(folder / "view")}
        first = stack.enter_context(served(folder, "web-1", given, port, **shared))
        second = stack.enter_context(served(folder, "web-2", given, free_port(), SEALGATE_SHARED_VIEW="off"))
        with Browser() as browser:
            sign_in(browser, f"{first.url}/me", user.email, user.password)
            cookies = browser.session_cookie(first.url)
        session = {"cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
        yield Town(plane, client.id, [first, second], session, given)


def test_a_change_counts_everywhere_once_its_receipt_is_complete(town: Town) -> None:
    assert set(town.answers()) == {(403, "role_missing")}
    town.apply("approver")
    slowest = town.until((200, None))
    assert slowest < BOUND + SLACK
    for role, expected in (
        ("reader", (403, "role_missing")),
        ("approver", (200, None)),
        (None, (403, "role_missing")),
    ):
        version = town.apply(role)
        receipt = town.command("feed", "receipt", "--wait", "20", "--json")
        assert receipt.returncode == 0, receipt
        # Not one answer by the version before.
        assert set(town.answers()) == {expected}
        loaded = [worker["version"] for site in town.sites for worker in site.workers().values()]
        assert set(loaded) == {version}
    # Whoever is idle loads it too, and says so.
    wait_until(lambda: gates(town) == 2 + 1, "every follower's word of what it has loaded")


def gates(town: Town) -> int:
    """How many followers have loaded the version that counts: of a shared view one, else each worker."""
    listed = json.loads(town.command("policy", "list", "--json").stdout)["policies"]
    town.command("feed", "receipt", "--wait", "5")
    return int(listed[0]["gates"])


def test_versions_are_listed_compared_and_rolled_back(town: Town) -> None:
    before = town.apply("approver")
    after = town.apply("reader")
    town.until((403, "role_missing"))
    listed = json.loads(town.command("policy", "list", "--json").stdout)["policies"]
    assert [one["version"] for one in listed[:2]] == [after, before]
    assert [one["current"] for one in listed[:2]] == [True, False]
    difference = town.command("policy", "diff", str(before), str(after)).stdout
    removed = [line for line in difference.splitlines() if line.startswith("-")]
    added = [line for line in difference.splitlines() if line.startswith("+")]
    assert any("approver" in line for line in removed)
    assert any("reader" in line for line in added)
    assert "approver" in town.command("policy", "show", str(before)).stdout
    refused = town.command("policy", "roll-back", str(before))
    assert refused.returncode != 0
    assert "--yes" in refused.stderr
    done = town.command("policy", "roll-back", str(before), "--note", "too narrow", "--yes", "--wait")
    assert done.returncode == 0, done
    assert f"Version {after + 1} counts now." in done.stdout
    assert set(town.answers()) == {(200, None)}
    unknown = town.command("policy", "show", "999999")
    assert unknown.returncode != 0
    assert "policy_unknown" in unknown.stderr


def test_a_bundle_that_cannot_be_fetched_is_not_stood_in_for_by_the_one_before(town: Town) -> None:
    town.apply("approver")
    town.until((200, None))
    town.plane.line.cut("/policy")
    try:
        town.apply("reader")
        receipt = town.command("feed", "receipt", "--wait", "20")
        assert receipt.returncode == 0, receipt
        assert set(town.answers()) == {(503, "policy_stale")}
        assert not any(worker["ready"] for site in town.sites for worker in site.workers().values())
        # Who needs no caller is served.
        assert httpx.get(f"{town.sites[0].url}/worker").status_code == 200
    finally:
        town.plane.line.mend("/policy")
    town.until((403, "role_missing"))


def test_no_worker_decides_by_the_version_before_past_the_bound_when_the_feed_is_cut(town: Town) -> None:
    town.apply("approver")
    town.until((200, None))
    town.plane.line.cut("/feed")
    try:
        town.apply("reader")
        applied = time.monotonic()
        answers = town.meanwhile(lambda: time.monotonic() > applied + BOUND + SLACK + 1)
        late = {answer for asked, answer in answers if asked > applied + BOUND}
        assert late == {(503, "feed_stale")}
        early = {answer for asked, answer in answers if asked <= applied + BOUND}
        assert early <= {(200, None), (503, "feed_stale")}
    finally:
        town.plane.line.mend("/feed")
    town.until((403, "role_missing"))


def test_an_application_that_begins_without_a_bundle_lets_nobody_in(town: Town, tmp_path: Path) -> None:
    town.apply("approver")
    town.until((200, None))
    town.plane.line.cut("/policy")
    try:
        with served(tmp_path, "web-3", town.given, free_port(), SEALGATE_SHARED_VIEW="off") as site:
            assert site.ask(town.session) == (503, "policy_stale")
            town.plane.line.mend("/policy")
            wait_until(lambda: site.ask(town.session) == (200, None), "the bundle")
    finally:
        town.plane.line.mend("/policy")
