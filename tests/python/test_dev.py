"""`sealgate dev`: one command from a file to a signed-in user, against running processes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from lab import Browser, Process, free_port, sign_in, wait_until
from lab.control_plane import program

ROOT = Path(__file__).resolve().parents[2]
TUTORIAL = ROOT / "docs" / "examples" / "tutorial.py"

STRICT = """
from fastapi import Depends, FastAPI
from sealgate import Gate, User

app, gate = FastAPI(), Gate.from_env()
gate.install(app)
print("noise while it is imported")


@app.get("/reports")
def reports(user: User = Depends(gate.user(scopes=["reports:read"], roles=["auditor"]))) -> str:
    return user.email or ""
"""


def command(*options: str) -> list[str]:
    python = [] if "--python" in options else ["--python", sys.executable]
    return [program(), "--json", "dev", *python, *options]


def environment() -> dict[str, str]:
    """This process's, without settings of another gate and with the package that is under test."""
    mine = {name: value for name, value in os.environ.items() if not name.startswith("SEALGATE_")}
    return {**mine, "PYTHONDONTWRITEBYTECODE": "1"}


def refused(folder: Path, *options: str) -> tuple[int, dict[str, Any]]:
    """How a start ends that does not come to anything: its exit status, and what it says."""
    done = subprocess.run(
        command(*options), cwd=folder, env=environment(), capture_output=True, text=True, timeout=60
    )
    return done.returncode, json.loads(done.stdout)["error"]


def is_open(port: int) -> bool:
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0


@dataclass(frozen=True)
class Running:
    """`sealgate dev` and what it said at its start."""

    process: Process
    said: dict[str, Any]

    @property
    def url(self) -> str:
        return str(self.said["application"])

    def gone(self) -> bool:
        """Whether nobody listens any more, neither the application nor the control plane."""
        ports = [int(self.said[name].rpartition(":")[2]) for name in ("application", "control_plane")]
        return not any(is_open(port) for port in ports)

    def application(self) -> int:
        """The process id of uvicorn."""
        children = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        (pid,) = {int(pid) for path in children for pid in path.read_text().split()}
        return pid


@contextmanager
def dev(folder: Path, target: str, *options: str) -> Generator[Running]:
    """`sealgate dev TARGET` in `folder`, until it serves."""
    log = folder / "dev.log"
    ports = ["--port", str(free_port()), "--plane-port", str(free_port())]
    started = command(target, *(ports if "--port" not in options else []), *options)
    process = Process("sealgate dev", started, log=log, env=environment(), cwd=folder)

    def announced() -> dict[str, Any] | None:
        text = log.read_text(errors="replace")
        begin, end = text.find('{\n  "target"'), text.find("\n}\n")
        return json.loads(text[begin : end + 2]) if 0 <= begin < end else None

    def serves() -> bool:
        process.check()
        said = announced()
        if said is None:
            return False
        try:
            httpx.get(f"{said['application']}/health", timeout=2)
        except httpx.TransportError:
            return False
        return True

    try:
        wait_until(serves, "sealgate dev", 40)
        yield Running(process, announced() or {})
    finally:
        process.stop()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A directory with the application of the tutorial in it."""
    shutil.copy(TUTORIAL, tmp_path / "hello.py")
    return tmp_path


def test_one_command_leads_to_a_signed_in_user_and_follows_changes(folder: Path) -> None:
    with dev(folder, "hello:app") as running, Browser() as browser:
        user, password = running.said["user"], running.said["password"]
        assert httpx.get(f"{running.url}/me").status_code == 401
        page = sign_in(browser, f"{running.url}/me", user, password)
        assert (page.status, json.loads(page.text)) == (200, {"email": "dev@example.com"})

        source = folder / "hello.py"
        source.write_text(source.read_text().replace('{"email"', '{"address"'))
        wait_until(lambda: '"address"' in browser.open(f"{running.url}/me").text, "the new code", 20, 0.1)

        assert running.process.interrupt() == 0
        assert running.gone()

    kept = folder / ".sealgate-dev"
    assert kept.stat().st_mode & 0o777 == 0o700
    assert (kept / ".gitignore").read_text() == "*\n"
    text = (folder / "dev.log").read_text()
    assert text.count(password) == 1, "the password is told once and logged nowhere"


def test_a_later_start_keeps_accounts_and_sessions_and_reset_forgets_them(folder: Path) -> None:
    with dev(folder, "hello:app") as first, Browser() as browser:
        sign_in(browser, f"{first.url}/me", first.said["user"], first.said["password"])
        cookie = browser.session_cookie(first.url)
        status, error = refused(folder, "hello:app", "--port", "0", "--plane-port", "0")
        assert (status, error["reason"]) == (3, "store_locked")
        status, error = refused(folder, "--reset")
        assert (status, error["reason"]) == (3, "dev_running")
        assert first.process.stop() == 0
    app, plane = (first.said[name].rpartition(":")[2] for name in ("application", "control_plane"))
    with dev(folder, "hello:app", "--port", app, "--plane-port", plane) as second:
        assert second.said == first.said
        wait_until(lambda: httpx.get(f"{second.url}/me", cookies=cookie).is_success, "the session", 10)
    with dev(folder, "hello:app", "--reset") as third:
        assert third.said["password"] != first.said["password"]


def test_what_routes_ask_for_is_seeded(folder: Path) -> None:
    (folder / "strict.py").write_text(STRICT)
    with dev(folder, "strict:app", "--no-reload", "--scope", "more") as running, Browser() as browser:
        assert running.said["scopes"] == ["more", "reports:read"]
        assert running.said["roles"] == ["admin", "auditor"]
        page = sign_in(browser, f"{running.url}/reports", running.said["user"], running.said["password"])
        assert (page.status, page.text) == (200, '"dev@example.com"')
        data = ["--data-dir", str(folder / running.said["data_dir"])]
        listed = subprocess.run(
            [program(), "--json", "resource", "list", *data], check=True, capture_output=True, text=True
        )
        (resource,) = json.loads(listed.stdout)
        assert (resource["uri"], resource["client"]) == (running.url, "app")
        assert [scope["name"] for scope in resource["scopes"]] == ["more", "reports:read"]


def test_what_an_application_starts_while_it_is_imported_is_not_waited_for(folder: Path) -> None:
    starts = """
import subprocess, sys, threading, time
threading.Thread(target=lambda: time.sleep(20)).start()
print("noise", flush=True)
held = subprocess.Popen([sys.executable, "-c", "import time; print('late', flush=True); time.sleep(20)"])
"""
    (folder / "busy.py").write_text(starts + STRICT)
    python = [sys.executable, "-m", "sealgate._dev", "busy:app"]
    settings = {
        "SEALGATE_ISSUER": "http://127.0.0.1:1",
        "SEALGATE_BASE_URL": "http://127.0.0.1:2",
        "SEALGATE_CLIENT_ID": "app",
        "SEALGATE_CLIENT_SECRET": "unused",
        "SEALGATE_SEAL_KEYS": subprocess.run(
            [program(), "seal-key", "generate"], check=True, capture_output=True, text=True
        ).stdout.strip(),
    }
    with (folder / "errors").open("w") as errors:
        done = subprocess.run(
            python,
            cwd=folder,
            env=environment() | settings,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            timeout=15,
        )
    assert json.loads(done.stdout) == {"scopes": ["reports:read"], "roles": ["auditor"]}


def test_a_settings_file_does_not_lead_to_another_provider(folder: Path) -> None:
    (folder / "strict.py").write_text(STRICT.replace("from_env()", "from_env('settings.env')"))
    (folder / "settings.env").write_text("SEALGATE_PROVIDER=openid\n")
    with dev(folder, "strict:app", "--no-reload") as running:
        assert "no revocation feed" not in running.process.tail(40)


def test_the_example_runs_without_any_option(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples/expense_tracker/expense_tracker", tmp_path / "expense_tracker")
    with dev(tmp_path, "expense_tracker.app:app") as running, Browser() as browser:
        page = sign_in(browser, f"{running.url}/app", running.said["user"], running.said["password"])
        assert page.status == 200
        assert "Nothing yet." in page.text


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_an_application_that_is_killed_takes_the_control_plane_with_it(folder: Path) -> None:
    with dev(folder, "hello:app") as running:
        os.kill(running.application(), signal.SIGKILL)
        assert running.process.wait(10) == 1
        wait_until(running.gone, "both ports to be free", 5)
        assert "dev_application_ended" in running.process.tail(40)


def test_an_application_that_does_not_start_ends_the_command(folder: Path) -> None:
    (folder / "torn.py").write_text(STRICT + "\nraise RuntimeError('not today')\n")
    log = folder / "dev.log"
    options = ["torn:app", "--no-reload", "--port", str(free_port()), "--plane-port", str(free_port())]
    process = Process("sealgate dev", command(*options), log=log, env=environment(), cwd=folder)
    assert process.wait(40) == 1
    said = log.read_text()
    assert "not today" in said
    assert "dev_application_ended" in said


def test_what_cannot_run_is_refused_with_the_way_out(folder: Path) -> None:
    (folder / "torn.py").write_text("app = 1\n")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        free = ["--port", "0", "--plane-port", "0"]
        for options, status, reason, hint in [
            (["hello:app", "--port", port], 3, "address_unusable", "--port"),
            (["hello:app", "--port", "0", "--plane-port", port], 3, "address_unusable", "--plane-port"),
            (["hello:app", "--host", "0.0.0.0"], 2, "dev_not_loopback", "operate-the-control-plane"),
            (["helo:app", *free], 2, "dev_target_missing", "main:app"),
            (["hello:ap", *free], 2, "dev_target_missing", "main:app"),
            (["hello", *free], 2, "dev_target_missing", "main:app"),
            (["hello:app", *free, "--python", "/nowhere/python"], 2, "python_unusable", None),
            (["hello:app", *free, "--python", "/bin/false"], 2, "python_unusable", "--python"),
            (["hello:app", *free, "--scope", 'a"b'], 1, "scope_malformed", None),
        ]:
            found, error = refused(folder, *options)
            assert (found, error["reason"]) == (status, reason), options
            assert (hint is None) or hint in error["hint"], error
