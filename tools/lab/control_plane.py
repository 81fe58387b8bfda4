"""A control plane of our own, run and administered as an operator would."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
from sealgate.testing import Client, Person
from sealgate.testing import ControlPlane as PlainControlPlane
from sealgate.testing.control_plane import program

from lab.processes import LabError, free_port
from lab.tls import Tls

__all__ = ["Client", "ControlPlane", "User", "program"]

User = Person


class ControlPlane(PlainControlPlane):
    """The control plane that applications are tested with, with https, a path, and its administration."""

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
        port = port or free_port()
        self._issuer = f"{'https' if tls else 'http'}://127.0.0.1:{port}{path}"
        options = ["--issuer", self._issuer] if path else []
        if tls:
            options += ["--tls-cert", str(tls.cert), "--tls-key", str(tls.key)]
        super().__init__(folder, port=port, options=options, env=env)

    @property
    def issuer(self) -> str:
        """Its URL."""
        return self._issuer

    def add_service(self, name: str, scopes: Sequence[str], options: Sequence[str] = ()) -> Client:
        """Registers a service that asks for tokens for itself, with further options of `client add`."""
        return self.add_machine(name, scopes, options)

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
