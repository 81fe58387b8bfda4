"""What a benchmark is handed: environments, a control plane with one user, applications.

Whatever is costly is made once, when it is first asked for.
"""

from __future__ import annotations

import contextlib
import json
import secrets
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar, cast

from lab import Application, Browser, ControlPlane, User, free_port, settings, sign_in

from kit import environments
from kit.environments import Environment
from kit.processors import pin, server_processors
from kit.timed import PROGRAMS

_T = TypeVar("_T")

_ENGINE = "AppleWebKit/537.36 (KHTML, like Gecko)"

# What Chromium sends with `fetch()`.
_FETCH_HEADERS = [
    ("connection", "keep-alive"),
    ("user-agent", f"Mozilla/5.0 (X11; Linux x86_64) {_ENGINE} Chrome/142.0.0.0 Safari/537.36"),
    ("accept", "application/json"),
    ("sec-fetch-site", "same-origin"),
    ("sec-fetch-mode", "cors"),
    ("sec-fetch-dest", "empty"),
    ("accept-encoding", "gzip, deflate, br, zstd"),
    ("accept-language", "en-GB,en;q=0.9"),
]


@dataclass(frozen=True)
class GatedApplication:
    """A running application behind the gate, and how to sign in to it."""

    server: Application
    settings: Mapping[str, str]
    """The gate's settings, as environment variables."""
    user: User

    @property
    def core_settings(self) -> dict[str, str]:
        """The same settings as arguments of the core."""
        return {name.removeprefix("SEALGATE_").lower(): value for name, value in self.settings.items()}

    def signed_in_headers(self) -> list[tuple[str, str]]:
        """A browser's headers without `host`, with the cookie of a session that began just now.

        The user signs in through the hosted page, as a person does. The session's access part is good
        for five minutes: sign in anew for each measurement.
        """
        with Browser() as browser:
            page = sign_in(browser, self.server.url + "/", self.user.email, self.user.password)
            if page.status != 200 or json.loads(page.text) != {"email": self.user.email}:
                raise RuntimeError(f"signing in ended with {page.status} at {page.url}: {page.text[:500]}")
            cookies = browser.session_cookie(self.server.url)
        text = "; ".join(f"{name}={value}" for name, value in cookies.items())
        return [*_FETCH_HEADERS, ("cookie", text)]


class Bench:
    """The bench of one run."""

    def __init__(self, folder: Path, cleanup: contextlib.ExitStack) -> None:
        """`folder` is empty; what is started is put on `cleanup`. This process runs in the product's
        environment, so that `lab` starts the product's programs.
        """
        self.folder = folder
        self._cleanup = cleanup
        self._shared: dict[str, object] = {}
        self._applications = 0

    @cached_property
    def product(self) -> Environment:
        """The product as users install it: this process's environment."""
        return environments.product(build=False)

    @cached_property
    def peers(self) -> Environment:
        """The other libraries, never in the product's environment."""
        return environments.peers()

    @cached_property
    def control_plane(self) -> ControlPlane:
        """A running control plane, built for release."""
        return self._cleanup.enter_context(ControlPlane(self.folder / "control-plane"))

    @cached_property
    def user(self) -> User:
        """An account on the control plane."""
        return self.control_plane.add_user("ada.lovelace@example.com", "Ada Lovelace", ["accountant"])

    @contextlib.contextmanager
    def gated_application(self, options: Sequence[str] = ()) -> Generator[GatedApplication]:
        """The route behind the gate, in an application that is registered at the control plane.

        `options` are uvicorn's.
        """
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        client = self.control_plane.add_client("Benchmark", url)
        environment = settings(self.control_plane.issuer, client, url, secrets.token_urlsafe(32))
        with self.application("gated", port=port, env=environment, options=options) as server:
            yield GatedApplication(server, environment, self.user)

    def application(
        self,
        guise: str,
        *,
        port: int = 0,
        env: Mapping[str, str] | None = None,
        options: Sequence[str] = (),
    ) -> Application:
        """A guise of benches/programs/application.py under uvicorn: one worker, on one processor."""
        self._applications += 1
        application = Application(
            f"application:{guise}",
            port=port or free_port(),
            folder=self.folder,
            env=env or {},
            app_dir=PROGRAMS,
            options=["--factory", "--no-access-log", *options],
            name=f"application-{guise}-{self._applications}",
        )
        pin(application.pid, server_processors())
        return application

    def once(self, name: str, measure: Callable[[], _T]) -> _T:
        """What `measure` gave when first asked under this name: for benchmarks that share their rounds."""
        if name not in self._shared:
            self._shared[name] = measure()
        return cast("_T", self._shared[name])
