"""The control plane, the proxy in front of it, and three applications of four workers each."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import sys
import time
from asyncio.subprocess import PIPE, Process
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from lab import Application, free_port
from sealgate.testing import ControlPlane

from chaos.faults import Fault
from chaos.ledger import Ledger
from chaos.probes import Workers

HERE = Path(__file__).resolve().parent
WORKERS = 4
TENANTS = ("acme", "globex")
CALLBACK = "http://127.0.0.1:9/callback"
"""Where the client that asks for users' tokens is sent back to; nobody goes there."""

CODE = ["authorization_code", "refresh_token"]


class Plane(ControlPlane):
    """A control plane that everybody reaches by way of the proxy."""

    def __init__(self, folder: Path, issuer: str) -> None:
        """Starts it with its data in `folder`; `issuer` is the proxy's URL."""
        self._issuer = issuer
        super().__init__(folder, options=["--issuer", issuer])

    @property
    def issuer(self) -> str:
        """Its URL, which is the proxy's."""
        return self._issuer

    @property
    def direct(self) -> str:
        """Where it listens itself."""
        return f"http://127.0.0.1:{self.port}"


_QUIET = ("--timeout-keep-alive", "120", "--no-access-log")
"""Connections of probers are not closed for want of anything to ask."""


@dataclass(slots=True)
class Gated:
    """An application under test."""

    name: str
    path: str
    """The route that is asked for."""
    client: str
    secret: str
    workers: Workers
    env: dict[str, str]
    server: Application | None = None
    disturbed: float = 0.0
    """When something last happened to it that is no fault of its own."""

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.workers.port}"


@dataclass(slots=True)
class World:
    """Everything that runs."""

    folder: Path
    seed: str
    bound: int
    ledger: Ledger
    plane: Plane
    proxy: Process
    applications: dict[str, Gated] = field(default_factory=dict[str, Gated])
    plane_turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    proxy_turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    @classmethod
    async def start(cls, folder: Path, seed: str, bound: int, ledger: Ledger) -> World:
        """Starts the control plane and the proxy; `open` starts the applications."""
        port = free_port()
        plane = await asyncio.to_thread(Plane, folder, f"http://127.0.0.1:{port}")
        command = [sys.executable, "-m", "chaos.proxy", str(port), str(plane.port), seed]
        log = (folder / "proxy.log").open("wb")
        try:
            proxy = await asyncio.create_subprocess_exec(
                *command,
                env={**os.environ, "PYTHONPATH": str(HERE.parent)},
                stdin=PIPE,
                stdout=PIPE,
                stderr=log,
                limit=1 << 20,
            )
        except BaseException:
            plane.stop()
            raise
        finally:
            log.close()
        assert proxy.stdout is not None
        await asyncio.wait_for(proxy.stdout.readline(), 20)
        return cls(folder, seed, bound, ledger, plane, proxy)

    async def open(self, name: str, path: str, workers: int = WORKERS, **settings: str) -> Gated:
        """Registers an application and starts it."""
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        told = await self.register(
            name,
            redirect_uris=[f"{url}/auth/callback"],
            scopes=["openid"],
            # Renewed within the run, so that renewals meet faults too.
            access_lifetime=60 if name == "sessions" else 600,
        )
        env = {
            "SEALGATE_ISSUER": self.plane.issuer,
            "SEALGATE_CLIENT_ID": name,
            "SEALGATE_CLIENT_SECRET": told["secret"],
            "SEALGATE_BASE_URL": url,
            "SEALGATE_SEAL_KEYS": secrets.token_urlsafe(32),
            "SEALGATE_SCOPES": "openid",
            "SEALGATE_STALENESS_BOUND": str(self.bound),
            **settings,
        }
        application = Gated(name, path, name, told["secret"], Workers(name, port), env)
        self.applications[name] = application
        await self.tell({"application": name, "parent": 0})  # Its weather begins with its first connection.
        await self.start_application(application, workers)
        return application

    async def start_application(self, application: Gated, workers: int = WORKERS) -> None:
        """Starts an application, or starts it again, and tells the proxy its process."""
        application.server = await asyncio.to_thread(self._run, application, workers)
        application.workers.parent = application.server.pid
        await self.tell({"application": application.name, "parent": application.server.pid})

    def _run(self, application: Gated, workers: int) -> Application:
        started = int(time.monotonic() * 1000)
        return Application(
            "app:app",
            port=application.workers.port,
            folder=self.folder,
            env=application.env,
            app_dir=HERE,
            # A worker that is stopped for a while is not to be replaced. One that is killed after uvicorn
            # asked how it is, and before it could say, is replaced only after that time.
            options=["--workers", str(workers), "--timeout-worker-healthcheck", "12", *_QUIET],
            name=f"{application.name}-{started}",
        )

    async def register(self, name: str, **more: Any) -> dict[str, Any]:
        """Registers a confidential client."""
        body: dict[str, Any] = {"id": name, "name": name, "kind": "confidential", "redirect_uris": [], **more}
        return dict(await self.administer("POST", "/clients", body))

    async def administer(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Asks the administration's API on its socket. Raises what httpx does."""
        door = httpx.AsyncHTTPTransport(uds=str(self.plane.data_dir / "admin.sock"))
        async with httpx.AsyncClient(transport=door, base_url="http://admin/api/v1", timeout=20) as http:
            answer = await http.request(method, path, json=body)
        if answer.is_error:
            raise httpx.HTTPStatusError(answer.text, request=answer.request, response=answer)
        return answer.json() if answer.content else {}

    async def tell(self, what: dict[str, Any]) -> dict[str, Any]:
        """Tells the proxy something; when this returns it has taken it in."""
        assert self.proxy.stdin is not None
        assert self.proxy.stdout is not None
        async with self.proxy_turn:
            self.proxy.stdin.write(json.dumps(what).encode() + b"\n")
            line = await asyncio.wait_for(self.proxy.stdout.readline(), 20)
        return dict(json.loads(line))

    async def weather(self, application: Gated, fault: Fault | None) -> None:
        """What the application's connections meet from now on."""
        await self.tell({"application": application.name, "fault": fault.told() if fault else None})

    async def restart_plane(self) -> None:
        """Starts the control plane again where it was."""
        await asyncio.to_thread(self.plane.restart)
        now = time.monotonic()
        self.ledger.note(now, "the control plane is back")
        for application in self.applications.values():
            application.disturbed = now

    async def stop(self) -> None:
        """Ends every process."""
        for application in self.applications.values():
            if application.server is not None:
                application.server.kill()
        with contextlib.suppress(ProcessLookupError):
            self.proxy.kill()
        await self.proxy.wait()
        await asyncio.to_thread(self.plane.stop)
