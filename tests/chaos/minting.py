"""Sessions and tokens of many people and machines, made before the run and for as long as it lasts."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import time
from base64 import urlsafe_b64decode
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import httpx
from lab import LabError, Page

from chaos.ledger import SAME_SECOND, Credential, Ledger
from chaos.world import CALLBACK, CODE, TENANTS, Gated, World

CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
ROLE = "accountant"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
WORK = [{"name": "work", "description": "Work"}]
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"


@dataclass(slots=True)
class Someone:
    """A user, and the browser that is signed in at the control plane."""

    id: str
    email: str
    password: str
    tenant: str
    cookies: dict[str, str] = field(default_factory=dict[str, str])
    has_role: bool = True
    not_before: float = 0.0
    """Until when sign-ins may fall under an earlier revocation."""


class NoneMadeError(Exception):
    """A credential could not be made now, which is no wonder while there are faults."""


class Mint:
    """Makes credentials. It asks the control plane directly; what an application does goes the usual way."""

    def __init__(self, world: World, ledger: Ledger, random: Random) -> None:
        """Makes them on `world`, and enters them in `ledger`."""
        self.world = world
        self.ledger = ledger
        self.random = random
        self.people: list[Someone] = []
        self.machines: dict[str, str] = {}
        """Clients that call for themselves, with their secrets."""
        self.web = ""
        self.api = ""
        self.agent = ""
        self.not_before = 0.0
        self.made: Counter[str] = Counter()
        self._numbers: Counter[str] = Counter()
        self._http = httpx.AsyncClient(base_url=world.plane.direct, timeout=10)

    async def register(self, people: int, machines: int, api: Gated) -> None:
        """Registers everybody. `api` is the application that takes tokens."""
        self.api = api.url
        resource: dict[str, Any] = {"uri": api.url, "name": "API", "client": api.client, "scopes": WORK}
        await self.world.administer("POST", "/resources", resource)
        web = {
            "redirect_uris": [CALLBACK],
            "scopes": ["openid", "work"],
            "resources": [api.url],
            "grants": CODE,
        }
        self.web = (await self.world.register("web", access_lifetime=3600, **web))["secret"]
        # It is handed tokens for itself, and exchanges them for others, in its users' names.
        agent: dict[str, Any] = {
            "grants": [EXCHANGE],
            "scopes": ["work"],
            "resources": [api.url],
            "access_lifetime": 3600,
        }
        self.agent = (await self.world.register("agent", **agent))["secret"]
        own: dict[str, Any] = {
            "uri": "https://agent.example",
            "name": "Agent",
            "client": "agent",
            "scopes": [],
        }
        await self.world.administer("POST", "/resources", own)
        await self.world.administer(
            "PATCH", "/clients/web", {"resources": [api.url, "https://agent.example"]}
        )
        for number in range(machines):
            name = f"machine-{number}"
            grants = {"grants": ["client_credentials"], "resources": [api.url], "scopes": ["work"]}
            told = await self.world.register(name, access_lifetime=3600, **grants)
            self.machines[name] = told["secret"]
        for number in range(people):
            tenant = TENANTS[number % 3] if number % 3 < len(TENANTS) else ""
            password = secrets.token_urlsafe(15)
            email = f"person-{number}@example.com"
            body = {"email": email, "password": password, "roles": [ROLE], "tenant": tenant or None}
            told = await self.world.administer("POST", "/users", body)
            self.people.append(Someone(told["user"]["id"], email, password, tenant))

    def _someone(self) -> Someone:
        now = time.monotonic()
        fit = [one for one in self.people if one.not_before < now]
        if not fit or self.not_before > now:
            raise NoneMadeError("nobody can sign in now")
        return self.random.choice(fit)

    def _next(self, kind: str) -> str:
        self._numbers[kind] += 1
        return f"{kind}-{self._numbers[kind]}"

    async def session(self, application: Gated) -> None:
        """Signs somebody in to an application."""
        someone, made = self._someone(), time.monotonic()
        async with httpx.AsyncClient(base_url=application.url, timeout=6) as browser:
            begun = await browser.get("/auth/login")
            if begun.status_code != 303:
                raise NoneMadeError(f"/auth/login: {begun.status_code}")
            back = await self._code_page(someone, begun.headers["location"])
            done = await browser.get(back[len(application.url) :])
            cookie = next((c for c in done.cookies.jar if c.name == "sealgate" and c.value), None)
            if done.status_code != 303 or cookie is None:
                raise NoneMadeError(f"/auth/callback: {done.status_code}")
            header = ("cookie", f"sealgate={cookie.value}")
            told = await browser.get("/any", headers=dict([header]))
            if told.status_code != 200:
                raise NoneMadeError(f"/any: {told.status_code}")
        session = str(told.json()["session"])
        self._add(
            self._next("session"), application, header, application.client, made, someone, session=session
        )

    async def user_token(self, application: Gated) -> None:
        """A user's access token for the API, or one that an agent got for it by exchange."""
        someone, made = self._someone(), time.monotonic()
        delegated = self.random.random() < 0.4
        resource = "https://agent.example" if delegated else self.api
        asked = {
            "client_id": "web",
            "redirect_uri": CALLBACK,
            "response_type": "code",
            "scope": "work",
            "resource": resource,
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }
        back = await self._code_page(someone, f"{self.world.plane.issuer}/oauth/authorize?{urlencode(asked)}")
        code = parse_qs(urlsplit(back).query).get("code", [""])[0]
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
        token = await self._token("web", self.web, {**form, "code_verifier": VERIFIER})
        client, kind = "web", "user-token"
        session = claims(token)["sid"]
        if delegated:
            form = {"grant_type": EXCHANGE, "subject_token": token, "subject_token_type": ACCESS_TOKEN}
            token = await self._token("agent", self.agent, {**form, "resource": self.api})
            client, kind = "agent", "exchanged"
        told = claims(token)
        grants: list[str] = told.get("grants") or [""]
        header = ("authorization", f"Bearer {token}")
        who = {"session": session, "grant": grants[-1]}
        self._add(self._next(kind), application, header, client, made, someone, **who)

    async def machine_token(self, application: Gated) -> None:
        """A machine's own access token."""
        made = time.monotonic()
        if self.not_before > made:
            raise NoneMadeError("what is made now may be revoked")
        machine = self.random.choice(list(self.machines))
        form = {"grant_type": "client_credentials", "resource": self.api}
        token = await self._token(machine, self.machines[machine], form)
        header = ("authorization", f"Bearer {token}")
        self._add(self._next("machine-token"), application, header, machine, made)

    def _add(
        self,
        name: str,
        application: Gated,
        header: tuple[str, str],
        client: str,
        made: float,
        someone: Someone | None = None,
        *,
        session: str = "",
        grant: str = "",
    ) -> None:
        path = application.path
        if path == "/books" and (someone is None or not someone.has_role):
            return
        tenant = someone.tenant if someone else ""
        user = someone.id if someone else ""
        credential = Credential(
            name, application.name, path, header, client, made, user, tenant, session, grant
        )
        if self.ledger.add(credential):
            self.made[name.rpartition("-")[0]] += 1

    async def _token(self, client: str, secret: str, form: dict[str, str]) -> str:
        answer = await self._http.post("/oauth/token", data=form, auth=(client, secret))
        if answer.status_code != 200:
            raise NoneMadeError(f"/oauth/token: {answer.status_code} {answer.text[:200]}")
        return str(answer.json()["access_token"])

    async def _code_page(self, someone: Someone, location: str) -> str:
        """Opens an authorization request in somebody's browser; where it leads back to."""
        for _ in range(2):
            answer = await self._get(someone, location)
            there = answer.headers.get("location", "")
            if "code=" in there:
                return str(there)
            if "/sign-in" not in there:
                raise NoneMadeError(f"no code: {answer.status_code} {there} {answer.text[:200]}")
            there = await self._sign_in(someone, there)
            if "code=" in there:
                return there
        raise NoneMadeError("no code after signing in")

    async def _get(self, someone: Someone, location: str) -> httpx.Response:
        cookies = "; ".join(f"{name}={value}" for name, value in someone.cookies.items())
        answer = await self._http.get(_path(location), headers={"cookie": cookies})
        self._http.cookies.clear()
        return answer

    async def _sign_in(self, someone: Someone, location: str) -> str:
        shown = await self._get(someone, location)
        try:
            form = Page(location, shown.status_code, shown.text).form("password")
        except LabError as error:
            raise NoneMadeError("no sign-in page") from error
        fields = {**form.fields, "email": someone.email, "password": someone.password}
        headers = {"origin": self.world.plane.issuer, "sec-fetch-site": "same-origin"}
        done = await self._http.post(_path(urljoin(location, form.action)), data=fields, headers=headers)
        cookies = {c.name: c.value or "" for c in done.cookies.jar}
        self._http.cookies.clear()
        if done.status_code != 303:
            raise NoneMadeError(f"signing in: {done.status_code} {done.text[:300]}")
        someone.cookies = cookies
        return str(done.headers["location"])

    def hold_off(self, someone: Someone | None = None) -> None:
        """What is made for a while would fall under what was just revoked."""
        until = time.monotonic() + SAME_SECOND
        if someone is None:
            self.not_before = until
        else:
            someone.not_before = until

    async def fill(self, wanted: dict[str, int], *, patient: bool = False) -> None:
        """Makes what is lacking of live credentials. With `patient`, waits until all of them are there."""
        while True:
            lacking = 0
            for name, count in wanted.items():
                application = self.world.applications[name]
                missing = count - len(self.ledger.of(name, live=True))
                lacking += max(0, missing)
                for _ in range(missing if patient else min(missing, 2)):
                    try:
                        await self._one(application)
                    except (NoneMadeError, httpx.HTTPError) as error:
                        self.ledger.note(time.monotonic(), f"none made for {name}: {error!r}")
                        break
            if patient and lacking == 0:
                return
            await asyncio.sleep(0.05 if patient else 0.25)

    async def _one(self, application: Gated) -> None:
        if application.url != self.api:
            await self.session(application)
        elif self.random.random() < 0.6:
            await self.user_token(application)
        else:
            await self.machine_token(application)

    async def close(self) -> None:
        """Closes its connections."""
        with contextlib.suppress(httpx.HTTPError):
            await self._http.aclose()


def claims(token: str) -> dict[str, Any]:
    """What a token says."""
    payload = token.split(".")[1]
    return dict(json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4))))


def _path(location: str) -> str:
    parts = urlsplit(location)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
