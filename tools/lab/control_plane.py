"""A control plane of our own, run and administered as an operator would."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from lab.processes import LabError, Process, free_port, wait_until
from lab.tls import Tls


@dataclass(frozen=True, slots=True)
class User:
    """An account and its password."""

    email: str
    name: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Client:
    """A registered client and its secret."""

    id: str
    secret: str = field(repr=False)


def program() -> str:
    """The `sealgate` program: `SEALGATE_PROGRAM`, the one beside this Python, or the one on the path."""
    if named := os.environ.get("SEALGATE_PROGRAM"):
        return named
    beside = Path(sys.executable).parent / "sealgate"
    found = str(beside) if beside.exists() else shutil.which("sealgate")
    if found is None:
        raise LabError("the sealgate program is not installed: `make venv` installs it")
    return found


class ControlPlane:
    """`sealgate serve` on a free loopback port."""

    def __init__(
        self,
        folder: Path,
        *,
        port: int = 0,
        tls: Tls | None = None,
        path: str = "",
        env: Mapping[str, str] | None = None,
    ) -> None:
        """Starts it with its data in `folder`/data, on `port` or a free one, with https if `tls` is given.

        `path` ends its issuer; `env` holds settings.
        """
        self.folder = folder
        self.data_dir = folder / "data"
        self.port = port or free_port()
        self.issuer = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}{path}"
        self._options = ["--issuer", self.issuer] if path else []
        if tls:
            self._options += ["--tls-cert", str(tls.cert), "--tls-key", str(tls.key)]
        self._env = dict(env or {})
        self._process = self._start()

    def _start(self) -> Process:
        log = self.folder / "control-plane.log"
        command = [program(), "--json", "serve", "--data-dir", str(self.data_dir)]
        command += ["--listen", f"127.0.0.1:{self.port}", *self._options]
        process = Process("the control plane", command, log=log, env=self._env)

        def announced() -> bool:
            process.check()
            return self._announcement(log) is not None

        try:
            wait_until(announced, "the control plane")
        except BaseException:
            process.kill()
            raise
        setup: dict[str, Any] = (self._announcement(log) or {}).get("setup") or {}
        self.setup_url: str | None = setup.get("url")
        return process

    @staticmethod
    def _announcement(log: Path) -> dict[str, Any] | None:
        for line in log.read_text(errors="replace").splitlines(keepends=True):
            if line.startswith('{"issuer"') or line.startswith('{"listening"'):
                return dict(json.loads(line)) if line.endswith("\n") else None
        return None

    def cli(self, *arguments: str, stdin: str | None = None) -> Any:
        """Runs `sealgate ARGUMENTS --json` on this control plane; what it printed."""
        done = subprocess.run(
            [program(), "--json", *arguments, "--data-dir", str(self.data_dir)],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env={**os.environ, "NO_COLOR": "1"},
        )
        if done.returncode != 0:
            command = " ".join(arguments)
            raise LabError(f"sealgate {command} ended with {done.returncode}: {done.stderr.strip()}")
        return json.loads(done.stdout)

    def add_user(self, email: str, name: str = "", roles: Sequence[str] = ()) -> User:
        """Adds an account with a random password."""
        password = secrets.token_urlsafe(15)
        options = [option for role in roles for option in ("--role", role)]
        self.cli("user", "add", email, "--name", name, *options, "--password-stdin", stdin=password + "\n")
        return User(email=email, name=name, password=password)

    def add_client(
        self, name: str, base_url: str, scopes: Sequence[str] = (), options: Sequence[str] = ()
    ) -> Client:
        """Registers the application at `base_url`, with further options of `sealgate client add`."""
        options = [*options, *(option for scope in scopes for option in ("--scope", scope))]
        added = self.cli(
            "client",
            "add",
            name,
            "--redirect-uri",
            f"{base_url}/auth/callback",
            "--logout-uri",
            f"{base_url}/",
            *options,
        )
        return Client(id=added["client"]["id"], secret=added["secret"])

    def add_service(self, name: str, scopes: Sequence[str], options: Sequence[str] = ()) -> Client:
        """Registers a service that asks for tokens for itself, with further options of `client add`."""
        options = [*options, *(option for scope in scopes for option in ("--scope", scope))]
        added = self.cli("client", "add", name, "--grant", "client_credentials", *options)
        return Client(id=added["client"]["id"], secret=added["secret"])

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def register(self, client: Mapping[str, Any]) -> dict[str, Any]:
        """Registers a client of any kind, told as the administration's JSON; its answer."""
        return self.administer("POST", "/clients", client)

    def administer(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Asks the administration's API on its socket; its answer."""
        door = httpx.HTTPTransport(uds=str(self.data_dir / "admin.sock"))
        with httpx.Client(transport=door, base_url="http://admin/api/v1", timeout=20) as http:
            answer = http.request(method, path, json=body)
        if answer.is_error:
            raise LabError(f"{method} {path} was answered {answer.status_code}: {answer.text}")
        return dict(answer.json()) if answer.content else {}

    def stop(self) -> int:
        """Stops it; its exit status."""
        return self._process.stop()

    def kill(self) -> None:
        """Ends it as a crash would."""
        self._process.kill()

    def restart(self) -> None:
        """Starts it again where it was."""
        self._process = self._start()

    def __enter__(self) -> Self:
        """Is the control plane itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stops it."""
        self.stop()
