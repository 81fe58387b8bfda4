"""A crowd of people and services on a control plane, whose every acknowledged answer is kept."""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from base64 import b64decode
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import httpx
import jwt
from cryptography.hazmat.primitives.serialization import load_der_private_key
from lab import ControlPlane, Page, User

from interop.bad_requests import CHALLENGE, VERIFIER
from interop.world import CALLBACK, Registered, key_pair

SCOPE = "openid offline_access"

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

MIX = {"sign-in": 4, "session": 24, "refresh": 50, "client credentials": 16, "revocation": 6}
"""What the crowd does, in parts of a hundred. A sign-in costs a password hash; a session is a code from a
browser that is signed in already, redeemed."""


@dataclass(slots=True)
class Line:
    """A session's line of refresh tokens, as its client knows it."""

    code: str
    tokens: list[str]
    """Every refresh token that was acknowledged; the last one is the one to use."""
    access: str
    busy: bool = False
    """A refresh was under way when the connection broke: it may have happened or not."""
    revoked: bool = False
    """Its revocation was acknowledged."""
    ending: bool = False
    """A revocation was under way when the connection broke."""


@dataclass(slots=True)
class Crowd:
    """Everybody, and what they were told."""

    plane: ControlPlane
    users: list[User]
    web: Registered
    service: Registered
    keyed: Registered
    browsers: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    lines: list[Line] = field(default_factory=list[Line])
    spent_codes: list[str] = field(default_factory=list[str])
    traces: dict[str, str] = field(default_factory=dict[str, str])
    """What was acknowledged, by the trace id of the answer."""
    done: Counter[str] = field(default_factory=Counter[str])
    unknown: int = 0
    """Requests whose answer never came."""
    faults: list[str] = field(default_factory=list[str])
    """Answers that should not have been given."""
    random: random.Random = field(default_factory=lambda: random.Random(20261122))

    @classmethod
    def on(cls, plane: ControlPlane, people: int) -> Crowd:
        """Registers so many people and two clients."""
        web: dict[str, Any] = {"redirect_uris": [CALLBACK], "logout_uris": [], "scopes": []}
        service: dict[str, Any] = {"redirect_uris": [], "scopes": ["expenses:read"]}
        service["grants"] = ["client_credentials"]
        public, private = key_pair("EdDSA", "keyed")
        keyed = {**service, "authentication": "private_key_jwt", "jwks": {"keys": [public]}}
        made: list[Registered] = []
        for name, kind in (("web", web), ("service", service), ("keyed", keyed)):
            told = plane.register({"id": name, "name": f"The {name} client", "kind": "confidential", **kind})
            made.append(Registered(told["client"]["id"], told.get("secret"), key=private))
        users = [plane.add_user(f"person-{number}@example.com") for number in range(people)]
        return cls(plane, users, made[0], made[1], made[2])

    def client(self, connections: int = 64) -> httpx.AsyncClient:
        """Connections for everybody."""
        limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
        # Connections are shared, cookies are not: each browser sends its own.
        nobodys = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
        return httpx.AsyncClient(base_url=self.plane.issuer, timeout=20, limits=limits, cookies=nobodys)

    def keep(self, what: str, answer: httpx.Response) -> None:
        """Keeps an acknowledged answer."""
        self.done[what] += 1
        self.traces[answer.headers["sealgate-trace"]] = what

    async def run(self, after_each: Callable[[], None], workers: int = 24) -> None:
        """Lets everybody work until the server is gone."""
        async with self.client() as http:

            async def work() -> None:
                with suppress(httpx.TransportError):
                    while True:
                        await self._act(http)
                        after_each()
                self.unknown += 1

            await asyncio.gather(*(work() for _ in range(workers)))

    async def _act(self, http: httpx.AsyncClient) -> None:
        kinds, weights = zip(*MIX.items(), strict=True)
        kind = self.random.choices(kinds, weights)[0]
        idle = [line for line in self.lines[-400:] if not (line.busy or line.revoked or line.ending)]
        if kind == "sign-in" or not self.browsers:
            await self.sign_in(http, self.random.choice(self.users))
        elif kind == "session" or not idle:
            await self.begin(http, self.random.choice(self.browsers))
        elif kind == "refresh":
            await self.refresh(http, self.random.choice(idle))
        elif kind == "revocation":
            await self.revoke(http, self.random.choice(idle))
        else:
            await self.service_token(http)

    async def _take(self, what: str, answer: httpx.Response, expected: int = 200) -> httpx.Response:
        if answer.status_code == expected:
            self.keep(what, answer)
        elif answer.status_code != 503:
            self.faults.append(f"{what}: {answer.status_code} {answer.text[:300]}")
        return answer

    async def sign_in(self, http: httpx.AsyncClient, user: User) -> None:
        """Signs a person in with a fresh browser."""
        begun = await http.get(self._authorize())
        shown = await http.get(begun.headers["location"])
        form = Page(str(shown.url), shown.status_code, shown.text).form("password")
        fields = {**form.fields, "email": user.email, "password": user.password}
        headers = {"origin": self.plane.issuer, "sec-fetch-site": "same-origin"}
        target = urljoin(str(shown.url), form.action)
        answer = await http.post(target, data=fields, headers=headers)
        await self._take("sign-in", answer, 303)
        if answer.status_code == 303:
            self.browsers.append(dict(answer.cookies))

    async def begin(self, http: httpx.AsyncClient, browser: dict[str, str]) -> None:
        """Gets a code in a browser that is signed in, and redeems it."""
        code = await self.code(http, browser)
        if not code:
            return
        answer = await self._take("session", await self.redeem(http, code))
        if answer.status_code == 200:
            told = answer.json()
            self.spent_codes.append(code)
            self.lines.append(Line(code, [told["refresh_token"]], told["access_token"]))

    async def code(self, http: httpx.AsyncClient, browser: dict[str, str]) -> str:
        """Gets a code in a browser that is signed in; empty if there is none."""
        cookie = "; ".join(f"{name}={value}" for name, value in browser.items())
        back = await http.get(self._authorize(), headers={"cookie": cookie})
        location: str = back.headers.get("location", "")
        code = parse_qs(urlsplit(location).query).get("code", [""])[0]
        if code:
            self.keep("code", back)
        elif back.status_code != 503:
            self.faults.append(f"no code: {back.status_code} {location} {back.text[:300]}")
        return code

    async def redeem(self, http: httpx.AsyncClient, code: str) -> httpx.Response:
        """Redeems a code."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
        return await self._post(http, "/oauth/token", {**form, "code_verifier": VERIFIER}, self.web)

    async def refresh(self, http: httpx.AsyncClient, line: Line) -> None:
        """Renews a session."""
        line.busy = True
        answer = await self._take("refresh", await self.renew(http, line.tokens[-1]))
        if answer.status_code == 200:
            told = answer.json()
            line.tokens.append(told["refresh_token"])
            line.access = told["access_token"]
        line.busy = False

    async def renew(self, http: httpx.AsyncClient, token: str) -> httpx.Response:
        """Presents a refresh token."""
        form = {"grant_type": "refresh_token", "refresh_token": token}
        return await self._post(http, "/oauth/token", form, self.web)

    async def revoke(self, http: httpx.AsyncClient, line: Line) -> None:
        """Revokes a session."""
        line.ending = True
        answer = await self._post(http, "/oauth/revoke", {"token": line.tokens[-1]}, self.web)
        await self._take("revocation", answer)
        line.revoked = answer.status_code == 200

    async def service_token(self, http: httpx.AsyncClient) -> None:
        """Gets a token for a service."""
        form = {"grant_type": "client_credentials", "scope": "expenses:read"}
        await self._take("client credentials", await self._post(http, "/oauth/token", form, self.service))

    def assertion(self) -> str:
        """A fresh assertion of the client with a key."""
        now = int(time.time())
        claims = {"iss": self.keyed.id, "sub": self.keyed.id, "aud": self.plane.issuer, "iat": now}
        claims |= {"exp": now + 60, "jti": secrets.token_urlsafe()}
        key: Any = load_der_private_key(b64decode(self.keyed.key or ""), None)
        return jwt.encode(claims, key, algorithm="EdDSA", headers={"kid": "keyed"})

    async def assert_itself(self, http: httpx.AsyncClient, assertion: str) -> httpx.Response:
        """Gets a token for the client with a key."""
        form = {"grant_type": "client_credentials", "client_id": self.keyed.id}
        form |= {"client_assertion_type": ASSERTION, "client_assertion": assertion}
        return await http.post("/oauth/token", data=form)

    async def _post(
        self, http: httpx.AsyncClient, path: str, form: dict[str, str], client: Registered
    ) -> httpx.Response:
        return await http.post(path, data=form, auth=(client.id, client.secret or ""))

    def _authorize(self) -> str:
        asked: dict[str, Any] = {
            "client_id": self.web.id,
            "redirect_uri": CALLBACK,
            "response_type": "code",
            "scope": SCOPE,
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }
        return f"/oauth/authorize?{urlencode(asked)}"
