"""A control plane for tests: the `sealgate` program as a process of its own, on a free loopback port.

It is a process because the server is no part of the Python extension. Its data is in a folder of its own,
and it ends with the `with` block.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sealgate.testing import signing_in
from sealgate.testing.processes import ControlPlaneError, Process, environment, free_port, wait_until

_PREFIX = "SEALGATE_"
"""Of settings, which are those of the application under test and not of its control plane."""


@dataclass(frozen=True, slots=True)
class Person:
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
    """The `sealgate` program: `SEALGATE_PROGRAM`, the one beside this Python, or the one on the path.

    Raises `ControlPlaneError` when there is none.
    """
    if named := os.environ.get("SEALGATE_PROGRAM"):
        return named
    beside = Path(sys.executable).parent / "sealgate"
    found = str(beside) if beside.exists() else shutil.which("sealgate")
    if found is None:
        raise ControlPlaneError(
            "the sealgate program is not installed: it comes with the package, `pip install sealgate`"
        )
    return found


class ControlPlane:
    """`sealgate serve` on a free loopback port.

    ```python
    with ControlPlane() as plane:
        ada = plane.add_user("ada@example.com")
    ```
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        port: int = 0,
        options: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
    ) -> None:
        """Starts it with its data in `folder`/data, or in a temporary folder, on `port` or a free one.

        `options` are further ones of `sealgate serve`, and `env` its settings. Raises `ControlPlaneError`
        when it does not start.
        """
        self._temporary = tempfile.TemporaryDirectory(prefix="sealgate-") if folder is None else None
        self.folder = Path(self._temporary.name) if self._temporary else Path(folder or "")
        self.data_dir = self.folder / "data"
        self.port = port or free_port()
        self.setup_url: str | None = None
        """The link that makes the first administrator, while there is none."""
        self._options = options
        self._env = dict(env or {})
        self._process = self._start()

    @property
    def issuer(self) -> str:
        """Its URL."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def _start(self) -> Process:
        log = self.folder / "control-plane.log"
        command = [program(), "--json", "serve", "--data-dir", str(self.data_dir)]
        command += ["--listen", f"127.0.0.1:{self.port}", *self._options]
        process = Process("the control plane", command, log=log, env=self._env, without=_PREFIX)

        def announced() -> bool:
            process.check()
            return _announcement(log) is not None

        try:
            wait_until(announced, "the control plane", pause=0.01)
        except BaseException:
            process.kill()
            raise
        setup: dict[str, Any] = (_announcement(log) or {}).get("setup") or {}
        self.setup_url = setup.get("url")
        return process

    def cli(self, *arguments: str, stdin: str | None = None) -> Any:
        """Runs `sealgate ARGUMENTS --json` on this control plane; what it printed, as JSON.

        Raises `ControlPlaneError` when it is refused.
        """
        done = subprocess.run(  # noqa: S603  # A program of ours, without a shell.
            [program(), "--json", *arguments, "--data-dir", str(self.data_dir)],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env={**environment(_PREFIX), "NO_COLOR": "1"},
        )
        if done.returncode != 0:
            command = " ".join(arguments)
            raise ControlPlaneError(f"sealgate {command} ended with {done.returncode}: {done.stderr.strip()}")
        return json.loads(done.stdout)

    def add_user(
        self, email: str, name: str = "", roles: Sequence[str] = (), tenant: str | None = None
    ) -> Person:
        """Adds an account with a random password."""
        password = secrets.token_urlsafe(15)
        options = _repeated("--role", roles)
        options += ["--tenant", tenant] if tenant else []
        self.cli("user", "add", email, "--name", name, *options, "--password-stdin", stdin=password + "\n")
        return Person(email=email, name=name, password=password)

    def add_client(
        self, name: str, base_url: str, scopes: Sequence[str] = (), options: Sequence[str] = ()
    ) -> Client:
        """Registers the application at `base_url`, with further options of `sealgate client add`."""
        added = self.cli(
            "client",
            "add",
            name,
            "--redirect-uri",
            f"{base_url}/auth/callback",
            "--logout-uri",
            f"{base_url}/",
            *options,
            *_repeated("--scope", scopes),
        )
        return Client(id=added["client"]["id"], secret=added["secret"])

    def add_machine(self, name: str, scopes: Sequence[str] = (), options: Sequence[str] = ()) -> Client:
        """Registers a client that asks for tokens for itself, with further options of `client add`."""
        scopes_told = _repeated("--scope", scopes)
        added = self.cli("client", "add", name, "--grant", "client_credentials", *options, *scopes_told)
        return Client(id=added["client"]["id"], secret=added["secret"])

    def add_resource(
        self, uri: str, name: str, scopes: Sequence[str] = (), options: Sequence[str] = ()
    ) -> None:
        """Registers what tokens can be for, with further options of `resource add`."""
        told = _repeated("--scope", [f"{scope}={scope}" for scope in scopes])
        self.cli("resource", "add", uri, name, *options, *told)

    def settings_for(
        self, base_url: str, *, name: str = "Application under test", scopes: Sequence[str] = ()
    ) -> dict[str, str]:
        """Registers the application at `base_url` and gives the settings of its gate, by their environment
        names. Its users sign in with `scopes` too.
        """
        client = self.add_client(name, base_url, scopes)
        return {
            "SEALGATE_ISSUER": self.issuer,
            "SEALGATE_CLIENT_ID": client.id,
            "SEALGATE_CLIENT_SECRET": client.secret,
            "SEALGATE_BASE_URL": base_url,
            "SEALGATE_SEAL_KEYS": secrets.token_urlsafe(32),
            "SEALGATE_SCOPES": " ".join(["openid", "profile", "email", *scopes]),
        }

    def sign_in(self, client: Any, person: Person) -> None:
        """Signs `person` in to the application that `client` talks to; `client` then has the session.

        `client` is a `TestClient` or an `httpx.Client` of the application. Raises `ControlPlaneError` when
        it does not end with a session.
        """
        signing_in.sign_in(client, self.issuer, person.email, person.password)

    async def sign_in_async(self, client: Any, person: Person) -> None:
        """The same with an `httpx.AsyncClient`."""
        await signing_in.sign_in_async(client, self.issuer, person.email, person.password)

    def token(self, client: Client, scopes: Sequence[str] = (), resource: str | None = None) -> str:
        """An access token of a machine for `resource`, by client credentials.

        Raises `ControlPlaneError` when it is refused.
        """
        form = {"grant_type": "client_credentials"}
        form |= {"scope": " ".join(scopes)} if scopes else {}
        form |= {"resource": resource} if resource else {}
        return signing_in.token(f"{self.issuer}/oauth/token", client.id, client.secret, form)

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
        """Stops it, and removes its data if that was in a temporary folder."""
        self.stop()
        if self._temporary:
            self._temporary.cleanup()


def _repeated(option: str, values: Sequence[str]) -> list[str]:
    return [part for value in values for part in (option, value)]


def _announcement(log: Path) -> dict[str, Any] | None:
    for line in log.read_text(errors="replace").splitlines(keepends=True):
        if line.startswith('{"issuer"') or line.startswith('{"listening"'):
            return dict(json.loads(line)) if line.endswith("\n") else None
    return None
