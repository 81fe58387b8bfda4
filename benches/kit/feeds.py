"""Revocations and who hears of them: real gates, bare readers, and a bare server for those."""

from __future__ import annotations

import base64
import json
import secrets
import subprocess
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urlsplit

import httpx
from lab import Client, ControlPlane, Process, free_port

from kit import environments
from kit.servers import until_answer

RESOURCE = "https://reports.example"
"""What the tokens are for. No client serves it, so that whoever revokes one tells every client."""


@dataclass(frozen=True)
class Machine:
    """A service whose tokens every gate takes."""

    plane: ControlPlane
    client: Client

    @classmethod
    def on(cls, plane: ControlPlane) -> Machine:
        """Registers it."""
        plane.add_resource(RESOURCE, "Reports", ["reports"])
        return cls(
            plane,
            plane.add_service("Machine", ["reports"], ["--resource", RESOURCE, "--access-lifetime", "3600"]),
        )

    @property
    def authorization(self) -> str:
        """How it says who it is."""
        return basic(self.client)

    def tokens(self, number: int) -> list[str]:
        """So many tokens, no two alike."""
        form = {"grant_type": "client_credentials", "resource": RESOURCE}
        headers = {"authorization": self.authorization}
        with httpx.Client(base_url=self.plane.issuer, headers=headers, timeout=20) as http:
            answers = [http.post("/oauth/token", data=form) for _ in range(number)]
        return [str(answer.raise_for_status().json()["access_token"]) for answer in answers]

    def gate(self, number: int) -> dict[str, str]:
        """Registers an application; its gate's settings, as arguments of the core."""
        url = f"http://127.0.0.1:{1024 + number}"
        client = add(self.plane, f"gate-number-{number}", f"{url}/auth/callback")
        return {
            "issuer": self.plane.issuer,
            "client_id": client.id,
            "client_secret": client.secret,
            "base_url": url,
            "seal_keys": secrets.token_urlsafe(32),
            "audiences": RESOURCE,
        }


def add(plane: ControlPlane, name: str, redirect_uri: str) -> Client:
    """Registers a confidential client."""
    told = plane.register(
        {"id": name, "name": name, "kind": "confidential", "redirect_uris": [redirect_uri], "scopes": []}
    )
    return Client(told["client"]["id"], told["secret"])


def basic(client: Client) -> str:
    """The value of `Authorization` (RFC 6749, 2.3.1)."""
    pair = f"{quote(client.id, safe='')}:{quote(client.secret, safe='')}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


def place(plane: ControlPlane, client: Client) -> str:
    """The address of the stream from where the feed is now."""
    headers = {"authorization": basic(client)}
    answer = httpx.get(f"{plane.issuer}/feed/snapshot?nonce=benchmark", headers=headers, timeout=20)
    epoch, _, number = answer.raise_for_status().headers["etag"].strip('"').rpartition(".")
    return f"/feed/events?epoch={epoch}&after={number}"


def bare_tokens(number: int) -> list[str]:
    """Tokens of the same size as real ones, which nobody checks."""
    made: list[str] = []
    for _ in range(number):
        claims = json.dumps({"jti": secrets.token_hex(16), "sub": "machine" * 30})
        payload = base64.urlsafe_b64encode(claims.encode()).rstrip(b"=").decode()
        made.append(f"{'h' * 80}.{payload}.{'s' * 86}")
    return made


@contextmanager
def bare_server(folder: Path) -> Generator[str]:
    """The server of benches/native that writes a row and tells everybody; its address."""
    folder.mkdir(parents=True, exist_ok=True)
    address = f"127.0.0.1:{free_port()}"
    command = [str(environments.native() / "broadcast"), address, str(folder)]
    with Process("the bare feed", command, log=folder / "broadcast.log") as process:
        until_answer(f"http://{address}/", process)
        yield address


class Subscribers:
    """Streams of a feed in one process of benches/native."""

    def __init__(self, address: str, target: str, authorizations: Sequence[str]) -> None:
        """Opens none yet."""
        self._plan = {"address": address, "target": target, "authorizations": list(authorizations)}
        program = str(environments.native() / "subscribers")
        self._process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.pid = self._process.pid

    def open(self, streams: int) -> None:
        """Opens so many more, and waits until each has brought something."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({**self._plan, "streams": streams}) + "\n")
        self._process.stdin.flush()
        self._told()

    def revoke(self, http: httpx.Client, token: str) -> tuple[float, float]:
        """Gives a token up; the milliseconds until the first stream and until the last had brought it."""
        began = time.time()
        answer = http.post("/oauth/revoke", data={"token": token})
        if answer.is_error:
            raise RuntimeError(f"a revocation was answered {answer.status_code}: {answer.text}")
        told = self._told()
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        if told["key"] != claims["jti"]:
            raise RuntimeError("the streams brought something else than what was revoked")
        return (told["first"] - began) * 1e3, (told["last"] - began) * 1e3

    def _told(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the subscribers ended with {self._process.wait()}; they may say why above")
        return dict(json.loads(line))

    def __enter__(self) -> Self:
        """Is itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends the process."""
        self._process.kill()
        self._process.communicate()


def caller(url: str, authorization: str = "") -> httpx.Client:
    """A connection for revocations."""
    headers = {"authorization": authorization} if authorization else {}
    return httpx.Client(base_url=url, headers=headers, timeout=20)


def address_of(plane: ControlPlane) -> str:
    """Where a control plane listens."""
    return urlsplit(plane.issuer).netloc
