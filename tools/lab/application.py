"""An application behind the gate, served by uvicorn."""

from __future__ import annotations

import ssl
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx

from lab.control_plane import Client
from lab.processes import Process, wait_until
from lab.tls import Tls


class Application(Process):
    """`uvicorn TARGET` on a loopback port."""

    def __init__(
        self,
        target: str,
        *,
        port: int,
        folder: Path,
        env: Mapping[str, str],
        app_dir: Path,
        tls: Tls | None = None,
        options: Sequence[str] = (),
        name: str = "application",
    ) -> None:
        """Starts `target` (`module:app`) from `app_dir` and waits until it answers."""
        command = [sys.executable, "-m", "uvicorn", target, "--host", "127.0.0.1", "--port", str(port)]
        command += ["--app-dir", str(app_dir), "--log-level", "warning", *options]
        if tls:
            command += ["--ssl-certfile", str(tls.cert), "--ssl-keyfile", str(tls.key)]
        super().__init__(f"the {name}", command, log=folder / f"{name}.log", env=env)
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
        verify = ssl.create_default_context(cafile=tls.authority) if tls else True

        def answers() -> bool:
            self.check()
            try:
                httpx.get(f"{self.url}/health", timeout=2, verify=verify)
            except httpx.TransportError:
                return False
            return True

        try:
            wait_until(answers, f"the {name}")
        except BaseException:
            self.kill()
            raise


def settings(issuer: str, client: Client, base_url: str, seal_key: str) -> dict[str, str]:
    """The gate's settings, as environment variables."""
    return {
        "SEALGATE_ISSUER": issuer,
        "SEALGATE_CLIENT_ID": client.id,
        "SEALGATE_CLIENT_SECRET": client.secret,
        "SEALGATE_BASE_URL": base_url,
        "SEALGATE_SEAL_KEYS": seal_key,
    }
