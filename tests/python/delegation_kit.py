"""Services that call one another for users, each behind its own gate, and a clock on how fast they stop."""

from __future__ import annotations

import json
import secrets
import sys
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
from lab import Application, Browser, Client, User, free_port, settings, sign_in
from line import DistantControlPlane, distant_control_plane

FOLDER = Path(__file__).parent
BOUND = 10
"""The staleness bound B of every gate here, in seconds: the default."""

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
CODE = ["--grant", "authorization_code", "--grant", "refresh_token"]


def claims(token: str) -> dict[str, Any]:
    """What a token says, unverified."""
    payload = token.split(".")[1]
    return dict(json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4))))


@dataclass(frozen=True)
class Service:
    """One of the services, and the processes that serve it."""

    name: str
    client: Client
    url: str
    twin: str | None = None
    """The URL of its second process."""

    @property
    def doors(self) -> list[tuple[str, str]]:
        """The name and the URL of each process."""
        both = [(self.name, self.url)]
        return both if self.twin is None else [*both, (f"{self.name}, second process", self.twin)]


Ask = Callable[[], httpx.Response]


@dataclass
class Town:
    """A control plane at the end of a line, and the services."""

    plane: DistantControlPlane
    ada: User
    services: dict[str, Service]
    http: httpx.Client

    def ask(self, url: str, token: str, path: str = "/who") -> httpx.Response:
        """Presents a token."""
        return self.http.get(f"{url}{path}", headers={"authorization": f"Bearer {token}"})

    def signed_in(self, user: User | None = None) -> dict[str, str]:
        """A new session of the first service: the header field that presents it."""
        user, url = user or self.ada, self.services["app"].url
        with Browser() as browser:
            page = sign_in(browser, f"{url}/who", user.email, user.password)
            assert page.status == 200, page.text
            ((name, value),) = browser.session_cookie(url).items()
        return {"cookie": f"{name}={value}"}

    def chain(self, url: str, credential: Mapping[str, str]) -> list[dict[str, Any]]:
        """What each service along the way says of whoever called it."""
        answer = self.http.get(f"{url}/chain", headers=credential)
        assert answer.status_code == 200, answer.text
        return list(answer.json())

    def code_flow(
        self, client: Client, user: User, resource: str, back: str = "http://127.0.0.1:9/callback"
    ) -> dict[str, Any]:
        """The tokens of a client that signs a user in by itself."""
        verifier = secrets.token_urlsafe(48)
        digest = urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        wish = {
            "response_type": "code",
            "client_id": client.id,
            "redirect_uri": back,
            "scope": "openid work",
            "resource": resource,
            "code_challenge": digest,
            "code_challenge_method": "S256",
        }
        with Browser(until=back) as browser:
            url = f"{self.plane.issuer}/oauth/authorize?{urlencode(wish)}"
            page = sign_in(browser, url, user.email, user.password)
        (code,) = parse_qs(urlsplit(page.url).query)["code"]
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": back}
        answer = self.token(client, {**form, "code_verifier": verifier})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def token(self, client: Client, form: Mapping[str, str]) -> httpx.Response:
        """Asks the token endpoint."""
        return self.http.post(
            f"{self.plane.issuer}/oauth/token", data=dict(form), auth=(client.id, client.secret)
        )

    def settled(self) -> None:
        """Waits until every gate follows the feed: right after its start the control plane vouches for nobody
        who may not be back.
        """
        self.plane.cli("feed", "receipt", "--wait", "30")


def refused(asked: Mapping[str, Ask], since: float, reason: str) -> dict[str, int]:
    """Asks everywhere until everywhere says no for that reason; after how many milliseconds each first did.

    Fails when one says yes past the bound, after it has said no, or no for another reason.
    """
    told: dict[str, int] = {}
    while len(told) < len(asked):
        for name, ask in asked.items():
            started = time.monotonic()
            answer = ask()
            if answer.status_code == 200:
                assert name not in told, f"{name} said yes after no"
                assert started - since < BOUND, f"a stale yes of {name} after {started - since:.3f} s"
            else:
                assert (answer.status_code, answer.json()["reason"]) == (401, reason), (name, answer.text)
                told.setdefault(name, round((time.monotonic() - since) * 1000))
        time.sleep(0.005)
    assert max(told.values()) < BOUND * 1000, told
    return told


def in_words(what: str, told: Mapping[str, int]) -> str:
    """The measurements in one line."""
    each = ", ".join(f"{name} {delay} ms" for name, delay in told.items())
    return f"{what}: {each} (B = {BOUND * 1000} ms)"


@contextmanager
def town(folder: Path, chain: Sequence[str] = ("app", "a", "b", "c")) -> Generator[Town]:
    """Services of which each calls the next one. Users sign in to `app`; `c` has two processes."""
    with distant_control_plane(folder / "plane") as plane, ExitStack() as stack:
        ada = plane.add_user("ada@example.com", "Ada")
        services: dict[str, Service] = {}
        following: Service | None = None
        # From the last to the first: a resource is registered before whoever may call it.
        for name in reversed(chain):
            url = f"http://127.0.0.1:{free_port()}"
            options = ["--id", name]
            if following is not None:
                options += [*CODE, "--grant", "token_exchange", "--resource", following.url]
            client = plane.add_client(f"Service {name}", url, scopes=["work"], options=options)
            plane.cli("resource", "add", url, f"Service {name}", "--client", name, "--scope", "work=Work")
            twin = f"http://127.0.0.1:{free_port()}" if name == "c" else None
            service = Service(name, client, url, twin)
            for number, (_, place) in enumerate(service.doors):
                env = settings(plane.issuer, client, url, secrets.token_urlsafe(32)) | {
                    "SERVICE": name,
                    "SEALGATE_GATE_NAME": f"{name}-{number + 1}",
                    "SEALGATE_SCOPES": "openid work",
                    "SEALGATE_STALENESS_BOUND": str(BOUND),
                    "SEALGATE_SHARED_VIEW": "off",
                    "PYTHONPATH": ":".join(sys.path),
                }
                if following is not None:
                    env["NEXT_SERVICE"] = following.url
                port = urlsplit(place).port
                assert port is not None
                application = Application(
                    "delegating:app",
                    port=port,
                    folder=folder,
                    env=env,
                    app_dir=FOLDER,
                    name=f"{name}-{number + 1}",
                )
                stack.enter_context(application)
            services[name] = following = service
        nowhere = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
        http = stack.enter_context(httpx.Client(timeout=20, cookies=nowhere))
        town = Town(plane, ada, services, http)
        town.settled()
        yield town
