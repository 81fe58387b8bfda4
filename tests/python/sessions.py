"""Signs in to an application under test: its own part in this process, the hosted page by HTTP."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

import httpx
from lab import Client, ControlPlane, Page, User
from sealgate import Gate

BASE_URL = "http://127.0.0.1:8000"


@dataclass(frozen=True)
class Realm:
    """A running control plane with a person and an application on it."""

    plane: ControlPlane
    user: User
    client: Client
    seal_key: str

    @property
    def origin(self) -> str:
        """The control plane's scheme, host and port, as a browser sends them."""
        return urljoin(self.plane.issuer, "/").rstrip("/")

    def gate(self, **change: Any) -> Gate:
        """A gate of the application."""
        settings: dict[str, Any] = {
            "issuer": self.plane.issuer,
            "client_id": self.client.id,
            "client_secret": self.client.secret,
            "base_url": BASE_URL,
            "seal_keys": self.seal_key,
            "scopes": ["openid", "profile", "email", "expenses:read"],
        }
        return Gate(**{**settings, **change})


@asynccontextmanager
async def browser(app: Any) -> AsyncGenerator[httpx.AsyncClient]:
    """A browser for which the application under test is at `BASE_URL`."""
    async with httpx.AsyncClient(mounts={BASE_URL: httpx.ASGITransport(app)}, timeout=20) as client:
        yield client


async def follow(client: httpx.AsyncClient, answer: httpx.Response) -> httpx.Response:
    """Follows redirects to their end."""
    while answer.is_redirect:
        answer = await client.get(urljoin(str(answer.url), answer.headers["location"]))
    return answer


async def sign_in(client: httpx.AsyncClient, realm: Realm, return_to: str = "/") -> httpx.Response:
    """Signs the realm's person in; the redirect that ends it, with the session's cookie."""
    begun = await client.get(f"{BASE_URL}/auth/login", params={"return_to": return_to})
    shown = await follow(client, begun)
    assert shown.status_code == 200, shown.text
    form = Page(str(shown.url), shown.status_code, shown.text).form("password")
    fields = {**form.fields, "email": realm.user.email, "password": realm.user.password}
    answer = await client.post(
        urljoin(str(shown.url), form.action), data=fields, headers={"origin": realm.origin}
    )
    while answer.is_redirect and not str(answer.url).startswith(f"{BASE_URL}/auth/callback"):
        answer = await client.get(urljoin(str(answer.url), answer.headers["location"]))
    return answer


def session_cookie(client: httpx.AsyncClient) -> tuple[str, str]:
    """The sealed session as a `cookie` header field."""
    return "cookie", f"sealgate={client.cookies['sealgate']}"
