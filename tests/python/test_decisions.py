"""The log of decisions, against running processes: what was denied is there once, whatever was killed."""

from __future__ import annotations

import json
import secrets
import sqlite3
import subprocess
import time
from base64 import urlsafe_b64encode
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from lab import Application, Browser, ControlPlane, User, free_port, settings, sign_in, wait_until
from sealgate.testing.control_plane import program

_EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "expense_tracker"

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@dataclass(frozen=True)
class World:
    """A control plane, and the settings of an application behind a gate."""

    plane: ControlPlane
    ada: User
    folder: Path
    port: int
    env: dict[str, str]

    def application(self, **env: str) -> Application:
        """The application as a process of its own; it is started by `with`."""
        return Application(
            "expense_tracker.app:app",
            port=self.port,
            folder=self.folder,
            env=self.env | env,
            app_dir=_EXAMPLE,
            name=f"app-{secrets.token_hex(4)}",
        )

    @property
    def spool(self) -> Path:
        """The directory of batches that wait."""
        return self.folder / "spool"

    def denied(self, **filters: str) -> list[dict[str, Any]]:
        """What the log has of requests that were denied, newest first."""
        options = [part for name, value in filters.items() for part in (f"--{name}", value)]
        found: list[dict[str, Any]] = self.plane.cli(
            "decision", "list", "--stream", "denied", "--limit", "100000", *options
        )
        return found


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with ControlPlane(tmp_path) as plane:
        port = free_port()
        base_url = f"http://127.0.0.1:{port}"
        ada = plane.add_user("ada@example.com", "Ada")
        client = plane.add_client("Expense tracker", base_url)
        seal_key = urlsafe_b64encode(secrets.token_bytes(32)).decode()
        env = settings(plane.issuer, client, base_url, seal_key)
        env |= {
            "EXPENSES_DATABASE": str(tmp_path / "expenses.db"),
            "SEALGATE_SPOOL": str(tmp_path / "spool"),
        }
        (tmp_path / "spool").mkdir()
        yield World(plane, ada, tmp_path, port, env)


def knock(url: str, times: int, marks: str) -> None:
    """Asks without a credential, so many times: every answer is a refusal."""
    with httpx.Client() as http:
        for number in range(times):
            answer = http.get(f"{url}/expenses?{marks}={number}")
            assert answer.status_code == 401, answer.text


def heard(world: World, expected: int) -> None:
    """Waits until the log has so many refusals."""
    wait_until(lambda: total(world.denied()) == expected, f"{expected} refusals", 20, 0.2)


def total(records: list[dict[str, Any]]) -> int:
    return sum(record["count"] for record in records)


def test_what_is_denied_while_the_control_plane_is_killed_is_there_once(world: World) -> None:
    with world.application() as app:
        knock(app.url, 20, "before")
        with ThreadPoolExecutor(4) as pool:
            floods = [pool.submit(knock, app.url, 60, f"flood{one}") for one in range(4)]
            time.sleep(0.15)
            world.plane.kill()
            for flood in floods:
                flood.result()
        knock(app.url, 50, "away")
        world.plane.restart()
        knock(app.url, 15, "between")
        # Once more, in the middle of what comes in from the spool.
        world.plane.kill()
        knock(app.url, 40, "again")
        world.plane.restart()
        knock(app.url, 5, "after")
        expected = 20 + 4 * 60 + 50 + 15 + 40 + 5
        wait_until(lambda: total(world.denied()) >= expected, "everything that was denied", 60, 0.5)
        time.sleep(1.5)
        records = world.denied()
        assert total(records) == expected, Counter(record["reason"] for record in records)
        assert {record["reason"] for record in records} == {"credential_missing"}
        verified = {stream["stream"]: stream for stream in world.plane.cli("decision", "verify")}
        assert verified["denied"]["decisions"] == expected
        assert [stream["faults"] for stream in verified.values()] == [[], []]
        waiting = list(world.spool.rglob("*.denied"))
        assert waiting == []


def test_what_one_process_wrote_down_another_delivers(world: World) -> None:
    with world.application() as app:
        knock(app.url, 3, "there")
        wait_until(lambda: total(world.denied()) == 3, "what came before", 20, 0.2)
        world.plane.kill()
        knock(app.url, 70, "away")

        def written() -> int:
            return sum(int(file.name.split(".")[0].split("-")[3]) for file in world.spool.rglob("*.denied"))

        wait_until(lambda: written() == 70, "all of it to be on the disk", 20, 0.1)
        app.kill()
    modes = {file.stat().st_mode & 0o777 for file in world.spool.rglob("*.denied")}
    assert modes == {0o600}
    (damaged, *_) = sorted(world.spool.rglob("*.denied"))
    lost = int(damaged.name.split(".")[0].split("-")[3])
    content = bytearray(damaged.read_bytes())
    content[-1] ^= 1
    damaged.write_bytes(content)
    world.plane.restart()
    with world.application():
        wait_until(lambda: total(world.denied()) >= 73 - lost, "what was on the disk", 30, 0.3)
        wait_until(lambda: bool(told_lost(world)), "the loss to be put on record", 30, 0.3)
        assert total(world.denied()) == 73 - lost
        assert told_lost(world) == [lost]


def told_lost(world: World) -> list[int]:
    records = world.plane.cli("audit", "list", "--action", "decisions.lost")
    return [record["count"] for record in records]


def test_the_last_word_of_a_process_is_heard(world: World) -> None:
    with world.application() as app:
        wait_until(lambda: httpx.get(f"{app.url}/health").status_code == 200, "the application", 10)
        knock(app.url, 12, "last")
        app.stop()
    assert total(world.denied()) == 12


def test_a_record_tells_who_and_where_and_no_path_and_no_query(world: World) -> None:
    with world.application() as app:
        with Browser() as browser:
            page = sign_in(browser, f"{app.url}/app", world.ada.email, world.ada.password)
            assert page.status == 200, page.text
            cookie = browser.session_cookie(app.url)
        headers = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
        answer = httpx.get(f"{app.url}/expenses?private=word", cookies=cookie, headers=headers)
        assert answer.status_code == 200
        httpx.get(f"{app.url}/no/such/confidential/path")

        def told() -> list[dict[str, Any]]:
            found: list[dict[str, Any]] = world.plane.cli("decision", "list", "--trace", TRACE)
            return found

        wait_until(lambda: bool(told()), "the record", 20, 0.2)
        (record,) = told()
        session = world.plane.cli("session", "list", "--user", world.ada.email)[0]
        expected = {
            "stream": "allowed",
            "outcome": "allowed",
            "reason": None,
            "actor_kind": "user",
            "actor": session["user"],
            "session": session["id"],
            "client": world.env["SEALGATE_CLIENT_ID"],
            "application": world.env["SEALGATE_CLIENT_ID"],
            "credential": "session",
            "route": "/expenses",
            "method": "GET",
            "transport": "http",
            "network": "127.0.0.0/24",
            "trace": TRACE,
            "count": 1,
        }
        assert {name: record[name] for name in expected} == expected
        by_session = world.plane.cli("decision", "list", "--session", session["id"], "--route", "/expenses")
        assert [one["position"] for one in by_session] == [record["position"]]
        wait_until(lambda: total(world.denied()) >= 1, "the refusal", 20, 0.2)
    (file,) = world.folder.rglob("decisions.db")
    assert file.stat().st_mode & 0o777 == 0o600
    rows = sqlite3.connect(f"file:{file}?mode=ro", uri=True).execute("SELECT body FROM block").fetchall()
    kept = b"".join(body for (body,) in rows)
    assert b"/expenses" in kept
    for secret in (b"confidential", b"private", b"word", cookie.popitem()[1].encode()[:20]):
        assert secret not in kept


def test_sampling_leaves_out_what_is_allowed_and_counts_it(world: World) -> None:
    with world.application(SEALGATE_DECISIONS_ALLOWED="none") as app:
        for _ in range(25):
            assert httpx.get(f"{app.url}/health").status_code == 200
        knock(app.url, 4, "denied")
        wait_until(lambda: total(world.denied()) == 4, "what was denied", 20, 0.2)
        allowed = world.plane.cli("decision", "list", "--stream", "allowed")
        assert allowed == []


def test_what_was_altered_behind_its_back_is_found(world: World) -> None:
    with world.application() as app:
        for round_ in range(3):
            knock(app.url, 5, f"round{round_}")
            heard(world, 5 * (round_ + 1))
    (file,) = world.folder.rglob("decisions.db")
    with sqlite3.connect(file) as database:
        database.execute("UPDATE block SET kept_at = kept_at + 1 WHERE stream = 1 AND place = 2")
    command = [program(), "--json", "decision", "verify", "--data-dir", str(world.plane.data_dir)]
    failed = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert failed.returncode == 1, failed.stderr
    faults = [fault for stream in json.loads(failed.stdout) for fault in stream["faults"]]
    assert {"place": 2, "reason": "decisions_block_hash"} in faults
