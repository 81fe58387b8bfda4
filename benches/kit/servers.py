"""The servers that are compared, each alone on one processor: ours, the bare floor, oidc-provider."""

from __future__ import annotations

import base64
import json
import socket
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
from lab import Client, ControlPlane, Process, free_port, wait_until
from lab.control_plane import program

from kit import environments
from kit.load import Plan, request
from kit.processors import server_processors, started_on

SCOPE = "reports"


@dataclass(frozen=True)
class TokenServer:
    """A running server that gives tokens to one client."""

    url: str
    token_path: str
    pid: int
    client: Client
    tokens: Sequence[str] = ()
    """Refresh tokens, each of a session of its own, where the server was asked for some."""

    def post(self, **parameters: str) -> Plan:
        """The client's request of a token, over and over."""
        name_and_secret = f"{self.client.id}:{self.client.secret}".encode()
        headers = [
            ("authorization", f"Basic {base64.b64encode(name_and_secret).decode()}"),
            ("content-type", "application/x-www-form-urlencoded"),
            ("accept", "application/json"),
        ]
        body = "&".join(f"{name}={value}" for name, value in parameters.items())
        return request("POST", self.url + self.token_path, headers, body)

    def client_credentials(self) -> Plan:
        """A token for the client itself."""
        return self.post(grant_type="client_credentials", scope=SCOPE)

    def checked(self) -> TokenServer:
        """Itself, once it has been seen to give a signed token, and none for wrong credentials."""
        stranger = replace(self, client=Client(self.client.id, self.client.secret[::-1]))
        for plan, status in ((self.client_credentials(), 200), (stranger.client_credentials(), 401)):
            lines = [line.split(": ", 1) for line in plan.head.splitlines()[1:]]
            headers = {name: value for name, value in lines if name != "host"}
            answer = httpx.post(self.url + self.token_path, headers=headers, content=plan.body)
            told = f"{answer.status_code}: {answer.text[:500]}"
            if answer.status_code != status:
                raise RuntimeError(f"{self.url} should answer {status}, and answers {told}")
            if status == 200 and answer.json()["access_token"].count(".") != 2:
                raise RuntimeError(f"{self.url} gives something else than a signed token: {told}")
        return self


@contextmanager
def control_plane(folder: Path) -> Generator[ControlPlane]:
    """A control plane of its own on the server's processor, with its data on the disk in `folder`."""
    with started_on(server_processors()):
        plane = ControlPlane(folder)
    with plane:
        yield plane


@contextmanager
def floor(folder: Path) -> Generator[TokenServer]:
    """The bare server of benches/native: it believes everybody."""
    folder.mkdir(parents=True, exist_ok=True)
    address = f"127.0.0.1:{free_port()}"
    command = [str(environments.native() / "floor"), address, str(folder)]
    with _started("the floor", command, folder.with_suffix(".log"), f"http://{address}/") as process:
        yield TokenServer(f"http://{address}", "/oauth/token", process.pid, Client("benchmark", "none"))


@contextmanager
def oidc_provider(folder: Path, sessions: int = 0) -> Generator[TokenServer]:
    """oidc-provider in memory, with so many sessions."""
    peer = environments.oidc_provider()
    port = free_port()
    command = [str(peer.node), str(peer.program), str(port), str(sessions)]
    log = folder / f"oidc-provider-{port}.log"
    with _started("oidc-provider", command, log, f"http://127.0.0.1:{port}/jwks") as process:
        told: dict[str, Any] = {}

        def says() -> bool:
            process.check()
            lines = [line for line in log.read_text().splitlines(keepends=True) if line.startswith("{")]
            told.update(json.loads(lines[0]) if lines and lines[0].endswith("\n") else {})
            return bool(told)

        wait_until(says, "oidc-provider's tokens")
        client = Client(**told["client"])
        yield TokenServer(f"http://127.0.0.1:{port}", "/token", process.pid, client, told["tokens"])


@contextmanager
def _started(name: str, command: Sequence[str], log: Path, url: str) -> Generator[Process]:
    with started_on(server_processors()):
        process = Process(name, command, log=log, env={"NODE_ENV": "production"})
    with process:
        until_answer(url, process)
        yield process


def serve_command(data_dir: Path, port: int) -> list[str]:
    """How `sealgate serve` is started on loopback."""
    return [program(), "serve", "--data-dir", str(data_dir), "--listen", f"127.0.0.1:{port}"]


def until_answer(url: str, process: Process) -> float:
    """Asks again and again, without a pause, until there is an answer; the seconds since the first."""
    where = httpx.URL(url)
    asked = f"GET {where.path} HTTP/1.0\r\nhost: {where.netloc.decode()}\r\n\r\n".encode()
    began = time.perf_counter()
    while time.perf_counter() - began < 20:
        process.check()
        try:
            with socket.create_connection((where.host, where.port or 80), timeout=5) as connection:
                connection.sendall(asked)
                if connection.recv(16).startswith(b"HTTP/1."):
                    return time.perf_counter() - began
        except OSError:
            time.sleep(0.0005)
    raise RuntimeError(f"{process.name} does not answer at {url}: {process.tail()}")
