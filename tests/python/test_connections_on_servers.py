"""On real servers, streams and WebSockets end within a second of the word that ends their session."""

from __future__ import annotations

import secrets
import sys
import time
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from lab import Browser, Client, ControlPlane, Process, free_port, settings, sign_in, wait_until
from sealgate.connections import CLOSE_CODE
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

FOLDER = Path(__file__).parent
WITHIN = 1.0
"""Seconds from the operator's command to the last connection's end."""

SERVERS = {
    "uvicorn": ["uvicorn", "lasting:app", "--port", "{port}", "--http", "h11", "--ws", "websockets"],
    "hypercorn": ["hypercorn", "lasting:app", "--bind", "127.0.0.1:{port}"],
    "granian": ["granian", "lasting:app", "--interface", "asgi", "--port", "{port}"],
}
STREAMS = ["/events", "/blocking", "/quiet"]
SOCKETS = ["/echo", "/ticker"]


@dataclass
class Site:
    """An application on its server, and a browser that is signed in to it."""

    plane: ControlPlane
    client: Client
    url: str
    credential: dict[str, str]
    """As header fields."""

    def ask(self) -> httpx.Response:
        return httpx.get(f"{self.url}/me", headers=self.credential)

    def stream(self, path: str, begun: list[str]) -> tuple[float, str]:
        """Reads until the stream ends; when that was, and how."""
        with httpx.stream("GET", self.url + path, headers=self.credential, timeout=20) as answer:
            assert answer.status_code == 200
            try:
                for _ in answer.iter_raw():
                    if path not in begun:
                        begun.append(path)
            except httpx.RemoteProtocolError:
                return time.perf_counter(), "cut"
        return time.perf_counter(), "complete"

    def socket(self, path: str, begun: list[str]) -> tuple[float, tuple[int | None, str | None]]:
        """Reads until the socket is closed; when that was, and the close code and reason."""
        url = self.url.replace("http", "ws", 1) + path
        with connect(url, origin=Origin(self.url), additional_headers=self.credential) as ws:
            ws.send("hello")
            try:
                while True:
                    ws.recv(timeout=20)
                    if path not in begun:
                        begun.append(path)
            except ConnectionClosed as closed:
                received = closed.rcvd
                return time.perf_counter(), (
                    received.code if received else None,
                    received.reason if received else None,
                )


@contextmanager
def served(server: str, folder: Path, **env: str) -> Generator[Site]:
    """A control plane, and the application on `server` with somebody signed in."""
    pytest.importorskip(server)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with ControlPlane(folder) as plane:
        user = plane.add_user("ada@example.com", "Ada")
        client = plane.add_client("live", url)
        given = settings(plane.issuer, client, url, secrets.token_urlsafe(32))
        command = [sys.executable, "-m", *(part.format(port=port) for part in SERVERS[server])]
        path = {"PYTHONPATH": f"{FOLDER}:{':'.join(sys.path)}"}
        log = folder / "server.log"
        with Process(server, command, log=log, env={**given, **env, **path}) as process, Browser() as browser:

            def answers() -> bool:
                process.check()
                try:
                    return httpx.get(f"{url}/me", timeout=2).status_code == 401
                except httpx.TransportError:
                    return False

            wait_until(answers, server)
            sign_in(browser, f"{url}/me", user.email, user.password)
            cookies = browser.session_cookie(url)
            header = "; ".join(f"{name}={value}" for name, value in cookies.items())
            yield Site(plane, client, url, {"cookie": header})


@contextmanager
def everything(site: Site) -> Generator[dict[str, Future[Any]]]:
    """Every kind of connection, once each has carried something."""
    begun: list[str] = []
    with ThreadPoolExecutor(len(STREAMS) + len(SOCKETS)) as pool:
        ends: dict[str, Future[Any]] = {path: pool.submit(site.stream, path, begun) for path in STREAMS}
        ends |= {path: pool.submit(site.socket, path, begun) for path in SOCKETS}

        def all_begun() -> bool:
            for end in ends.values():
                if end.done():
                    end.result()
                    raise AssertionError("a connection ended by itself")
            return len(begun) == len(ends)

        wait_until(all_begun, "every connection to begin")
        yield ends


def assert_ended(ends: dict[str, Future[Any]], since: float, within: float, reason: str) -> None:
    took = {path: end.result(20)[0] - since for path, end in ends.items()}
    assert {path: end.result()[1] for path, end in ends.items()} == {
        **dict.fromkeys(STREAMS, "cut"),
        **dict.fromkeys(SOCKETS, (CLOSE_CODE, reason)),
    }
    assert max(took.values()) < within, took


@pytest.mark.parametrize("server", SERVERS)
def test_connections_end_within_a_second_of_a_revocation(server: str, tmp_path: Path) -> None:
    with served(server, tmp_path) as site, everything(site) as ends:
        session = site.ask().json()["session"]
        since = time.perf_counter()
        site.plane.cli("session", "revoke", session)
        assert_ended(ends, since, WITHIN, "session_revoked")
        assert site.ask().status_code == 401
        # With nothing at all there are two challenges in the answer, over which a server may stumble.
        for credential in (site.credential, {}):
            site.credential = credential
            with pytest.raises(InvalidStatus) as refused:
                site.socket("/echo", [])
            assert refused.value.response.status_code == 401
        assert site.ask().json()["reason"] == "credential_missing"


def test_connections_of_a_token_end_when_it_is_revoked(tmp_path: Path) -> None:
    with served("uvicorn", tmp_path) as site:
        named = ["--client", site.client.id, "--scope", "live:read=Read what is live"]
        site.plane.cli("resource", "add", site.url, "Live", *named)
        job = site.plane.add_service("job", ["live:read"], ["--resource", site.url])
        oauth = httpx.Client(base_url=site.plane.issuer, auth=(job.id, job.secret))
        with oauth:
            form = {"grant_type": "client_credentials", "resource": site.url, "scope": "live:read"}
            answer = oauth.post("/oauth/token", data=form)
            assert answer.status_code == 200, answer.text
            token = answer.json()["access_token"]
            site.credential = {"authorization": f"Bearer {token}"}
            with everything(site) as ends:
                since = time.perf_counter()
                oauth.post("/oauth/revoke", data={"token": token}).raise_for_status()
                assert_ended(ends, since, WITHIN, "token_revoked")
                assert site.ask().json()["reason"] == "token_revoked"


def test_connections_end_when_the_feed_is_silent_for_longer_than_the_bound(tmp_path: Path) -> None:
    bound = 2.0
    with (
        served("uvicorn", tmp_path, SEALGATE_STALENESS_BOUND=f"{bound:g}") as site,
        everything(site) as ends,
    ):
        since = time.perf_counter()
        site.plane.kill()
        assert_ended(ends, since, bound + WITHIN, "feed_stale")


def test_connections_end_when_the_session_expires(tmp_path: Path) -> None:
    lifetime = 4.0
    with served("uvicorn", tmp_path, SEALGATE_SESSION_LIFETIME=f"{lifetime:g}") as site:
        since = time.perf_counter()
        with everything(site) as ends:
            assert_ended(ends, since, lifetime + WITHIN, "session_expired")
