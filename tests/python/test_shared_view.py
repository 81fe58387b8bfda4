"""The workers of an application share one connection to the control plane and one view of what is revoked."""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from lab import Browser, Client, ControlPlane, Process, User, free_port, settings, sign_in, wait_until

FOLDER = Path(__file__).parent
PATHS = {"PYTHONPATH": f"{FOLDER}:{':'.join(sys.path)}"}


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Generator[ControlPlane]:
    with ControlPlane(tmp_path_factory.mktemp("plane")) as plane:
        yield plane


def subscribers(plane: ControlPlane) -> int:
    door = httpx.HTTPTransport(uds=str(plane.data_dir / "admin.sock"))
    with httpx.Client(transport=door, base_url="http://admin") as http:
        text = http.get("/metrics").text
    found = re.search(r"^sealgate_feed_subscribers(?:\{\})? (\d+)$", text, re.MULTILINE)
    assert found, text
    return int(found[1])


@dataclass
class Site:
    """An application with several workers, and somebody with an account."""

    plane: ControlPlane
    client: Client
    user: User
    url: str
    log: Path

    def signed_in(self) -> dict[str, str]:
        """A new session, as header fields."""
        with Browser() as browser:
            sign_in(browser, f"{self.url}/me", self.user.email, self.user.password)
            cookies = browser.session_cookie(self.url)
        return {"cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}

    def ask(self, session: dict[str, str]) -> httpx.Response:
        return httpx.get(f"{self.url}/me", headers=session)

    def workers(self, count: int) -> list[dict[str, Any]]:
        """What each of so many workers says; each answer is by whoever takes the connection."""
        found: dict[int, dict[str, Any]] = {}
        deadline = time.monotonic() + 15
        while len(found) < count:
            assert time.monotonic() < deadline, (found, self.log.read_text())
            try:
                said = httpx.get(f"{self.url}/worker", timeout=2).json()
            except httpx.TransportError:
                # Of a worker that was just killed.
                continue
            found[said["pid"]] = said
        return list(found.values())

    def is_refused_everywhere(self, session: dict[str, str]) -> bool:
        return all(self.ask(session).status_code == 401 for _ in range(30))


@contextmanager
def served(plane: ControlPlane, folder: Path, workers: int, view: str) -> Generator[Site]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    name = f"app-{port}"
    user = plane.add_user(f"{name}@example.com", "Ada")
    client = plane.add_client(name, url)
    given = settings(plane.issuer, client, url, secrets.token_urlsafe(32))
    env = {**given, **PATHS, "SEALGATE_SHARED_VIEW": view}
    command = ["uvicorn", "sharing:app", "--port", str(port), "--workers", str(workers)]
    log = folder / "server.log"
    with Process("uvicorn", [sys.executable, "-m", *command], log=log, env=env) as process:

        def answers() -> bool:
            process.check()
            try:
                return httpx.get(f"{url}/me", timeout=2).status_code == 401
            except httpx.TransportError:
                return False

        wait_until(answers, "uvicorn")
        yield Site(plane, client, user, url, log)


def session_of(site: Site, session: dict[str, str]) -> str:
    answer = site.ask(session)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["session"])


def test_four_workers_hear_by_one_connection_and_outlive_the_one_that_has_it(
    plane: ControlPlane, tmp_path: Path
) -> None:
    before = subscribers(plane)
    with served(plane, tmp_path, 4, str(tmp_path)) as site:
        workers = site.workers(4)
        assert all(worker["shared"] and worker["fresh"] and worker["connected"] for worker in workers)
        assert [worker["leading"] for worker in workers].count(True) == 1
        assert subscribers(plane) - before == 1

        first, second = site.signed_in(), site.signed_in()
        plane.cli("session", "revoke", session_of(site, first))
        wait_until(lambda: site.ask(first).status_code == 401, "the revocation")
        assert site.is_refused_everywhere(first)
        assert site.ask(second).status_code == 200

        leader = next(worker["pid"] for worker in workers if worker["leading"])
        os.kill(leader, signal.SIGKILL)
        killed = time.monotonic()
        others = {worker["pid"] for worker in workers} - {leader}
        heir: dict[str, Any] | None = None
        while heir is None:
            for worker in site.workers(3):
                assert worker["fresh"], worker
                if worker["leading"] and worker["pid"] != leader:
                    heir = worker
            assert time.monotonic() < killed + 3
        if heir["pid"] in others:
            assert heir["snapshots"] == 0, "it went on where the other one was"
        # Uvicorn starts another worker, which knows what all know.
        after = site.workers(4)
        assert all(worker["fresh"] and worker["entries"] >= 1 for worker in after)
        wait_until(lambda: subscribers(plane) - before == 1, "one connection again")
        plane.cli("session", "revoke", session_of(site, second))
        wait_until(lambda: site.ask(second).status_code == 401, "the revocation after that")
        assert site.is_refused_everywhere(second)
        assert site.is_refused_everywhere(first)


def test_each_has_its_own_view_where_nothing_is_shared(plane: ControlPlane, tmp_path: Path) -> None:
    before = subscribers(plane)
    with served(plane, tmp_path, 2, "off") as site:
        workers = site.workers(2)
        assert all(worker["fresh"] and worker["leading"] and not worker["shared"] for worker in workers)
        assert subscribers(plane) - before == 2
        session = site.signed_in()
        plane.cli("session", "revoke", session_of(site, session))
        time.sleep(0.5)
        assert site.is_refused_everywhere(session)


class Forking:
    """The program in `forking.py`."""

    def __init__(self, plane: ControlPlane, folder: Path, *options: str, view: str, bound: int = 10) -> None:
        name = f"fork-{free_port()}"
        client = plane.add_client(name, "http://127.0.0.1:8000")
        given = settings(plane.issuer, client, "http://127.0.0.1:8000", secrets.token_urlsafe(32))
        env = {**os.environ, **given, **PATHS, "SEALGATE_SHARED_VIEW": view}
        env["SEALGATE_STALENESS_BOUND"] = str(bound)
        self.log = folder / "forking.log"
        command = [sys.executable, str(FOLDER / "forking.py"), *options]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                command, env=env, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log
            )

    def line(self) -> Any:
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line, self.log.read_text()
        return json.loads(line)

    def order(self, order: str) -> list[dict[str, Any]]:
        assert self.process.stdin
        self.process.stdin.write(f"{order}\n")
        self.process.stdin.flush()
        return list(self.line())

    def until(self, holds: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
        deadline = time.monotonic() + 5
        while not holds(said := self.order("look")):
            assert time.monotonic() < deadline, (said, self.log.read_text())
            time.sleep(0.02)
        return said

    def __enter__(self) -> Forking:
        return self

    def __exit__(self, *_: object) -> None:
        with self.process:
            pass


def leaders(said: list[dict[str, Any]]) -> int:
    return [one["leading"] for one in said].count(True)


def test_a_forked_child_is_ready_at_once_and_the_next_one_goes_on(
    plane: ControlPlane, tmp_path: Path
) -> None:
    with Forking(plane, tmp_path, "started", view=str(tmp_path)) as forking:
        for _ in range(2):
            child = forking.line()
            assert (child["shared"], child["fresh"], child["leading"]) == (True, True, False), child
        said = forking.order("look")
        assert [one["leading"] for one in said] == [False, False, True], "the parent goes on"
        assert all(one["fresh"] for one in said)


def test_children_of_a_server_that_forks_first_share_one_connection(
    plane: ControlPlane, tmp_path: Path
) -> None:
    before = subscribers(plane)
    with Forking(plane, tmp_path, view=str(tmp_path)) as forking:
        for _ in range(2):
            forking.line()
        said = forking.until(lambda said: leaders(said) == 1 and all(one["connected"] for one in said))
        assert all(one["fresh"] for one in said), "and the parent sees it too, though it follows nothing"
        assert subscribers(plane) - before == 1
        forking.order("kill")
        said = forking.until(lambda said: leaders(said) == 1)
        assert [one["fresh"] for one in said] == [True, True]


def test_where_the_leader_is_stopped_another_one_stands_in_and_makes_way_again(
    plane: ControlPlane, tmp_path: Path
) -> None:
    bound = 4
    with Forking(plane, tmp_path, view=str(tmp_path), bound=bound) as forking:
        for _ in range(2):
            forking.line()
        forking.until(lambda said: leaders(said) == 1 and all(one["connected"] for one in said))
        forking.order("stop")
        stopped = time.monotonic()
        said = forking.order("look")
        while time.monotonic() < stopped + 2 * bound:
            said = forking.order("look")
            assert all(one["fresh"] for one in said), (said, time.monotonic() - stopped)
            time.sleep(0.1)
        assert [one["leading"] for one in said] == [True, False]
        assert "this one stands in" in forking.log.read_text()
        forking.order("go")
        said = forking.until(lambda said: leaders(said) == 1 and not said[0]["leading"])
        assert [one["leading"] for one in said] == [False, True, False], "the first leader has it again"
        assert all(one["fresh"] for one in said)


@pytest.mark.parametrize("why", ["missing", "open to others"])
def test_a_directory_that_cannot_be_used_is_told_once_and_done_without(
    plane: ControlPlane, tmp_path: Path, why: str
) -> None:
    place = tmp_path / "place"
    if why == "open to others":
        place.mkdir()
        (place / f"sealgate-{os.getuid()}").mkdir(mode=0o755)
        (place / f"sealgate-{os.getuid()}").chmod(0o755)
    with Forking(plane, tmp_path, "started", view=str(place)) as forking:
        for _ in range(2):
            assert not forking.line()["shared"]
        forking.until(lambda said: all(one["fresh"] for one in said))
        assert leaders(forking.order("look")) == 3, "each follows for itself"
    log = forking.log.read_text()
    assert "the revocation view cannot be shared with other processes" in log
    assert ("shared_view_unusable" if why == "missing" else "shared_view_foreign") in log
